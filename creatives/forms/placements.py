"""The form of a placement."""

from __future__ import annotations

from typing import Any

from django import forms

from creatives.models import Placement
from creatives.services.placements import aspect_problem


class PlacementForm(forms.ModelForm):
    """A slot and how the product stands in it."""

    width = forms.IntegerField(label="Width, px", min_value=32, max_value=2048)
    height = forms.IntegerField(label="Height, px", min_value=32, max_value=2048)
    scale = forms.IntegerField(
        label="Product scale, %",
        min_value=10,
        max_value=100,
        initial=72,
        help_text="Of the frame’s limiting side: 10 to 100.",
    )
    margin = forms.IntegerField(
        label="Margin, %",
        min_value=0,
        max_value=40,
        initial=8,
        help_text="Clear space on every side, of the shorter side: 0 to 40.",
    )

    class Meta:
        model = Placement
        fields = ["name", "slug", "width", "height", "scale", "anchor", "margin", "is_active"]
        labels = {"slug": "Id", "is_active": "In use"}
        help_texts = {"slug": "What recommenders send as placement id."}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (
            data.get("width")
            and data.get("height")
            and (problem := aspect_problem(data["width"], data["height"]))
        ):
            self.add_error("width", problem)
        return data


class MerchantPlacementForm(forms.Form):
    """How a merchant's products stand in a placement."""

    scale = forms.IntegerField(
        label="Product scale, %",
        min_value=10,
        max_value=100,
        help_text="Of the frame’s limiting side: 10 to 100.",
    )
    margin = forms.IntegerField(
        label="Margin, %",
        min_value=0,
        max_value=40,
        help_text="Clear space on every side, for a logo or text too: 0 to 40.",
    )
    anchor = forms.ChoiceField(label="Stands", choices=Placement.Anchor.choices)
