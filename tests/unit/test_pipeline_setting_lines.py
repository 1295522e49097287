"""Lines of a setting, its light and its marble: which a prompt names, found in pictures, drawn by a seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.pipeline.horizon import choose_horizon, with_horizon
from creatives.pipeline.measures import grown
from creatives.pipeline.painter import control_edges
from creatives.pipeline.setting_lines import (
    BESIDE,
    CLEARANCE,
    draw_light,
    draw_veins,
    find_light,
    find_veins,
    has_veins,
    kind_of_light,
)

from .pipeline_models import tiny_profile

SIDE = 160
KINDS = ("window", "leaves", "lamps")


def product(shape: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    height, width = shape
    standing = np.zeros(shape, np.bool_)
    standing[height // 3 : round(0.8 * height), width // 3 : width // 2] = True
    return standing


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("on a dark walnut table, window light falling on a cream wall", "window"),
        ("sunlight through a window on a pink wall", "window"),
        ("grey wall with the shadow of a window", "window"),
        ("on beige linen, leaf shadows on a cream wall, sunlight", "leaves"),
        ("Palm shadows on a wall", "leaves"),
        ("on a concrete surface at night with glowing city lights behind", "lamps"),
        ("on a glossy black surface, bokeh lights at night", "lamps"),
        ("in front of a window", None),
        ("soft light, with green leaves", None),
        ("under a lamp", None),
    ],
)
def test_the_light_that_a_prompt_names(prompt: str, kind: str | None) -> None:
    assert kind_of_light(prompt) == kind


def test_what_is_named_first_counts() -> None:
    assert kind_of_light("leaf shadows and window light on a wall") == "leaves"
    assert kind_of_light("window light and leaf shadows on a wall") == "window"


@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**63 - 1),
    height=st.integers(64, 200),
    width=st.integers(64, 200),
    share=st.floats(0, 1),
)
def test_lines_stay_above_the_horizon_and_beside_the_product(
    kind: str, seed: int, height: int, width: int, share: float
) -> None:
    standing, row = product((height, width)), int(share * (height - 1))
    lines = draw_light(kind, standing, row, seed)
    assert lines.shape == (height, width)
    assert not lines[max(0, row - 3) :].any()
    assert not (lines & grown(standing, BESIDE)).any()
    assert np.array_equal(lines, draw_light(kind, standing, row, seed))


@given(
    seed=st.integers(0, 2**63 - 1),
    height=st.integers(64, 200),
    width=st.integers(64, 200),
    share=st.floats(0, 1),
)
def test_veins_stay_below_the_horizon_and_beside_the_product(
    seed: int, height: int, width: int, share: float
) -> None:
    standing, row = product((height, width)), int(share * (height - 1))
    lines = draw_veins(standing, row, seed)
    assert lines.shape == (height, width)
    assert not lines[: row + CLEARANCE].any()
    assert not (lines & grown(standing, BESIDE)).any()
    assert np.array_equal(lines, draw_veins(standing, row, seed))


def test_every_seed_has_its_own_veins() -> None:
    drawn = [draw_veins(product(), 60, seed) for seed in range(20)]
    assert sum(lines.sum() > 40 for lines in drawn) >= 18
    assert len({lines.tobytes() for lines in drawn}) >= 19


def test_only_marble_has_veins() -> None:
    assert has_veins("on White Marble, soft light")
    assert not has_veins("on a marbled cake")
    assert not has_veins("on an oak table")


@pytest.mark.parametrize("kind", KINDS)
def test_every_seed_draws_its_own_and_nearly_all_draw_something(kind: str) -> None:
    drawn = [draw_light(kind, product(), 100, seed) for seed in range(20)]
    assert sum(lines.sum() > 40 for lines in drawn) >= 18
    assert len({lines.tobytes() for lines in drawn}) >= 19


def test_outlines_of_light_are_found_above_the_row_and_specks_are_not() -> None:
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    cv2.rectangle(picture, (100, 20), (140, 60), (230, 230, 230), -1)
    picture[40, 20] = 255
    picture[130:] = 240
    lines = find_light(picture, product(), 120)
    rows, columns = np.nonzero(lines)
    assert 16 <= rows.min() <= 24
    assert 56 <= rows.max() <= 64
    assert 96 <= columns.min() <= 104
    assert 136 <= columns.max() <= 144
    assert lines.sum() > 100
    assert not find_light(np.full((SIDE, SIDE, 3), 90, np.uint8), product(), 120).any()
    assert not find_veins(picture[:129], product()[:129], 65).any()
    below = find_veins(picture, product(), 100)
    assert set(np.nonzero(below)[0].tolist()) <= set(range(126, 134))
    assert below.sum() > 50


def test_the_control_picture_holds_edges_horizon_and_the_light_that_is_named() -> None:
    edges = np.zeros((SIDE, SIDE), np.uint8)
    placed = np.dstack([np.zeros((SIDE, SIDE, 3), np.uint8), product().astype(np.uint8) * 255])
    profile, prompt = tiny_profile(setting_lines=True), "on linen, window light on a cream wall"
    row = choose_horizon(product(), prompt, 7)
    assert row is not None
    expected = with_horizon(edges, product(), row)
    assert np.array_equal(
        control_edges(profile, edges, placed, "on linen, cream wall", 7, stands=True), expected
    )
    lit = expected.copy()
    lit[draw_light("window", product(), row, 7)] = 255
    assert np.array_equal(control_edges(profile, edges, placed, prompt, 7, stands=True), lit)
    expected[draw_veins(product(), row, 7)] = 255
    marble = control_edges(profile, edges, placed, "on white marble, cream wall", 7, stands=True)
    assert np.array_equal(marble, expected)
