"""Placements: where on a page or in an app a creative is shown, and how the product stands in it."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from .accounts import Merchant
from .base import TenantQuerySet

SIDE = [MinValueValidator(32), MaxValueValidator(2048)]
SCALE = [MinValueValidator(10), MaxValueValidator(100)]
MARGIN = [MinValueValidator(0), MaxValueValidator(40)]


class Placement(models.Model):
    """An ad slot. Sizes in pixels; scale and margin in per cent of the frame's limiting side."""

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

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    width = models.PositiveIntegerField(validators=SIDE)
    height = models.PositiveIntegerField(validators=SIDE)
    scale = models.PositiveSmallIntegerField(default=72, validators=SCALE)
    anchor = models.CharField(max_length=2, choices=Anchor, default=Anchor.BOTTOM)
    margin = models.PositiveSmallIntegerField(default=8, validators=MARGIN)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return f"{self.name} {self.width}×{self.height}"


class MerchantPlacement(models.Model):
    """How a merchant wants its products to stand in a placement, where that is not the placement's own way."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="placement_defaults")
    placement = models.ForeignKey(Placement, models.CASCADE, related_name="merchant_defaults")
    scale = models.PositiveSmallIntegerField(validators=SCALE)
    anchor = models.CharField(max_length=2, choices=Placement.Anchor)
    margin = models.PositiveSmallIntegerField(validators=MARGIN)
    updated_at = models.DateTimeField(auto_now=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "placement"], name="one_default_per_placement")
        ]

    def __str__(self) -> str:
        return f"{self.placement} for {self.merchant}"
