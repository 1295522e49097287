"""Placements: where on a page or in an app a creative is shown, and how the product stands in it."""

from __future__ import annotations

from typing import Literal, cast

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from creatives.pipeline.layout import LARGEST_INSET, Insets, Layout, TextArea

from .accounts import Merchant
from .base import TenantQuerySet

SIDE = [MinValueValidator(32), MaxValueValidator(2048)]
SCALE = [MinValueValidator(10), MaxValueValidator(100)]
MARGIN = [MinValueValidator(0), MaxValueValidator(40)]
INSET = [MinValueValidator(0), MaxValueValidator(LARGEST_INSET)]
SHARE = [MinValueValidator(0), MaxValueValidator(100)]


class Anchor(models.TextChoices):
    CENTRE = "c", "centre"
    BOTTOM = "s", "bottom"
    TOP = "n", "top"
    LEFT = "w", "left"
    RIGHT = "e", "right"
    BOTTOM_LEFT = "sw", "bottom left"
    BOTTOM_RIGHT = "se", "bottom right"
    TOP_LEFT = "nw", "top left"
    TOP_RIGHT = "ne", "top right"


class LayoutFields(models.Model):
    """How products stand in a frame, in per cent: a ``Layout`` as columns. A text area of no size is none."""

    class Ground(models.TextChoices):
        AUTO = "auto", "as the prompt has it"
        CONTACT = "contact", "always"
        NONE = "none", "never"

    scale = models.PositiveSmallIntegerField(default=72, validators=SCALE)
    anchor = models.CharField(max_length=2, choices=Anchor, default=Anchor.BOTTOM)
    margin = models.PositiveSmallIntegerField(default=8, validators=MARGIN)
    safe_top = models.PositiveSmallIntegerField(default=0, validators=INSET)
    safe_right = models.PositiveSmallIntegerField(default=0, validators=INSET)
    safe_bottom = models.PositiveSmallIntegerField(default=0, validators=INSET)
    safe_left = models.PositiveSmallIntegerField(default=0, validators=INSET)
    text_left = models.PositiveSmallIntegerField(default=0, validators=SHARE)
    text_top = models.PositiveSmallIntegerField(default=0, validators=SHARE)
    text_width = models.PositiveSmallIntegerField(default=0, validators=SHARE)
    text_height = models.PositiveSmallIntegerField(default=0, validators=SHARE)
    ground = models.CharField(max_length=7, choices=Ground, default=Ground.AUTO)

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Raises ValidationError where margin, safe zone and text area leave the product no room."""
        super().clean()
        try:
            _ = self.layout
        except ValueError as error:
            told = str(error).removeprefix("layout ")
            raise ValidationError(f"{told[0].upper()}{told[1:]}.") from error

    @property
    def layout(self) -> Layout:
        """Raises ValueError where the columns go beyond what a layout may be."""
        text = TextArea(self.text_left, self.text_top, self.text_width, self.text_height)
        return Layout(
            self.scale,
            self.anchor,
            self.margin,
            Insets(self.safe_top, self.safe_right, self.safe_bottom, self.safe_left),
            text if text.width or text.height else None,
            cast(Literal["auto", "contact", "none"], self.ground),
        )


LAYOUT_FIELDS = tuple(field.name for field in LayoutFields._meta.local_fields)


class Placement(LayoutFields):
    """An ad slot. Sizes in pixels."""

    Anchor = Anchor

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    width = models.PositiveIntegerField(validators=SIDE)
    height = models.PositiveIntegerField(validators=SIDE)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return f"{self.name} {self.width}×{self.height}"


class MerchantPlacement(LayoutFields):
    """How a merchant wants its products to stand in a placement, where that is not the placement's own way."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="placement_defaults")
    placement = models.ForeignKey(Placement, models.CASCADE, related_name="merchant_defaults")
    updated_at = models.DateTimeField(auto_now=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "placement"], name="one_default_per_placement")
        ]

    def __str__(self) -> str:
        return f"{self.placement} for {self.merchant}"
