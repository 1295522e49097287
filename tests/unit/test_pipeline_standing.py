"""Where products stand: out of text areas and safe zones in every crop, and at the border that their photo cut them at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creatives.pipeline.buckets import BUCKETS, Size, bucket_for
from creatives.pipeline.layout import Box, Insets, Layout, TextArea, to_exact
from creatives.pipeline.standing import LayoutError, Standing, cut_sides, stand
from tests.unit.test_pipeline_layout import layouts, sizes, zoned

products = st.builds(Size, st.integers(1, 3000), st.integers(1, 3000))
cuts = st.sampled_from(["", "s", "n", "w", "e", "sw", "es", "ns", "we", "nsw", "ews"])
SQUARE = Size(256, 256)


def stood(product: Size, size: Size, layout: Layout, cut: str = "") -> tuple[Standing, Box]:
    bucket = bucket_for(*size)
    try:
        standing = stand(product, bucket, layout, cut=cut)
    except LayoutError:
        assume(False)
        raise
    return standing, to_exact(standing.box, bucket, size, standing.hold)


@given(products, sizes(), zoned(), cuts)
def test_the_product_never_enters_the_text_area(product: Size, size: Size, layout: Layout, cut: str) -> None:
    assume(layout.text is not None)
    assert layout.text is not None
    _, exact = stood(product, size, layout, cut)
    shares = zip(layout.text, (*size, *size), strict=True)
    text = Box(*(share / 100 * side for share, side in shares))
    assert not exact.meets(text)
    if min(exact.width, exact.height) >= 2:  # less may hold no whole pixel, and one is always drawn
        assert not Box(*exact.rounded(size)).meets(text)


@given(products, sizes(), zoned(), cuts)
def test_it_keeps_to_the_safe_zone_but_for_the_borders_it_is_snapped_to(
    product: Size, size: Size, layout: Layout, cut: str
) -> None:
    standing, box = stood(product, size, layout, cut)
    top, right, bottom, left = layout.safe
    slack = 1e-6 * max(size)
    gaps = {
        "n": box.y - top / 100 * size.height,
        "e": (1 - right / 100) * size.width - box.right,
        "s": (1 - bottom / 100) * size.height - box.bottom,
        "w": box.x - left / 100 * size.width,
    }
    assert all(gap >= -slack for side, gap in gaps.items() if side not in standing.hold)


@given(products, sizes(), layouts, cuts)
def test_a_cut_side_lies_on_the_frames_border_in_every_crop(
    product: Size, size: Size, layout: Layout, cut: str
) -> None:
    standing, box = stood(product, size, layout, cut)
    gaps = {"n": box.y, "e": size.width - box.right, "s": size.height - box.bottom, "w": box.x}
    slack = 1e-6 * max(size)
    for side in standing.hold:
        spans = {"n": "s", "s": "n", "w": "e", "e": "w"}[side] in standing.hold
        assert gaps[side] <= slack if spans else abs(gaps[side]) <= slack
    assert set(standing.hold) <= set(cut)
    assert bool(standing.notes and "cuts the product" in standing.notes[0]) == (
        set(standing.hold) != set(cut)
    )


@given(products, sizes(), zoned(), cuts)
def test_proportions_are_kept(product: Size, size: Size, layout: Layout, cut: str) -> None:
    _, box = stood(product, size, layout, cut)
    assert box.width / box.height == pytest.approx(product.width / product.height)


def test_a_text_area_at_the_left_pushes_the_product_to_the_right_in_its_full_size() -> None:
    text = TextArea(0, 0, 45, 100)
    plain, beside = (
        stand(Size(1, 1), Size(384, 192), Layout(60, "s", 0, text=kept)).box for kept in (None, text)
    )
    assert beside.width == pytest.approx(plain.width)
    assert beside.y == pytest.approx(plain.y)
    assert beside.x > plain.x


def test_a_text_area_that_is_not_in_the_way_changes_nothing() -> None:
    text = TextArea(0, 0, 20, 10)
    assert stand(Size(1, 1), SQUARE, Layout(40, text=text)) == stand(Size(1, 1), SQUARE, Layout(40))


def test_a_text_along_the_foot_lifts_the_product_onto_it() -> None:
    box = stand(Size(1, 1), SQUARE, Layout(50, "s", 0, text=TextArea(0, 75, 100, 25))).box
    assert box.bottom == pytest.approx(0.75 * 256 - (256 - 256 * 0.8944) / 2 * 0.5, abs=8)
    assert box.x + box.width / 2 == pytest.approx(128)


def test_a_bucket_without_room_beside_the_text_is_refused() -> None:
    wide = [Size(256, 64), Size(64, 256)]  # crops of either reach from one to the other
    with pytest.raises(
        LayoutError, match=r"s72-s-m6-t25\.0\.75\.100 leaves no room for the product in bucket 256x64"
    ):
        stand(Size(1, 1), wide[0], Layout(text=TextArea(25, 0, 75, 100)), buckets=wide)


def test_a_product_cut_below_stands_on_the_frames_foot() -> None:
    standing = stand(Size(300, 400), SQUARE, Layout(), cut="s")
    assert (standing.hold, standing.notes) == ("s", ())
    assert standing.box.bottom == 256
    assert stand(Size(300, 400), SQUARE, Layout()).box.bottom < 240


def test_a_product_cut_above_and_below_fills_the_frame_where_it_fits() -> None:
    banner = stand(Size(900, 800), Size(512, 128), Layout(), cut="sn")
    assert (banner.hold, banner.box.y, banner.box.height) == ("sn", 0, 128)
    story = stand(Size(900, 800), Size(192, 320), Layout(), cut="sn")
    assert (story.hold, story.box.bottom) == ("s", 320)
    assert story.notes == ("the photo cuts the product at the top, and that cut shows in this format",)


@pytest.mark.parametrize(
    ("product", "bucket"),
    [((1, 12), (256, 256)), ((12, 1), (256, 256)), ((1, 6), (704, 64)), ((6, 1), (128, 640))],
)
def test_tall_and_wide_products_stay_whole_and_are_pointed_out_when_small(
    product: tuple[int, int], bucket: tuple[int, int]
) -> None:
    standing = stand(Size(*product), Size(*bucket), Layout())
    box = standing.box
    assert 0 <= box.x < box.right <= bucket[0]
    assert 0 <= box.y < box.bottom <= bucket[1]
    small = box.width * box.height < 0.02 * bucket[0] * bucket[1]
    assert any("is small" in note for note in standing.notes) == small


def _mask(rows: slice, columns: slice) -> np.ndarray:
    alpha = np.zeros((100, 80), np.uint8)
    alpha[rows, columns] = 255
    return alpha


@pytest.mark.parametrize(
    ("alpha", "cut"),
    [
        (_mask(slice(20, 80), slice(20, 60)), ""),
        (_mask(slice(20, 100), slice(20, 60)), "s"),
        (_mask(slice(0, 100), slice(20, 60)), "ns"),
        (_mask(slice(20, 100), slice(0, 60)), "ws"),
        (_mask(slice(0, 100), slice(0, 80)), ""),
        (_mask(slice(0, 0), slice(0, 0)), ""),
    ],
)
def test_the_mask_tells_where_the_photo_cuts(alpha: np.ndarray, cut: str) -> None:
    assert cut_sides(alpha) == cut


def test_a_touch_is_no_cut() -> None:
    alpha = _mask(slice(20, 80), slice(0, 80))
    alpha[80:, 39:42] = 255
    assert cut_sides(alpha) == "we"


def test_a_picture_trimmed_to_its_product_is_not_cut() -> None:
    alpha = np.zeros((100, 100), np.uint8)
    ys, xs = np.mgrid[:100, :100]
    alpha[(ys - 49.5) ** 2 + (xs - 49.5) ** 2 <= 50**2] = 255
    assert cut_sides(alpha) == ""


def test_every_bucket_takes_the_plain_layout() -> None:
    for bucket in BUCKETS:
        assert stand(Size(3, 4), bucket, Layout(safe=Insets(14, 6, 20, 6))).hold == ""
