"""The filter forms of the desk and the history. They only write the URL; ``review.filters`` reads it."""

from __future__ import annotations

from typing import Any

from django import forms

from creatives.models import User
from review.filters import HistoryFilters, QueueFilters
from review.selectors import history, queue

Choices = list[tuple[Any, str]]


class QueueFilterForm(forms.Form):
    """Narrow the queue."""

    merchant = forms.ChoiceField(required=False)
    category = forms.ChoiceField(required=False)
    prompt = forms.ChoiceField(required=False)
    verdict = forms.ChoiceField(required=False, label="Quality gate")
    view = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, filters: QueueFilters, view: str = "") -> None:
        super().__init__(initial={**filters.as_dict(), "view": view}, auto_id="filter-%s")
        found = queue.choices(user)
        self._offer("merchant", [(row.slug, row.name) for row in found["merchants"]])
        self._offer("category", [(row.pk, row.path) for row in found["categories"]])
        self._offer("prompt", [(row.pk, row.name) for row in found["prompts"]])
        self._offer("verdict", [(name, name.capitalize()) for name in found["verdicts"]])

    def _offer(self, name: str, choices: Choices) -> None:
        if len(choices) < 2 and not self.initial.get(name):
            del self.fields[name]  # a choice of one is none
            return
        self.fields[name].choices = [("", "All"), *choices]  # type: ignore[attr-defined]


class HistoryFilterForm(forms.Form):
    """Narrow the history."""

    merchant = forms.ChoiceField(required=False)
    reviewer = forms.ChoiceField(required=False)
    action = forms.ChoiceField(required=False)
    reason = forms.ChoiceField(required=False)
    since = forms.DateField(required=False, label="From", widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput({"type": "date"}))

    def __init__(self, user: User, filters: HistoryFilters) -> None:
        super().__init__(initial=filters.as_dict(), auto_id="filter-%s")
        found = history.choices(user)
        self._offer("merchant", [(row.slug, row.name) for row in found["merchants"]])
        self._offer("reviewer", [(row.pk, str(row)) for row in found["reviewers"]])
        self._offer("action", [(value, str(label).capitalize()) for value, label in found["actions"]])
        self._offer("reason", [(value, str(label).capitalize()) for value, label in found["reasons"]])

    def _offer(self, name: str, choices: Choices) -> None:
        self.fields[name].choices = [("", "All"), *choices]  # type: ignore[attr-defined]
