"""A coarse mask's outline is drawn to the photo's outlines nearby, and stays smooth where there are none."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatives.pipeline.expansion import overlap
from creatives.pipeline.snake import BEND, LEAST_POINTS, SPACING, _best_circle, snapped

SIDE = 400
CENTRE = (200, 190)


def disc(radius: float, hole: float = 0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(x - CENTRE[0], y - CENTRE[1])
    return (away <= radius) & (away >= hole)


def photo(product: np.ndarray, paper: int = 230, tone: tuple[int, int, int] = (215, 216, 222)) -> np.ndarray:
    rgb = np.full((SIDE, SIDE, 3), paper, np.uint8)
    rgb[product] = tone
    return cv2.GaussianBlur(rgb, (0, 0), 0.8)


@pytest.mark.parametrize("radius", [97, 103])
def test_an_outline_a_few_pixels_off_is_drawn_to_a_faint_one_of_the_photo(radius: int) -> None:
    truth, look = disc(100), disc(radius).astype(np.float32)
    assert overlap(look >= 0.5, truth) < 0.95
    assert overlap(snapped(look, photo(truth)), truth) > 0.98, "to a pixel"


def test_a_hole_is_drawn_to_its_outline_too() -> None:
    truth, look = disc(100, 40), disc(97, 43).astype(np.float32)
    found = snapped(look, photo(truth))
    assert overlap(found, truth) > 0.97
    assert not found[CENTRE[1], CENTRE[0]]


def test_where_the_photo_shows_nothing_the_look_stays_as_it_is() -> None:
    look = disc(100, 40).astype(np.float32)
    assert overlap(snapped(look, photo(disc(0))), look >= 0.5) > 0.98


def test_a_gap_in_the_photos_outline_is_bridged_smoothly() -> None:
    truth = disc(100)
    rgb = photo(truth)
    rgb[150:200, 250:] = 230
    found = snapped(disc(97).astype(np.float32), rgb)
    assert overlap(found, truth) > 0.97
    outlines, _ = cv2.findContours(found.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    assert len(outlines) == 1
    assert found.sum() / cv2.contourArea(cv2.convexHull(outlines[0])) > 0.985, "no bites"


def test_a_strong_outline_out_of_reach_attracts_nothing() -> None:
    look = disc(100).astype(np.float32)
    assert overlap(snapped(look, photo(disc(130), tone=(200, 30, 30))), look >= 0.5) > 0.96


def test_nothing_seen_is_nothing_found_and_specks_are_dropped() -> None:
    rgb = photo(disc(100))
    assert not snapped(np.zeros((SIDE, SIDE), np.float32), rgb).any()
    speck = np.zeros((SIDE, SIDE), np.float32)
    speck[50:54, 50:54] = 1
    assert SPACING * LEAST_POINTS > 4 * 4 - 4
    assert not snapped(speck, rgb).any()


def test_a_product_cut_by_the_photos_border_still_meets_it() -> None:
    truth = np.zeros((SIDE, SIDE), np.bool_)
    truth[200:, 100:300] = True
    found = snapped(cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 3.0), photo(truth))
    assert overlap(found, truth) > 0.98
    assert found[-1, 110:290].all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 7), st.integers(2, 4))
def test_the_path_never_jumps_and_none_is_cheaper_where_the_circle_is_open(
    seed: int, count: int, places: int
) -> None:
    """Against all paths: those of a circle that is cut where all points agree anyway."""
    cost = np.random.default_rng(seed).uniform(0, 10, (count, places)).astype(np.float32)
    cost[0], cost[0, 0] = 1000, 0
    path = _best_circle(cost)
    assert all(abs(int(b) - int(a)) <= 1 for a, b in itertools.pairwise([*path, path[0]]))

    def price(way: tuple[int, ...]) -> float:
        bends = [abs(b - a) for a, b in itertools.pairwise([*way, way[0]])]
        return (
            float(sum(cost[k, at] for k, at in enumerate(way))) + BEND * sum(bends) + 1e9 * (max(bends) > 1)
        )

    cheapest = min(price(way) for way in itertools.product(range(places), repeat=count))
    assert price(tuple(int(at) for at in path)) == pytest.approx(cheapest, abs=1e-3)
