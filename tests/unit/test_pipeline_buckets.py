"""Choosing among buckets of two size classes: by aspect ratio first, then by size."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.pipeline.buckets import (
    BUCKETS,
    UPSCALE_LIMIT,
    Size,
    aspect_range,
    bucket_for,
    enlargement,
    safe_region,
    scaled_buckets,
)

TWO_CLASSES = (*BUCKETS, *scaled_buckets(1.5))


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((300, 250), "320x256"), ((336, 280), "320x256"), ((250, 250), "256x256"), ((384, 384), "256x256"),
        ((385, 385), "384x384"), ((1080, 1080), "384x384"), ((600, 500), "480x384"), ((1200, 628), "576x288"),
        ((728, 90), "512x64"), ((970, 250), "768x192"), ((160, 600), "128x512"), ((300, 600), "288x576"),
        ((1080, 1350), "384x480"), ((1080, 1920), "288x480"),
    ],
)  # fmt: skip
def test_small_placements_take_the_small_class_and_large_ones_the_large(
    size: tuple[int, int], bucket: str
) -> None:
    assert str(bucket_for(*size, TWO_CLASSES)) == bucket
    assert str(bucket_for(*size, TWO_CLASSES[::-1])) == bucket


@given(st.integers(32, 2000), st.floats(0.2, 11))
def test_nothing_is_enlarged_past_the_limit_while_a_larger_bucket_of_its_aspect_exists(
    height: int, aspect: float
) -> None:
    size = Size(min(4096, max(16, round(height * aspect))), height)
    bucket = bucket_for(*size, TWO_CLASSES)
    nearest = min(abs(math.log(size.aspect / other.aspect)) for other in TWO_CLASSES)
    assert abs(math.log(size.aspect / bucket.aspect)) == nearest
    rungs = [other for other in TWO_CLASSES if other.aspect == bucket.aspect]
    assert enlargement(bucket, size) <= UPSCALE_LIMIT or bucket == max(rungs)
    assert all(other >= bucket for other in rungs if enlargement(other, size) <= UPSCALE_LIMIT)


@pytest.mark.parametrize("small", BUCKETS)
def test_both_classes_keep_the_same_part_of_the_picture(small: Size) -> None:
    large = Size(small.width * 3 // 2, small.height * 3 // 2)
    assert aspect_range(small, TWO_CLASSES) == aspect_range(large, TWO_CLASSES)
    assert safe_region(large, TWO_CLASSES) == pytest.approx(
        [side * 1.5 for side in safe_region(small, TWO_CLASSES)]
    )


def test_a_factor_that_makes_fractions_of_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"factor 1\.3 makes fractions"):
        scaled_buckets(1.3)
