"""The forms of a placement, and of a merchant's own layout of one."""

from __future__ import annotations

from typing import Any

from django import forms

from creatives.models import MerchantPlacement, Placement
from creatives.models.placements import LAYOUT_FIELDS, LayoutFields
from creatives.pipeline.layout import LARGEST_INSET
from creatives.services.placements import aspect_problem

STANDS = "The side of the frame that the product stands against."
SAFE = ("safe_top", "safe_right", "safe_bottom", "safe_left")
TEXT = ("text_left", "text_top", "text_width", "text_height")


def _percent(label: str, largest: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=largest, required=False, initial=0)


class LayoutForm(forms.ModelForm):
    """How a product stands in a frame. Empty shares count as 0, and a text area of no size is none."""

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
        help_text="Clear space on every side and around the text area, of the shorter side: 0 to 40.",
    )
    safe_top = _percent("Top, %", LARGEST_INSET)
    safe_right = _percent("Right, %", LARGEST_INSET)
    safe_bottom = _percent("Bottom, %", LARGEST_INSET)
    safe_left = _percent("Left, %", LARGEST_INSET)
    text_left = _percent("From the left, %", 100)
    text_top = _percent("From the top, %", 100)
    text_width = _percent("Width, %", 100)
    text_height = _percent("Height, %", 100)
    ground = forms.ChoiceField(
        label="Shadow below the product",
        choices=LayoutFields.Ground.choices,
        required=False,
        initial="auto",
        help_text="By itself: where the prompt says that the product stands on something.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in SAFE + TEXT:
            if name in data and data[name] is None:
                data[name] = 0
        data["ground"] = data.get("ground") or "auto"
        return data


class PlacementForm(LayoutForm):
    """A slot and how the product stands in it."""

    width = forms.IntegerField(label="Width, px", min_value=32, max_value=2048, help_text="32 to 2048.")
    height = forms.IntegerField(label="Height, px", min_value=32, max_value=2048, help_text="32 to 2048.")

    class Meta:
        model = Placement
        fields = ["name", "slug", "width", "height", "is_active", *LAYOUT_FIELDS]
        labels = {"slug": "Id", "is_active": "In use", "anchor": "Stands"}
        help_texts = {
            "name": "As people see it in lists and reports.",
            "slug": "What recommenders send as placement id.",
            "is_active": "Off: nothing is painted for it ahead of traffic.",
            "anchor": STANDS,
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if (
            data.get("width")
            and data.get("height")
            and (problem := aspect_problem(data["width"], data["height"]))
        ):
            self.add_error("width", problem)
        return data


class MerchantPlacementForm(LayoutForm):
    """How a merchant's products stand in a placement."""

    class Meta:
        model = MerchantPlacement
        fields = list(LAYOUT_FIELDS)
        labels = {"anchor": "Stands"}
        help_texts = {"anchor": STANDS}
