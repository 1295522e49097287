"""Which generation serves an exact size: bucket, layout and pipeline version of the profile in use. No torch."""

from __future__ import annotations

from creatives.models import Placement
from creatives.models.placements import LayoutFields
from creatives.pipeline.buckets import Size, bucket_for
from creatives.pipeline.version import pipeline_version
from creatives.services.profiles import profile_in_use


class SizeError(ValueError):
    """A size that no bucket of the profile in use can be cropped to; the message names the limits."""


def current_pipeline_version() -> str:
    """The version that new requests are made for: code, profile and weights of ``CHECKPOINT_PROFILE``."""
    return pipeline_version(profile_in_use())


def bucket_of(width: int, height: int) -> str:
    """The generation size, e.g. "320x256", for ``width`` × ``height`` pixels. Raises SizeError."""
    try:
        return str(bucket_for(width, height, profile_in_use().buckets))
    except ValueError as error:
        raise SizeError(str(error)) from error


def is_paintable(width: int, height: int) -> bool:
    """Whether the profile in use has a bucket for the size."""
    try:
        bucket_of(width, height)
    except SizeError:
        return False
    return True


def layout_of(placement: LayoutFields | None) -> str:
    """Canonical text of the placement's layout; the default one for an unknown placement.

    Sizes with equal bucket and layout share one generation.
    """
    return (placement or Placement()).layout.key


def size_of(text: str) -> Size:
    """ "300x250" → Size(300, 250). Raises ValueError."""
    return Size.parse(text)
