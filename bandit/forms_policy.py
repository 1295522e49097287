"""The forms of the policy pages."""

from __future__ import annotations

from typing import Any

from django import forms

from bandit.comparing import ALPHAS, MAX_CANDIDATES, Candidate
from bandit.models import PolicyKind, PoolControl

PER_CENT = ("exploration", "newcomer_share")


class ControlForm(forms.Form):
    """How a pool is explored and learned. Shares are in per cent."""

    kind = forms.ChoiceField(
        label="Policy",
        choices=PolicyKind.choices,
        help_text="Another one starts with all that has been learned, computed anew from the log. Compare them first.",
    )
    alpha = forms.FloatField(
        label="α",
        required=False,
        min_value=0.0,
        max_value=10.0,
        help_text="How much a prompt is favoured for being little known. 0 is greedy: it can get stuck on a "
        "prompt that was lucky early and never find out about a better one, except by what is shown at random. "
        "Empty: as the merchant has it.",
    )
    exploration = forms.FloatField(
        label="Shown at random, %",
        required=False,
        min_value=0.0,
        max_value=100.0,
        help_text="Without such a share nobody can tell later what another policy would have earned. "
        "Empty: as the merchant has it.",
    )
    newcomer_share = forms.FloatField(
        label="At least to each new prompt, %",
        min_value=0.0,
        max_value=50.0,
        help_text="New prompts together get half at most.",
    )
    newcomer_impressions = forms.IntegerField(
        label="A prompt is new up to … impressions learned",
        min_value=0,
        max_value=1_000_000,
        help_text="0: no prompt is ever new.",
    )
    half_life_hours = forms.FloatField(
        label="Half-life, hours",
        required=False,
        min_value=1.0,
        help_text="After this long an impression counts half, so that tastes may change. Empty: nothing is forgotten.",
    )
    pauses_harmful = forms.BooleanField(
        label="Pause prompts that do harm",
        required=False,
        help_text="When a prompt surely earns a tenth less than the others in its place, or than the original photo "
        "where shoppers are shown that. You are told, and can show it again.",
    )
    is_frozen = forms.BooleanField(
        label="Stop learning",
        required=False,
        help_text="Keep this version; what happens meanwhile waits and is learned later.",
    )

    @classmethod
    def of(cls, control: PoolControl, data: Any = None) -> ControlForm:
        """The form with the values of ``control``."""
        initial = {name: getattr(control, name) for name in cls.base_fields}
        for name in PER_CENT:
            if initial[name] is not None:
                initial[name] = round(initial[name] * 100, 6)
        return cls(data, initial=initial)

    def changes(self) -> dict[str, Any]:
        """The values as the service takes them."""
        data = dict(self.cleaned_data)
        for name in PER_CENT:
            if data[name] is not None:
                data[name] = data[name] / 100
        return data


class ComparisonForm(forms.Form):
    """Which policies to compare on how much of the log."""

    kinds = forms.MultipleChoiceField(
        label="Policies",
        choices=PolicyKind.choices,
        initial=[PolicyKind.LINUCB.value, PolicyKind.HYBRID.value],
        widget=forms.CheckboxSelectMultiple,
        help_text="Each is sent through the log from the beginning, with every α.",
    )
    alphas = forms.CharField(
        label="α",
        initial=", ".join(f"{alpha:g}" for alpha in ALPHAS),
        max_length=60,
        help_text="One or more numbers from 0 to 10, with commas between. 0 is greedy and can get stuck.",
    )
    days = forms.IntegerField(
        label="Days of the log", min_value=1, max_value=365, initial=30, help_text="Back from now: 1 to 365."
    )

    def clean_alphas(self) -> list[float]:
        found = []
        for word in self.cleaned_data["alphas"].replace(";", ",").split(","):
            try:
                alpha = float(word)
            except ValueError:
                raise forms.ValidationError(f"{word.strip() or 'nothing'!r} is not a number.") from None
            if not 0.0 <= alpha <= 10.0:
                raise forms.ValidationError(f"{alpha:g} is not between 0 and 10.")
            found.append(alpha)
        return list(dict.fromkeys(found))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        count = len(data.get("kinds", [])) * len(data.get("alphas", []))
        if count > MAX_CANDIDATES:
            raise forms.ValidationError(
                f"{count} combinations of policy and α are too many; {MAX_CANDIDATES} are allowed."
            )
        return data

    def candidates(self) -> list[Candidate]:
        """Every policy with every α."""
        data = self.cleaned_data
        return [Candidate(kind, alpha) for kind in data["kinds"] for alpha in data["alphas"]]
