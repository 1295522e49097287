"""The line between ground and backdrop: found in pictures, chosen by a seed, drawn among the edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.pipeline import Layout, prepare
from creatives.pipeline.horizon import (
    BESIDE,
    HIGHEST,
    LOWEST,
    choose_horizon,
    find_horizon,
    sharpest_row,
    with_horizon,
)
from creatives.pipeline.light import light_for
from creatives.pipeline.measures import lab
from creatives.pipeline.painter import control_edges, paint_job
from creatives.pipeline.profile import CheckpointProfile, Source
from creatives.pipeline.setting_lines import Examples

from .pipeline_models import studio_photo, tiny_profile

SIDE = 160
BLUE = (30, 60, 200)
PROMPT = "on a stone table in front of a wall"


def product(top: int = 40, foot: int = 130) -> np.ndarray:
    standing = np.zeros((SIDE, SIDE), np.bool_)
    standing[top : foot + 1, 60:100] = True
    return standing


@pytest.mark.parametrize("row", [40, 90, 130])
def test_the_horizon_is_found_at_its_row(row: int) -> None:
    picture = np.full((SIDE, SIDE, 3), (210, 200, 190), np.uint8)
    picture[row:] = (120, 80, 50)
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    assert find_horizon(lab(picture), everywhere) == row
    picture[30:140, 60:100] = BLUE  # the product's own colours do not count
    beside = everywhere.copy()
    beside[30:140, 60:100] = False
    assert find_horizon(lab(picture), beside) == row


def test_there_is_no_horizon_where_colours_hardly_differ_or_do_not_part_in_two() -> None:
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    paper = np.full((SIDE, SIDE, 3), 200, np.uint8)
    paper[SIDE // 2 :] = 190
    assert find_horizon(lab(paper), everywhere) is None
    stripes = np.full((SIDE, SIDE, 3), 60, np.uint8)
    stripes[np.arange(SIDE) % 40 < 20] = 200
    assert find_horizon(lab(stripes), everywhere) is None
    assert find_horizon(lab(stripes), np.zeros_like(everywhere)) is None


def test_the_sharpest_row_nearby_is_taken() -> None:
    picture = np.full((SIDE, SIDE, 3), (210, 200, 190), np.uint8)
    picture[84:] = (120, 80, 50)
    clear = np.ones((SIDE, SIDE), np.bool_)
    assert sharpest_row(lab(picture), clear, 80) == 84
    assert sharpest_row(lab(picture), clear, 90) == 84


@given(seed=st.integers(0, 2**63 - 1), top=st.integers(2, 60), tall=st.integers(20, 90))
def test_the_line_is_behind_the_product_and_above_its_foot(seed: int, top: int, tall: int) -> None:
    standing = product(top, top + tall)
    row = choose_horizon(standing, PROMPT, seed)
    assert row == choose_horizon(standing, PROMPT, seed)
    if row is not None:
        assert HIGHEST * SIDE - 0.5 <= row <= LOWEST * SIDE + 0.5
        assert row < top + tall


def test_every_seed_has_its_own_line() -> None:
    rows = {choose_horizon(product(), PROMPT, seed) for seed in range(40)}
    assert None not in rows
    assert len(rows) > 15


@pytest.mark.parametrize(
    "prompt",
    ["on seamless sky blue paper, soft light", "on a plain pink background", "beige studio backdrop"],
)
def test_sweeps_of_paper_have_no_line(prompt: str) -> None:
    assert choose_horizon(product(), prompt, 1) is None


def test_there_is_no_line_above_a_product_at_the_top_or_without_one() -> None:
    assert choose_horizon(product(2, 30), PROMPT, 1) is None
    assert choose_horizon(np.zeros((SIDE, SIDE), np.bool_), PROMPT, 1) is None


def test_the_line_stops_beside_the_product_and_the_edges_given_stay_as_they_are() -> None:
    edges = np.zeros((SIDE, SIDE), np.uint8)
    edges[40, 60:100] = 255
    before = edges.copy()
    drawn = with_horizon(edges, product(), 90)
    assert np.array_equal(edges, before)
    assert np.flatnonzero(drawn[90]).tolist() == [*range(60 - BESIDE), *range(100 + BESIDE, SIDE)]
    drawn[90] = 0
    assert np.array_equal(drawn, before)


@pytest.fixture
def sketching(tmp_path: Path) -> CheckpointProfile:
    """A profile that wants lines of the setting, with no examples of any but the horizon."""
    Examples((), ()).save(tmp_path / "lines.safetensors")
    return tiny_profile(setting_lines="lines.safetensors", base=Source(folder=tmp_path))


def test_only_profiles_that_want_it_and_products_that_stand_get_a_line(sketching: CheckpointProfile) -> None:
    edges = np.zeros((SIDE, SIDE), np.uint8)
    placed = np.dstack([np.zeros((SIDE, SIDE, 3), np.uint8), product().astype(np.uint8) * 255])
    wants, plain = sketching, tiny_profile()
    assert control_edges(plain, edges, placed, PROMPT, 1, stands=True) is edges
    assert control_edges(wants, edges, placed, PROMPT, 1, stands=False) is edges
    row = choose_horizon(product(), PROMPT, 1)
    drawn = control_edges(wants, edges, placed, PROMPT, 1, stands=True)
    assert np.flatnonzero(drawn.any(axis=1)).tolist() == [row]


def test_jobs_are_painted_with_the_line_and_the_prepared_edges_stay_the_products_own(
    sketching: CheckpointProfile,
) -> None:
    profile = sketching
    prepared = prepare(studio_photo()[0], profile.buckets[0], buckets=profile.buckets)
    job = paint_job(prepared, profile, PROMPT, seed=3)
    added = (job.edges > 0) & (prepared.edges == 0)
    assert len(np.unique(np.nonzero(added)[0])) == 1
    flat = paint_job(prepared, profile, "flat lay on stone, seen from above", seed=3)
    assert np.array_equal(flat.edges, prepared.edges)
    unlit = light_for(profile, PROMPT, Layout(), "none")
    assert paint_job(prepared, profile, PROMPT, seed=3, light=unlit).edges is prepared.edges
    assert prepared.pngs(flat.edges)["edges"] == prepared.pngs()["edges"] != prepared.pngs(job.edges)["edges"]


def test_pictures_depend_on_it_so_the_fingerprint_does(sketching: CheckpointProfile) -> None:
    assert sketching.fingerprint != replace(sketching, setting_lines="").fingerprint


@pytest.mark.parametrize(
    ("prompt", "nearest", "farthest"),
    [
        (PROMPT, 0.12, 0.4),
        ("on a sandy beach with the sea and a blue sky behind", 0.38, 0.6),
        ("on green grass with leafy foliage behind", 0.28, 0.46),
        ("on a stone table in front of a sea green wall", 0.12, 0.4),
        ("on a stone table, moss green wall behind", 0.12, 0.4),
    ],
)
def test_the_line_is_farther_away_out_of_doors(prompt: str, nearest: float, farthest: float) -> None:
    shares = [(130 - (choose_horizon(product(), prompt, seed) or 0)) / SIDE for seed in range(200)]
    assert nearest - 0.01 <= min(shares) <= nearest + 0.03
    assert farthest - 0.03 <= max(shares) <= farthest + 0.01
