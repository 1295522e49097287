"""The rim of a painted product beside the real one is painted over, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.pipeline import Light, bucket_for, positioned, prepare
from creatives.pipeline.rim import RIM, without_rim
from creatives.pipeline.stages import render

from .pipeline_models import TINY_BUCKETS, studio_photo

WALL, HALO, PAINTED = (60, 120, 90), (240, 240, 235), (200, 30, 30)


def disc(side: int, radius: int) -> np.ndarray:
    drawn = np.zeros((side, side), np.uint8)
    cv2.circle(drawn, (side // 2, side // 2), radius, 255, -1)
    return drawn


def painted(alpha: np.ndarray, halo: int) -> np.ndarray:
    """A product on a wall that was painted ``halo`` pixels larger than it is."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * halo + 1,) * 2)
    picture = np.full((*alpha.shape, 3), WALL, np.uint8)
    picture[cv2.dilate(alpha, kernel) > 0] = HALO
    picture[alpha > 0] = PAINTED
    return picture


@pytest.mark.parametrize("side", [64, 256, 512])
def test_a_halo_within_the_rim_is_gone(side: int) -> None:
    alpha = disc(side, side // 4)
    halo = int(RIM * side) - 1
    picture = painted(alpha, max(1, halo) if side > 64 else 0)
    clean = without_rim(picture, alpha)
    assert np.abs(clean[alpha == 0].astype(int) - WALL).max() <= 1
    assert (picture[alpha == 0] != WALL).any() == (side > 64)


def test_twice_as_far_nothing_changes_and_the_painting_given_is_left_alone() -> None:
    alpha, rng = disc(256, 60), np.random.default_rng(1)
    picture = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    before = picture.copy()
    clean = without_rim(picture, alpha)
    away = cv2.distanceTransform((alpha < 8).astype(np.uint8), cv2.DIST_L2, 3)
    assert np.array_equal(clean[away >= 2 * RIM * 256], picture[away >= 2 * RIM * 256])
    assert (clean[(away > 0) & (away < RIM * 256)] != picture[(away > 0) & (away < RIM * 256)]).mean() > 0.9
    assert np.array_equal(picture, before)


def test_a_narrow_handle_shows_what_is_beyond_it() -> None:
    alpha = cv2.subtract(disc(256, 30), disc(256, 2))
    picture = painted(alpha, 2)
    assert tuple(picture[128, 128]) != WALL
    assert np.abs(without_rim(picture, alpha)[128, 128].astype(int) - WALL).max() <= 1


@given(colour=st.tuples(*[st.integers(0, 255)] * 3), radius=st.integers(0, 40), side=st.integers(40, 120))
def test_an_even_painting_stays_as_it_is(colour: tuple[int, int, int], radius: int, side: int) -> None:
    picture = np.full((side, side, 3), colour, np.uint8)
    alpha = disc(side, radius) if radius else np.zeros((side, side), np.uint8)
    assert np.array_equal(without_rim(picture, alpha), picture)


def test_a_creative_has_no_rim_of_the_painted_product_at_any_size(tmp_path) -> None:  # type: ignore[no-untyped-def]
    photo = tmp_path / "p.png"
    cutout = np.dstack([np.full((200, 200, 3), (30, 40, 200), np.uint8), disc(200, 90)])
    cv2.imwrite(str(photo), cutout)
    bucket = TINY_BUCKETS[0]._replace(width=256, height=256)
    prepared = prepare(photo, bucket, buckets=(bucket,))
    generated = painted(prepared.placed[..., 3], 1)
    for size in ((256, 256), (1000, 1000)):
        made = render(prepared, generated, size, Light(shadow=0.0, harmony=0.0))
        outside = cv2.dilate(made.placed[..., 3], np.ones((3, 3), np.uint8)) == 0
        assert np.abs(made.final[outside].astype(int) - WALL).max() <= 3


def test_a_rendition_that_gets_the_setting_of_another_is_the_same_picture() -> None:
    photo, _ = studio_photo()
    bucket = bucket_for(300, 250)
    prepared = prepare(photo, bucket)
    generated = np.random.default_rng(3).integers(0, 256, (bucket.height, bucket.width, 3), np.uint8)
    whole, alone = (render(prepared, generated, size) for size in (bucket, (300, 250)))
    assert whole.setting is not None
    assert not np.array_equal(whole.setting, generated)
    assert np.array_equal(whole.setting, without_rim(generated, prepared.placed[..., 3]))
    again = render(prepared, generated, (300, 250), setting=whole.setting)
    assert np.array_equal(again.final, alone.final)
    assert positioned(photo, (300, 250)).setting is None
