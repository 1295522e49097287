"""The filters of a report."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from bandit.models import Experiment, Impression
from bandit.report_query import ReportFilter
from creatives.models import Category, Merchant, Placement, PromptVersion

PERIODS = {
    "1": "last 24 hours",
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
TRAFFIC_LABELS = {"all": "all traffic", "live": "real shoppers", "simulated": "simulated shoppers"}


class ReportForm(forms.Form):
    """All fields are optional: without any, the last seven days by arm."""

    split = forms.ChoiceField(label="Split by", choices=list(SPLITS.items()), required=False, initial="arm")
    period = forms.ChoiceField(label="Period", choices=list(PERIODS.items()), required=False, initial="7")
    start = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    category = forms.ModelChoiceField(Category.objects.none(), required=False, empty_label="all")
    prompt = forms.ModelChoiceField(PromptVersion.objects.none(), required=False, empty_label="all")
    placement = forms.ChoiceField(required=False)
    experiment = forms.ModelChoiceField(Experiment.objects.none(), required=False, empty_label="all")
    traffic = forms.ChoiceField(choices=list(TRAFFIC_LABELS.items()), required=False, initial="all")
    baseline = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    merchant = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, merchant: Merchant) -> None:
        filled = {
            name: field.initial for name, field in self.base_fields.items() if field.initial
        } | data.dict()
        super().__init__(filled)
        self.of = merchant
        log = Impression.objects.filter(merchant=merchant)
        pools = Category.objects.filter(policies__merchant=merchant).distinct()
        self._choose("category", pools)
        self._choose(
            "prompt", PromptVersion.objects.filter(prompt__category__in=pools).select_related("prompt")
        )
        self._choose("experiment", Experiment.objects.filter(merchant=merchant))
        # A slug may come from the recommender without being a placement of ours.
        names = {row.slug: str(row) for row in Placement.objects.all()}
        asked = self.data.get("placement", "")
        if asked and asked not in names and log.filter(placement=asked).exists():
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
        """The filter of a valid form. Dates are whole days in UTC; the last one is included."""
        values = self.cleaned_data
        if values["period"]:
            end = timezone.now()
            start = end - timedelta(days=int(values["period"]))
        else:
            start = datetime.combine(values["start"], time.min, UTC)
            end = datetime.combine(values["end"] + timedelta(days=1), time.min, UTC)
        return ReportFilter(
            self.of,
            start,
            end,
            category_id=values["category"].pk if values["category"] else None,
            prompt_version_id=values["prompt"].pk if values["prompt"] else None,
            placement=values["placement"],
            experiment_id=values["experiment"].pk if values["experiment"] else None,
            traffic=values["traffic"] or "all",
        )

    def _choose(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows
