"""Buckets and layouts: the choice of a bucket, and a product that no crop can cut."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creatives.pipeline.buckets import (
    BUCKETS,
    Size,
    aspect_limits,
    aspect_range,
    bucket_for,
    safe_region,
    scaled_buckets,
)
from creatives.pipeline.layout import ANCHORS, Box, Insets, Layout, TextArea, crop_for, fitted, to_exact
from creatives.pipeline.standing import stand

SQUARE = Size(400, 400)
IAB = {
    (300, 250): "320x256", (336, 280): "320x256", (250, 250): "256x256", (1080, 1080): "256x256",
    (728, 90): "512x64", (970, 90): "704x64", (468, 60): "512x64", (320, 50): "384x64", (970, 250): "512x128",
    (160, 600): "128x512", (120, 600): "128x640", (300, 600): "192x384", (1200, 628): "384x192",
    (1080, 1920): "192x320", (1080, 1350): "256x320",
}  # fmt: skip

layouts = st.builds(Layout, st.integers(5, 100), st.sampled_from(ANCHORS), st.integers(0, 40))
insets = st.builds(Insets, *[st.integers(0, 30)] * 4)


@st.composite
def zoned(draw: st.DrawFn) -> Layout:
    """Layouts with safe zones, text areas and grounds; those that leave too little room are never made."""
    text = None
    if draw(st.booleans()):
        left, top = draw(st.integers(0, 90)), draw(st.integers(0, 90))
        text = TextArea(left, top, draw(st.integers(1, 100 - left)), draw(st.integers(1, 100 - top)))
    facts = (
        draw(st.integers(5, 100)),
        draw(st.sampled_from(ANCHORS)),
        draw(st.integers(0, 12)),
        draw(insets),
        text,
    )
    try:
        return Layout(*facts, draw(st.sampled_from(["auto", "contact", "none"])))
    except ValueError:
        assume(False)
        raise


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    low, high = aspect_limits(BUCKETS)
    width = draw(st.integers(64, 2000))
    height = draw(st.integers(max(16, math.ceil(width / high)), min(4096, math.floor(width / low))))
    return Size(width, height)


@pytest.mark.parametrize(("size", "bucket"), IAB.items())
def test_common_ad_sizes_have_their_bucket(size: tuple[int, int], bucket: str) -> None:
    assert str(bucket_for(*size)) == bucket


def test_buckets_are_multiples_of_64_and_distinct() -> None:
    assert all(side % 64 == 0 for bucket in BUCKETS for side in bucket)
    assert len({bucket.aspect for bucket in BUCKETS}) == len(BUCKETS)
    assert scaled_buckets(2)[0] == Size(512, 512)


@given(sizes())
def test_the_bucket_is_the_nearest_in_log_aspect_and_its_range_says_so(size: Size) -> None:
    bucket = bucket_for(*size)
    nearest = min(abs(math.log(size.aspect / other.aspect)) for other in BUCKETS)
    assert abs(math.log(size.aspect / bucket.aspect)) == nearest
    low, high = aspect_range(bucket)
    assert low * (1 - 1e-9) <= size.aspect <= high * (1 + 1e-9)


@given(sizes(), layouts, st.integers(1, 3000), st.integers(1, 3000))
def test_no_crop_cuts_the_product(size: Size, layout: Layout, width: int, height: int) -> None:
    bucket = bucket_for(*size)
    exact = to_exact(stand(Size(width, height), bucket, layout).box, bucket, size)
    slack = 1e-6 * max(size)
    assert exact.x >= -slack
    assert exact.y >= -slack
    assert exact.x + exact.width <= size.width + slack
    assert exact.y + exact.height <= size.height + slack
    x, y, w, h = exact.rounded(size)
    assert 0 <= x < x + w <= size.width
    assert 0 <= y < y + h <= size.height


@given(zoned())
def test_a_layout_reads_back_from_its_key(layout: Layout) -> None:
    assert Layout.parse(layout.key) == layout
    assert len(layout.key) <= 64


@pytest.mark.parametrize(
    "key",
    [
        "",
        "s72",
        "s72-x-m6",
        "s-s-m6",
        "s4-s-m6",
        "s101-s-m6",
        "s72-s-m41",
        "72-s-6",
        "s72-s-m6 ",
        "s72-s-m6-z1.2.3",
        "s72-s-m6-z46.0.0.0",
        "s72-s-m6-t0.0.50",
        "s72-s-m6-t60.0.50.10",
        "s72-s-m6-t0.0.0.10",
        "s72-s-m6-gx",
    ],
)
def test_a_bad_layout_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="layout"):
        Layout.parse(key)


def test_the_default_layout_stands_at_the_bottom_centre() -> None:
    box = stand(Size(100, 200), SQUARE, Layout(), buckets=[SQUARE]).box
    assert Layout().key == "s72-s-m6"
    assert box.height == pytest.approx(0.72 * 320)  # of a region that every crop keeps: 400 / 1.25
    assert box.width == pytest.approx(0.36 * 320)
    assert box.y + box.height == pytest.approx(400 - 40 - 0.06 * 320)
    assert box.x + box.width / 2 == pytest.approx(200)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"margin": 40, "safe": Insets(0, 11, 0, 0)}, "leave 9 % of the width; the product needs 10 %"),
        ({"margin": 5, "safe": Insets(41, 0, 40, 0)}, "leave 9 % of the height"),
        ({"text": TextArea(0, 20, 100, 70)}, "text area leaves 8 % beside it"),
        ({"text": TextArea(10, 0, 95, 10)}, "ends at 105 % from the left"),
        (
            {"text": TextArea(-5, 0, 40, 10)},
            "begins at -5 % from the left and 0 % from the top; it must be 0",
        ),
        ({"safe": Insets(0, 0, 46, 0)}, "safe zone is 46 % at the bottom; it must be 0 to 45"),
        ({"ground": "mud"}, "ground is 'mud'"),
    ],
)
def test_a_layout_without_room_is_refused(facts: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Layout(**facts)


@pytest.mark.parametrize(
    ("anchor", "corner"),
    [("nw", (10, 10)), ("se", (40, 40)), ("c", (25, 25)), ("e", (40, 25)), ("n", (25, 10))],
)
def test_anchors_name_the_side(anchor: str, corner: tuple[int, int]) -> None:
    box = fitted(Size(7, 7), Box(10, 10, 80, 80), (50, 50), anchor)
    assert (round(box.x), round(box.y)) == corner


def test_the_crop_of_the_buckets_own_aspect_is_everything() -> None:
    assert crop_for(Size(384, 192), Size(768, 384)) == (2.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "text", ["", "300", "300x", "x250", "-1x5", "3e2x250", "15x100", "100x4097", "99999x1"]
)
def test_a_bad_size_is_refused_with_the_form_or_the_limit(text: str) -> None:
    with pytest.raises(ValueError, match=r"WIDTHxHEIGHT|16 to 4096"):
        Size.parse(text)


def test_a_size_beyond_every_bucket_is_refused() -> None:
    with pytest.raises(ValueError, match=r"size 4000x50 has an aspect ratio of 80\.000"):
        bucket_for(4000, 50)


def test_an_unknown_bucket_has_no_safe_region() -> None:
    with pytest.raises(ValueError, match="bucket 100x100 is not one of"):
        safe_region(Size(100, 100))
