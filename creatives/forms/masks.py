"""The form of a mask: painted or uploaded, found in a box, confirmed, or left to the segmenter again."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from creatives.forms.catalog import MAX_IMAGE_BYTES
from creatives.pipeline.grabcut import Selection

SIDES: Final = ("left", "top", "width", "height")


def _share(label: str, initial: int) -> forms.FloatField:
    attributes = {"step": "any", "inputmode": "decimal"}
    return forms.FloatField(
        label=label,
        min_value=0,
        max_value=100,
        initial=initial,
        required=False,
        widget=forms.NumberInput(attrs=attributes),
    )


class BoxForm(forms.Form):
    """A box around the product, in per cent of the photo's width and height."""

    left = _share("From the left, %", 10)
    top = _share("From the top, %", 10)
    width = _share("Width, %", 80)
    height = _share("Height, %", 80)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        values = [cleaned.get(side) for side in SIDES]
        if self.errors:
            return cleaned
        if any(value is None for value in values):
            raise ValidationError("A box needs all four numbers.")
        left, top, width, height = (float(value) / 100 for value in values)  # type: ignore[arg-type]
        if width <= 0 or height <= 0 or left + width > 1.0001 or top + height > 1.0001:
            raise ValidationError(
                f"The box ends at {100 * (left + width):.4g} % from the left and {100 * (top + height):.4g} % from the top; "
                "it must have some size and end at 100 % at most."
            )
        cleaned["box"] = Selection(left, top, min(width, 1 - left), min(height, 1 - top))
        return cleaned


class MaskForm(forms.Form):
    """A painted or uploaded mask, and the revision that it started from."""

    matte = forms.FileField(
        label="Upload a mask", required=False, widget=forms.FileInput(attrs={"accept": "image/png,image/webp,image/tiff"}),
        help_text="White where the product is, black elsewhere, greys at soft edges; of the photo's size. Or a cut-out with"
        " transparency.",
    )  # fmt: skip
    base = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    source = forms.ChoiceField(
        choices=[("brush", ""), ("box", ""), ("upload", "")],
        required=False,
        widget=forms.HiddenInput,
        initial="upload",
    )
    with_approved = forms.BooleanField(
        label="Paint approved creatives of this photo again too", required=False,
        help_text="They are withdrawn at once. What waits for review is painted again in any case.",
    )  # fmt: skip

    def clean_matte(self) -> Any:
        matte = self.cleaned_data["matte"]
        if matte is not None and matte.size > MAX_IMAGE_BYTES:
            raise ValidationError(f"The file has {matte.size:,} bytes; the limit is {MAX_IMAGE_BYTES:,}.")
        return matte
