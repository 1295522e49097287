"""The filter forms of the desk and the history. They only write the URL; ``review.filters`` reads it."""

from __future__ import annotations

from typing import Any

from django import forms

from creatives.models import Merchant, User
from creatives.permissions import REVIEWERS
from review.filters import ApprovedFilters, HistoryFilters, QueueFilters
from review.models import ReviewRules
from review.selectors import history, queue
from review.services.rules import FIELDS

Choices = list[tuple[Any, str]]


class FilterForm(forms.Form):
    """Choices that are offered as they occur."""

    def offer(self, name: str, choices: Choices) -> None:
        """Fill the field ``name``, or leave it out where there is nothing to choose. What is chosen stays on offer."""
        chosen = self.initial.get(name)
        if len(choices) < 2 and not chosen:
            del self.fields[name]
            return
        if chosen and chosen not in {str(value) for value, _ in choices}:
            choices = [*choices, (chosen, "Chosen: none left")]
        self.fields[name].choices = [("", "All"), *choices]  # type: ignore[attr-defined]


class QueueFilterForm(FilterForm):
    """Narrow the queue."""

    merchant = forms.ChoiceField(required=False)
    category = forms.ChoiceField(required=False)
    prompt = forms.ChoiceField(required=False)
    verdict = forms.ChoiceField(required=False, label="Quality gate")
    waited = forms.ChoiceField(required=False, label="Waiting longer than")
    q = forms.CharField(
        required=False,
        label="Product",
        widget=forms.TextInput({"type": "search", "placeholder": "Title or id"}),
    )
    view = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, filters: QueueFilters, view: str = "") -> None:
        super().__init__(initial={**filters.as_dict(), "view": view}, auto_id="filter-%s")
        found = queue.choices(user)
        self.offer("merchant", [(row.slug, row.name) for row in found["merchants"]])
        self.offer("category", [(row.pk, row.path) for row in found["categories"]])
        self.offer("prompt", [(row.pk, row.name) for row in found["prompts"]])
        self.offer("verdict", [(name, name.capitalize()) for name in found["verdicts"]])
        self.offer("waited", [(1, "1 hour"), (8, "8 hours"), (24, "1 day"), (72, "3 days")])


class RulesForm(forms.ModelForm):
    """A merchant's rules of review."""

    class Meta:
        model = ReviewRules
        fields = [*FIELDS, "note"]
        widgets = {
            name: forms.NumberInput({"step": "0.01", "min": "0", "max": "1"})
            for name in ("second_share", "gold_share", "check_share")
        }


class ApprovedFilterForm(FilterForm):
    """Narrow what is approved."""

    q = forms.CharField(
        required=False, label="Search", widget=forms.SearchInput({"placeholder": "Product or prompt"})
    )
    merchant = forms.ChoiceField(required=False)
    by = forms.ChoiceField(required=False, label="Approved")
    sort = forms.ChoiceField(
        required=False, label="Sort", choices=[("", "Latest first"), ("oldest", "Oldest first")]
    )
    trust = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, filters: ApprovedFilters) -> None:
        super().__init__(initial=filters.as_dict(), auto_id="filter-%s")
        merchants = Merchant.objects.for_member(user, REVIEWERS).order_by("name")
        self.offer("merchant", [(row.slug, row.name) for row in merchants])
        self.offer("by", [("auto", "Automatically"), ("person", "By a reviewer")])


class HistoryFilterForm(FilterForm):
    """Narrow the history."""

    merchant = forms.ChoiceField(required=False)
    reviewer = forms.ChoiceField(required=False)
    action = forms.ChoiceField(required=False)
    reason = forms.ChoiceField(required=False)
    since = forms.DateField(required=False, label="From", widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput({"type": "date"}))
    creative = forms.IntegerField(
        required=False, label="Creative", min_value=1, widget=forms.NumberInput({"placeholder": "Number"})
    )

    def __init__(self, user: User, filters: HistoryFilters) -> None:
        super().__init__(initial=filters.as_dict(), auto_id="filter-%s")
        found = history.choices(user)
        self.offer("merchant", [(row.slug, row.name) for row in found["merchants"]])
        self.offer("reviewer", [(row.pk, str(row)) for row in found["reviewers"]])
        self.offer("action", [(value, str(label).capitalize()) for value, label in found["actions"]])
        self.offer("reason", [(value, str(label).capitalize()) for value, label in found["reasons"]])
