"""How much of a mask's outline is an outline of its photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from creatives.pipeline.support import BESIDE_SHARE, both_sides, confidence_of, outline_support

SIDE = 240
BOX = slice(60, 180), slice(70, 170)


def photo(paper: int, product: int, grain: float = 0.0) -> np.ndarray:
    """A box before paper, both grey; grain: deviation of blotches some pixels wide, in codes."""
    grey = np.full((SIDE, SIDE), paper, np.float32)
    grey[BOX] = product
    noise = cv2.GaussianBlur(np.random.default_rng(4).normal(0, 1, grey.shape), (0, 0), 2.0)
    grey += grain * (noise / noise.std()).astype(np.float32)
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def mask(*boxes: tuple[slice, slice]) -> np.ndarray:
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    for box in boxes:
        alpha[box] = 255
    return alpha


def test_a_faint_outline_on_clean_paper_is_one() -> None:
    assert outline_support(photo(246, 240), mask(BOX)) == 1.0  # ΔE 2.1
    assert outline_support(photo(246, 245), mask(BOX)) == 0.0  # ΔE 0.35


def test_on_a_surface_with_grain_it_takes_more_than_the_grain() -> None:
    faint = outline_support(photo(180, 174, grain=6), mask(BOX))
    clear = outline_support(photo(180, 100, grain=6), mask(BOX))
    assert faint < 0.75 < 0.95 < clear


def test_a_mask_that_stops_short_of_the_products_outline_is_worth_less() -> None:
    """Its own outline runs through the product, along a stripe as dark as an outline: the product's lies just outside."""
    picture = photo(250, 60)
    picture[65:175, 75:165] = 90  # the stripe: ΔE 13 within, ΔE 73 without
    short = mask((slice(65, 175), slice(75, 165)))
    across, outside = both_sides(picture, short)
    assert (across > 3).all()
    assert (outside > 3 * across).mean() > 0.9
    beside = ((outside > 3 * across) & (outside > 6)).mean()
    assert outline_support(picture, short) == pytest.approx(1 - BESIDE_SHARE * beside)
    assert outline_support(picture, mask(BOX)) == 1.0


def test_a_foreign_part_and_a_missing_part_cost_their_share_of_the_outline() -> None:
    picture, foot = photo(230, 120), (slice(180, 220), slice(100, 140))
    both = mask(BOX, foot)
    # Three sides of the foot lie on nothing: 119 of some 552 pixels of the outline.
    assert outline_support(picture, both) == pytest.approx(1 - 119 / 552, abs=0.02)
    half = mask((slice(60, 120), slice(70, 170)))
    assert outline_support(picture, half) == pytest.approx(1 - 100 / 316, abs=0.03)


def test_below_a_support_of_093_a_person_looks() -> None:
    assert confidence_of(0.93) == pytest.approx(0.5)
    assert (confidence_of(1.0), confidence_of(0.86), confidence_of(0.0)) == (1.0, 0.1, 0.1)
