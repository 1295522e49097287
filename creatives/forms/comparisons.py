"""The form that asks for a comparison of profiles."""

from __future__ import annotations

from typing import Any

from django import forms

from creatives.models import Merchant, ProductImage
from creatives.pipeline import Size
from creatives.pipeline.profiles import CheckpointProfile
from creatives.selectors.comparisons import photo_of_product

MAX_SEED = 2**63 - 1


class ComparisonForm(forms.Form):
    """Product, prompt, size, seed, and the profiles to paint with. ``cleaned_data["photo"]`` is a ready ProductImage."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.order_by("name"), empty_label=None, help_text="Whose product."
    )
    product = forms.CharField(
        label="Product id",
        required=False,
        max_length=200,
        help_text="As the feed has it. Empty: the newest product with a photo.",
    )
    prompt = forms.CharField(
        max_length=500,
        initial="on an oak wood table in front of a sage green wall, soft daylight",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The place around the product: surface, surroundings, light.",
    )
    negative_prompt = forms.CharField(
        label="Negative prompt", required=False, max_length=500, help_text="Empty: each profile’s own."
    )
    size = forms.CharField(initial="1080x1080", max_length=11, help_text="Width × height in pixels.")
    seed = forms.IntegerField(
        min_value=0, max_value=MAX_SEED, initial=1, help_text="The same seed paints the same picture again."
    )
    profiles = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        help_text="One after the other, each in a job of its own. Weights that are not here yet are fetched first.",
    )

    def __init__(self, profiles: list[CheckpointProfile], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["profiles"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(profile.name, f"{profile.name}: {profile.title}") for profile in profiles]

    def clean_size(self) -> Size:
        try:
            return Size.parse(self.cleaned_data["size"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if merchant := data.get("merchant"):
            photo: ProductImage | None = photo_of_product(merchant.pk, data.get("product", ""))
            if photo is None:
                wanted = data.get("product")
                told = (
                    f"{merchant} has no product {wanted!r} with a photo."
                    if wanted
                    else f"{merchant} has no photo."
                )
                self.add_error("product", told)
            data["photo"] = photo
        return data
