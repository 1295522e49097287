"""The form of a new experiment: a share for each thing that can be shown."""

from __future__ import annotations

from typing import Any

from django import forms

from bandit.models import ArmKind
from bandit.services import ArmSpec


class ExperimentForm(forms.Form):
    """Name and shares in per cent of users; a share of 0 leaves the arm out."""

    name = forms.CharField(
        max_length=120, help_text="What you want to find out, as it will stand in the report."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = {ArmKind.PERSONALISED: 80, ArmKind.RANDOM: 20}
        for kind in ArmKind:
            self.fields[f"share_{kind}"] = forms.IntegerField(
                label=f"{kind.capitalize()}, %",
                help_text=f"{kind.label[:1].upper()}{kind.label[1:]}.",
                min_value=0,
                max_value=100,
                initial=usual.get(kind, 0),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        shares = [data.get(f"share_{kind}") for kind in ArmKind]
        if None not in shares and (total := sum(share or 0 for share in shares)) != 100:
            raise forms.ValidationError(f"The shares add up to {total} %, not 100.")
        return data

    def arms(self) -> list[ArmSpec]:
        """The arms with a share, named after what they show."""
        shares = {kind: self.cleaned_data[f"share_{kind}"] for kind in ArmKind}
        return [ArmSpec(str(kind), str(kind), share) for kind, share in shares.items() if share]
