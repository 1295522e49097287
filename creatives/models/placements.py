"""Placements: where on a page or in an app a creative is shown, and how the product stands in it."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

SIDE = [MinValueValidator(32), MaxValueValidator(2048)]


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
    scale = models.PositiveSmallIntegerField(
        default=72, validators=[MinValueValidator(10), MaxValueValidator(100)]
    )
    anchor = models.CharField(max_length=2, choices=Anchor, default=Anchor.BOTTOM)
    margin = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(0), MaxValueValidator(40)]
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return f"{self.name} {self.width}×{self.height}"
