"""Placements: what a change of one means for what has been painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.urls import reverse

from creatives.models import Merchant, MerchantPlacement, Placement, User
from creatives.pipeline.buckets import Size, aspect_limits, safe_region
from creatives.pipeline.layout import Box, Layout, to_exact
from creatives.pipeline.standing import LayoutError, stand
from creatives.services import audit
from creatives.services.profiles import profile_in_use
from creatives.services.sizes import SizeError, bucket_of

SAMPLE: Final = Size(3, 4)
TALL, WIDE = Size(1, 4), Size(4, 1)
LARGE: Final = 1000
"""Pixels of a sample's side: large enough that its size is never the limit."""


@dataclass(frozen=True)
class Preview:
    """The geometry of a placement, in pixels of it, for a product of 3:4, a tall and a wide one.

    region: what every crop of the bucket keeps; safe: the frame without the safe zone's strips; text: the area that the
    product stays out of; notes: what a reviewer would be told.
    """

    bucket: str
    layout: str
    region: Box
    product: Box
    others: tuple[Box, ...]
    safe: Box | None
    text: Box | None
    notes: tuple[str, ...]


def preview(placement: Placement) -> Preview | None:
    """How products stand in ``placement``; None where the profile in use cannot paint its size, or has no room in it."""
    return None if placement_problem(placement) else _preview(placement)


def placement_problem(placement: Placement) -> str | None:
    """Why a placement cannot be painted, or None."""
    if problem := aspect_problem(placement.width, placement.height):
        return problem
    try:
        _preview(placement)
    except LayoutError:
        return "The text area leaves the product no room in this size, whichever way it is cropped."
    return None


def _preview(placement: Placement) -> Preview:
    bucket, layout = bucket_of(placement.width, placement.height), placement.layout
    frame, size, buckets = (
        Size.parse(bucket),
        Size(placement.width, placement.height),
        profile_in_use().buckets,
    )
    samples = [
        stand(Size(sample.width * LARGE, sample.height * LARGE), frame, layout, buckets=buckets)
        for sample in (SAMPLE, TALL, WIDE)
    ]
    product, *others = (to_exact(found.box, frame, size) for found in samples)
    region = to_exact(Box(*safe_region(frame, buckets)), frame, size)
    safe, text = _zones(layout, size)
    return Preview(bucket, layout.key, region, product, tuple(others), safe, text, samples[0].notes)


def _zones(layout: Layout, size: Size) -> tuple[Box | None, Box | None]:
    top, right, bottom, left = (share / 100 for share in layout.safe)
    safe = Box(
        left * size.width,
        top * size.height,
        (1 - left - right) * size.width,
        (1 - top - bottom) * size.height,
    )
    text = layout.text and Box(
        *(share / 100 * side for share, side in zip(layout.text, (*size, *size), strict=True))
    )
    return safe if any(layout.safe) else None, text


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


@transaction.atomic
def switch(slug: str, is_active: bool, by: User) -> Placement:
    """Take a placement out of use, or back into it; doing it twice notes it once. Raises Placement.DoesNotExist."""
    placement = Placement.objects.select_for_update().get(slug=slug)
    if placement.is_active == is_active:
        return placement
    placement.is_active = is_active
    placement.save(update_fields=["is_active"])
    audit.note(
        by,
        "placements",
        "took into use" if is_active else "took out of use",
        placement,
        url=reverse("placements"),
        target=f"creatives.placement:{placement.pk}",
        changes={"is_active": [not is_active, is_active]},
    )
    return placement


@transaction.atomic
def set_layout(
    merchant: Merchant, placement: Placement, values: dict[str, Any], by: User | None = None
) -> None:
    """Lay a placement out in the merchant's own way; ``values`` by the names of ``LAYOUT_FIELDS``."""
    own, _ = MerchantPlacement.objects.select_for_update().get_or_create(
        merchant=merchant, placement=placement, defaults={name: getattr(placement, name) for name in values}
    )
    changes = {
        name: [getattr(own, name), value] for name, value in values.items() if getattr(own, name) != value
    }
    for name, value in values.items():
        setattr(own, name, value)
    own.save()
    if changes:
        _note_layout(merchant, placement, "laid out", by, changes)


@transaction.atomic
def reset_layout(merchant: Merchant, placement: Placement, by: User | None = None) -> None:
    """Lay a placement out for the merchant as for everybody."""
    if MerchantPlacement.objects.filter(merchant=merchant, placement=placement).delete()[0]:
        _note_layout(merchant, placement, "laid out as for everybody", by, {})


def _note_layout(
    merchant: Merchant, placement: Placement, action: str, by: User | None, changes: dict[str, list[Any]]
) -> None:
    url = reverse("layout", args=[placement.slug])
    audit.note(by, "placements", action, placement, url=url, merchant=merchant, changes=changes)
