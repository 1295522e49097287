"""Placements: what a change of one means for what has been painted."""

from __future__ import annotations

from dataclasses import dataclass

from creatives.models import Merchant, MerchantPlacement, Placement
from creatives.pipeline.buckets import Size, aspect_limits, safe_region
from creatives.pipeline.layout import Box, Layout, product_box, to_exact
from creatives.services.profiles import profile_in_use
from creatives.services.sizes import SizeError, bucket_of, layout_of

SAMPLE = Size(3, 4)


@dataclass(frozen=True)
class Preview:
    """The geometry of a placement for a product of 3:4, in pixels of the placement."""

    bucket: str
    layout: str
    region: Box
    product: Box


def preview(placement: Placement) -> Preview | None:
    """How a product stands in ``placement``; None for a size that the profile in use cannot paint."""
    try:
        bucket = bucket_of(placement.width, placement.height)
    except SizeError:
        return None
    frame, size = Size.parse(bucket), Size(placement.width, placement.height)
    region = Box(*safe_region(frame, profile_in_use().buckets))
    layout = Layout(placement.scale, placement.anchor, placement.margin)
    box = product_box(SAMPLE, region, layout)
    return Preview(bucket, layout_of(placement), to_exact(region, frame, size), to_exact(box, frame, size))


def aspect_problem(width: int, height: int) -> str | None:
    """Why a size cannot be painted by the profile in use, naming the limits; None when it can."""
    try:
        bucket_of(width, height)
    except SizeError:
        low, high = aspect_limits(profile_in_use().buckets)
        return (
            f"{width}×{height} has an aspect ratio (width / height) of {width / height:.2f}; "
            f"the checkpoint paints {low:.2f} to {high:.2f}."
        )
    return None


def set_layout(merchant: Merchant, placement: Placement, scale: int, anchor: str, margin: int) -> None:
    """Lay a placement out in the merchant's own way; values in per cent, as in ``Placement``."""
    values = {"scale": scale, "anchor": anchor, "margin": margin}
    MerchantPlacement.objects.update_or_create(merchant=merchant, placement=placement, defaults=values)


def reset_layout(merchant: Merchant, placement: Placement) -> None:
    """Lay a placement out for the merchant as for everybody."""
    MerchantPlacement.objects.filter(merchant=merchant, placement=placement).delete()
