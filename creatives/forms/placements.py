"""The form of a placement."""

from __future__ import annotations

from typing import Any

from django import forms

from creatives.models import Placement
from creatives.services.placements import aspect_problem


class PlacementForm(forms.ModelForm):
    """A slot and how the product stands in it."""

    class Meta:
        model = Placement
        fields = ["name", "slug", "width", "height", "scale", "anchor", "margin", "is_active"]
        labels = {
            "slug": "Id",
            "scale": "Product scale, %",
            "margin": "Margin, %",
            "width": "Width, px",
            "height": "Height, px",
            "is_active": "In use",
        }
        help_texts = {
            "slug": "What recommenders send as placement id.",
            "scale": "Of the frame’s limiting side: 10 to 100.",
            "margin": "Clear space on every side, of the shorter side: 0 to 40.",
            "is_active": "",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (
            data.get("width")
            and data.get("height")
            and (problem := aspect_problem(data["width"], data["height"]))
        ):
            self.add_error("width", problem)
        return data
