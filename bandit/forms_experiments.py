"""The forms of experiments: one of a design, its growth, and the holdout."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst

from bandit.experiment_designs import READY_MADE, arms_of
from bandit.experiments import ArmSpec, PlanSpec
from bandit.models import ArmKind, Design


class ExperimentForm(forms.Form):
    """Name, shares in per cent of users, and the plan; a share of 0 leaves an arm of one's own design out.

    ``versions`` are the pipeline versions that the arms of phase II may be restricted to, the newest first.
    """

    name = forms.CharField(
        max_length=120, help_text="What you want to find out, as it will stand in the report."
    )

    def __init__(self, data: Any, design: str, versions: list[str], baseline: float) -> None:
        super().__init__(data)
        self.design = design
        made = READY_MADE[design]
        for arm in made.arms:
            text = "what the others are compared with; " if arm.is_control else ""
            self.fields[f"share_{arm.name}"] = forms.IntegerField(
                label=f"{capfirst(arm.name)}, %",
                help_text=capfirst(f"{text}{_label(arm.kind)}") + ".",
                min_value=0 if design == Design.CUSTOM else 1,
                max_value=100,
                initial=arm.share,
            )
        if design == Design.PHASE_2:
            choices = [(version, version) for version in versions]
            for arm, version in zip(made.arms, (versions[-1:] + versions[:1]) or ["", ""], strict=True):
                self.fields[f"version_{arm.name}"] = forms.ChoiceField(
                    label=f"Pipeline of “{arm.name}”",
                    choices=choices,
                    initial=version,
                    help_text="Only pictures that this version has painted are shown.",
                )
        self._add_plan(baseline)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        shares = [data.get(f"share_{arm.name}") for arm in READY_MADE[self.design].arms]
        if None not in shares and (total := sum(share or 0 for share in shares)) != 100:
            raise forms.ValidationError(f"The shares add up to {total} %, not 100.")
        versions = self._versions(data)
        if len(versions) == 2 and versions[0] == versions[1]:
            raise forms.ValidationError(
                "Both arms have the same version of the pipeline: nothing would differ."
            )
        return data

    def arms(self) -> list[ArmSpec]:
        """The arms of a valid form."""
        data = self.cleaned_data
        shares = [data[f"share_{arm.name}"] for arm in READY_MADE[self.design].arms]
        return arms_of(self.design, shares, self._versions(data))

    def plan(self) -> PlanSpec:
        """The plan of a valid form."""
        data = self.cleaned_data
        return PlanSpec(
            traffic=data["traffic"],
            enrolled=data["enrolled"],
            baseline=data["baseline"] / 100,
            minimal_gain=data["minimal_gain"] / 100,
            power=data["power"] / 100,
        )

    def _versions(self, data: dict[str, Any]) -> list[str]:
        if self.design != Design.PHASE_2:
            return []
        return [data[name] for arm in READY_MADE[self.design].arms if (name := f"version_{arm.name}") in data]

    def _add_plan(self, baseline: float) -> None:
        self.fields["traffic"] = forms.IntegerField(
            label="Shoppers set aside, %",
            min_value=1,
            max_value=100,
            initial=100,
            help_text="Shoppers are never in two experiments. What this one does not take is left for others.",
        )
        self.fields["enrolled"] = forms.IntegerField(
            label="Of these, take part at first, %",
            min_value=1,
            max_value=100,
            initial=100,
            help_text="Begin small where something might go wrong. The share can grow later without moving anybody.",
        )
        self.fields["baseline"] = forms.FloatField(
            label="Usual click rate, %",
            min_value=0.001,
            max_value=99,
            initial=round(100 * baseline, 3) if baseline else 2.0,
            help_text="That of the last four weeks, if there were any.",
        )
        self.fields["minimal_gain"] = forms.FloatField(
            label="Smallest gain worth finding, %",
            min_value=0.1,
            max_value=1000,
            initial=10.0,
            help_text="Relative: 10 is from 2.0 % to 2.2 %. Half the gain takes four times as long.",
        )
        self.fields["power"] = forms.FloatField(
            label="Chance of finding it, %",
            min_value=50,
            max_value=99,
            initial=80.0,
            help_text="80 is usual.",
        )


class WidenForm(forms.Form):
    """How many take part from now on."""

    enrolled = forms.IntegerField(label="Take part, %", min_value=1, max_value=100)


class HoldoutForm(forms.Form):
    """The share of shoppers that is kept out of everything."""

    holdout = forms.IntegerField(
        label="Holdout, %",
        min_value=0,
        max_value=50,
        help_text="These shoppers always see the original photo, so that one can tell what all of it has brought.",
    )


def _label(kind: str) -> str:
    return str(ArmKind(kind).label)
