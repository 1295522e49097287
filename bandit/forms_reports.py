"""The filters of a report."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from bandit.models import DailyCell, Experiment
from bandit.report_query import ReportFilter
from creatives.models import Category, Merchant, Placement, PromptVersion

PERIODS = {
    "1": "today",
    "2": "today and yesterday",
    "7": "last 7 days",
    "28": "last 28 days",
    "90": "last 90 days",
    "": "dates below",
}
SPLITS = {
    "arm": "experiment arm",
    "shown": "what was shown",
    "prompt": "prompt",
    "category": "category",
    "placement": "placement",
    "device": "device",
}
SEGMENTS = {"device": "device", "placement": "placement"}
TRAFFIC_LABELS = {"all": "all traffic", "live": "real shoppers", "simulated": "simulated shoppers"}


class PeriodForm(forms.Form):
    """What all reports can be narrowed by; every field is optional, and the period is the last seven days by default."""

    period = forms.ChoiceField(label="Period", choices=list(PERIODS.items()), required=False, initial="7")
    start = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    category = forms.ModelChoiceField(Category.objects.none(), required=False, empty_label="all")
    prompt = forms.ModelChoiceField(PromptVersion.objects.none(), required=False, empty_label="all")
    placement = forms.ChoiceField(required=False)
    experiment = forms.ModelChoiceField(Experiment.objects.none(), required=False, empty_label="all")
    traffic = forms.ChoiceField(choices=list(TRAFFIC_LABELS.items()), required=False, initial="all")

    def __init__(self, data: Any, merchant: Merchant) -> None:
        filled = {
            name: field.initial for name, field in self.base_fields.items() if field.initial
        } | data.dict()
        super().__init__(filled)
        self.of = merchant
        pools = Category.objects.filter(policies__merchant=merchant).distinct()
        self._choose("category", pools)
        self._choose(
            "prompt", PromptVersion.objects.filter(prompt__category__in=pools).select_related("prompt")
        )
        self._choose("experiment", Experiment.objects.filter(merchant=merchant))
        # A slug may come from the recommender without being a placement of ours.
        names = {row.slug: str(row) for row in Placement.objects.all()}
        asked = self.data.get("placement", "")
        cells = DailyCell.objects.filter(merchant=merchant)
        if asked and asked not in names and cells.filter(placement=asked).exists():
            names[asked] = asked
        placement = self.fields["placement"]
        assert isinstance(placement, forms.ChoiceField)
        placement.choices = [("", "all"), *names.items()]

    def clean(self) -> dict[str, Any]:
        """Dates in order, and both of them where the period is neither."""
        cleaned = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if not cleaned.get("period") and not (start and end):
            raise forms.ValidationError("Choose a period, or give both dates.")
        if start and end and start > end:
            raise forms.ValidationError(f"From {start} is after to {end}.")
        return cleaned

    def wanted(self) -> ReportFilter:
        """The filter of a valid form: whole days in UTC, the last one included."""
        values = self.cleaned_data
        if values["period"]:
            last = timezone.now().astimezone(UTC).date()
            first = last - timedelta(days=int(values["period"]) - 1)
        else:
            first, last = values["start"], values["end"]
        return ReportFilter(
            self.of,
            datetime.combine(first, time.min, UTC),
            datetime.combine(last + timedelta(days=1), time.min, UTC),
            category_id=self._pk("category"),
            prompt_version_id=self._pk("prompt"),
            placement=values.get("placement", ""),
            experiment_id=self._pk("experiment"),
            traffic=values["traffic"] or "all",
        )

    def _pk(self, name: str) -> int | None:
        row = self.cleaned_data.get(name)
        return row.pk if row else None

    def _choose(self, name: str, rows: Any) -> None:
        if name in self.fields:
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows


class ReportForm(PeriodForm):
    """Click rates, split by something."""

    split = forms.ChoiceField(label="Split by", choices=list(SPLITS.items()), required=False, initial="arm")
    baseline = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    field_order = ("split", "period")


class CreativesForm(PeriodForm):
    """Best and worst creatives. Which experiment showed them does not matter."""

    experiment = None  # type: ignore[assignment]


class LearnedForm(PeriodForm):
    """What the bandit has learned, by segment."""

    segment = forms.ChoiceField(
        label="Shoppers by", choices=list(SEGMENTS.items()), required=False, initial="device"
    )
    prompt = None  # type: ignore[assignment]
    field_order = ("segment", "period")
