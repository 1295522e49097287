"""Colour histograms: which bin a colour falls into, and how a region's colours are spread over the bins."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from creatives.pipeline import clutter, expansion
from creatives.pipeline.histogram import LOWEST, SPAN, colour_codes, density
from creatives.pipeline.measures import lab

BINS = (14, 16, 16)


def plain(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((9, 9, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("colour", "code"),
    [
        ((0, 0, 0), (0, 8, 8)),
        ((255, 255, 255), (13, 8, 8)),
        ((255, 0, 0), (7, 13, 12)),
        ((0, 0, 255), (4, 13, 0)),
    ],
)
def test_a_colour_falls_into_its_bin(colour: tuple[int, int, int], code: tuple[int, int, int]) -> None:
    lightness, green_red, blue_yellow = code
    wanted = (lightness * BINS[1] + green_red) * BINS[2] + blue_yellow
    assert set(colour_codes(plain(colour), BINS, 0.8).ravel()) == {wanted}


@pytest.mark.parametrize(
    ("bins", "sigma"),
    [(expansion.BINS, expansion.SIGMA), (clutter.BINS, clutter.SIGMA)],
    ids=["gate", "clutter"],
)
def test_codes_are_those_of_the_formula_in_double_precision(bins: tuple[int, int, int], sigma: float) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (97, 131, 3), np.uint8)
    values = lab(np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8))
    shares = (values - np.array(LOWEST, np.float32)) / np.array(SPAN, np.float32)
    places = np.clip(np.floor(shares.astype(np.float64) * bins), 0, np.array(bins) - 1).astype(int)
    assert np.array_equal(
        colour_codes(picture, bins, sigma), np.ravel_multi_index(tuple(np.moveaxis(places, 2, 0)), bins)
    )


def test_a_single_colour_spreads_by_the_taps_along_each_axis() -> None:
    shares = density(np.full(7, np.ravel_multi_index((5, 8, 8), BINS)), BINS, (0.6, 0.2)).reshape(BINS)
    assert shares[5, 8, 8] == pytest.approx(0.6**3)
    assert shares[4, 8, 9] == pytest.approx(0.2 * 0.6 * 0.2)
    assert shares[5, 8, 10] == 0.0
    assert shares.sum() == pytest.approx(1.0)


def test_at_the_ends_of_an_axis_nothing_is_lost_and_no_colours_have_no_density() -> None:
    corner = density(np.zeros(3, np.int64), BINS, (0.6, 0.2)).reshape(BINS)
    assert corner[0, 0, 0] == pytest.approx(0.8**3)
    assert corner.sum() == pytest.approx(1.0)
    assert not density(np.zeros(0, np.int64), BINS, (0.6, 0.2)).any()
