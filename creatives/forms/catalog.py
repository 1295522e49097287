"""Forms of the catalogue: a product, a picture."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from creatives.feeds.prices import CURRENCIES
from creatives.feeds.values import AVAILABILITIES
from creatives.models import Product

MAX_IMAGE_BYTES: Final = 16 << 20
ACCEPT_IMAGES: Final = "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff"


class ImageForm(forms.Form):
    """A picture by upload or by address."""

    image = forms.FileField(
        label="Picture", required=False, widget=forms.FileInput(attrs={"accept": ACCEPT_IMAGES}),
        help_text="JPEG, PNG, WebP, GIF, BMP or TIFF; up to 16 MB and 64 megapixels.",
    )  # fmt: skip
    image_url = forms.URLField(
        label="or its address",
        required=False,
        max_length=2000,
        assume_scheme="https",
        help_text="It is fetched once and kept here.",
    )

    def clean_image(self) -> Any:
        image = self.cleaned_data["image"]
        if image is not None and image.size > MAX_IMAGE_BYTES:
            raise ValidationError(f"The file has {image.size:,} bytes; the limit is {MAX_IMAGE_BYTES:,}.")
        return image

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("image") and cleaned.get("image_url"):
            raise ValidationError("Give a file or an address, not both.")
        return cleaned

    @property
    def picture(self) -> dict[str, Any]:
        """Keyword arguments for the services: bytes or address of the picture, if there is one."""
        image = self.cleaned_data.get("image")
        return {
            "image": image.read() if image else None,
            "image_url": self.cleaned_data.get("image_url") or "",
        }


class NewImageForm(ImageForm):
    """A further picture of a product."""

    primary = forms.BooleanField(
        label="Show and paint this one first",
        required=False,
        help_text="Creatives are painted of this photo only.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not cleaned.get("image") and not cleaned.get("image_url"):
            raise ValidationError("Choose a file or give an address.")
        return cleaned


class ProductForm(forms.ModelForm):
    """A product's own fields."""

    link = forms.URLField(
        label="Product page",
        max_length=2000,
        assume_scheme="https",
        help_text="Where a click on a creative leads.",
    )
    availability = forms.ChoiceField(
        label="Availability",
        choices=[("", "–"), *((name, name.replace("_", " ")) for name in AVAILABILITIES)],
        required=False,
        help_text="For your own overview.",
    )

    class Meta:
        model = Product
        fields = [
            "external_id", "title", "description", "category", "link", "price", "currency", "availability", "brand",
            "color",
        ]  # fmt: skip
        labels = {"external_id": "Id", "color": "Colour"}
        help_texts = {
            "title": "Up to 200 characters, as shoppers read it.",
            "description": "For people who look at the product here; it is not painted.",
            "category": "Decides which pool of prompts its backgrounds come from.",
            "price": "An amount without currency, such as 29.00.",
            "brand": "Shown to reviewers.",
            "color": "Shown to reviewers, who compare it with the picture.",
            "external_id": "Your own id of the product, as in your feed and your shop.",
            "currency": "ISO 4217, such as EUR.",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def clean_currency(self) -> str:
        currency = self.cleaned_data["currency"].upper()
        if currency and currency not in CURRENCIES:
            raise ValidationError(f"{currency} is not an ISO 4217 currency code.")
        return currency

    def clean_link(self) -> str:
        link: str = self.cleaned_data["link"]
        if not link.lower().startswith(("http://", "https://")):
            raise ValidationError("A product page is an http or https address.")
        return link

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("price") is not None and cleaned["price"] < 0:
            self.add_error("price", "A price is 0 or more.")
        if cleaned.get("price") is not None and not cleaned.get("currency") and "currency" not in self.errors:
            self.add_error("currency", "A price needs its currency.")
        return cleaned
