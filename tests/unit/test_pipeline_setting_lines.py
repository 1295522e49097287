"""Lines of a setting: found in pictures, kept as examples, drawn after them by a seed."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.pipeline.horizon import choose_horizon, with_horizon
from creatives.pipeline.measures import grown
from creatives.pipeline.painter import control_edges
from creatives.pipeline.profile import ProfileError, Source
from creatives.pipeline.profiles import DEFAULT_PROFILE, get_profile
from creatives.pipeline.setting_lines import (
    BESIDE,
    CLEARANCE,
    CLEARLY,
    FAINTLY,
    Example,
    Examples,
    draw_lines,
    find_lines,
    load_examples,
)

from .pipeline_models import tiny_profile

SIDE = 160
FILE = "lines.safetensors"


def product(shape: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    height, width = shape
    standing = np.zeros(shape, np.bool_)
    standing[height // 3 : round(0.8 * height), width // 3 : width // 2] = True
    return standing


def level(*ys: int, width: int = 400) -> tuple[np.ndarray, ...]:
    """Lines from left to right at these heights."""
    return tuple(np.array([[0, y], [width - 1, y]], np.int16) for y in ys)


def examples() -> Examples:
    return Examples(
        grounds=(
            Example("grass", False, 400, 200, level(10, 30, 150), (True, False, True)),
            Example("marble", True, 400, 300, level(20, 100), (False, True)),
        ),
        backdrops=(Example("sea", False, 400, 200, level(12, 40), (True, True)),),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / FILE
    examples().save(path)
    return path


def test_examples_come_back_from_their_file_as_they_were(kept: Path) -> None:
    found, wanted = load_examples(kept), examples()
    for part, other in zip(
        (*found.grounds, *found.backdrops), (*wanted.grounds, *wanted.backdrops), strict=True
    ):
        assert (part.kind, part.from_above, part.width, part.height) == (
            other.kind, other.from_above, other.width, other.height,
        )  # fmt: skip
        assert all(np.array_equal(a, b) for a, b in zip(part.lines, other.lines, strict=True))
        assert part.clear == other.clear
    assert (len(found.grounds), len(found.backdrops)) == (2, 1)
    assert list(kept.parent.iterdir()) == [kept]


def test_a_file_that_has_changed_is_read_again(kept: Path) -> None:
    assert len(load_examples(kept).grounds) == 2
    Examples((), examples().backdrops).save(kept)
    assert (load_examples(kept).grounds, len(load_examples(kept).backdrops)) == ((), 1)


@pytest.mark.parametrize("damage", [b"", b"not lines at all", None])
def test_a_file_without_examples_is_named(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / FILE
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(ValueError, match=f"{FILE}: no lines of settings can be read from it"):
        load_examples(path)


def test_grounds_are_drawn_below_the_horizon_and_backdrops_above_it() -> None:
    nothing = np.zeros((SIDE, 256), np.bool_)  # a picture of 160 × 256: scale 0.79
    scale = np.sqrt(nothing.size) / 256
    drawn = draw_lines(examples(), "on grass by the sea", nothing, 100, 1)
    assert set(np.nonzero(drawn.any(axis=1))[0]) == {
        100 - round(40 * scale), 100 - round(12 * scale), 100 + round(10 * scale), 100 + round(30 * scale),
    }  # fmt: skip
    assert (drawn[100 + round(10 * scale)] == CLEARLY).all()
    assert (drawn[100 + round(30 * scale)] == FAINTLY).all()
    assert not draw_lines(examples(), "on snow in the living room", nothing, 100, 1).any()


def test_from_above_there_is_ground_all_over() -> None:
    nothing = np.zeros((256, 256), np.bool_)
    drawn = draw_lines(examples(), "flat lay on marble", nothing, -1, 1)
    assert set(np.nonzero(drawn.any(axis=1))[0]) == {20, 100}
    assert not draw_lines(examples(), "flat lay on grass", nothing, -1, 1).any()


def test_what_is_too_small_is_stretched_to_the_border_and_goes_on_as_its_mirror_image() -> None:
    slope = np.array([[0, 10], [49, 59]], np.int16)
    small = Examples((Example("grass", False, 50, 60, (slope,), (True,)),), ())
    drawn = draw_lines(small, "on grass", np.zeros((256, 256), np.bool_), 136, 3)
    assert np.nonzero(drawn.any(axis=1))[0].max() == 136 + 2 * 59
    assert drawn.any(axis=0).all()
    lowest = [int(np.nonzero(column)[0].max()) for column in drawn.T]
    assert max(abs(a - b) for a, b in itertools.pairwise(lowest)) <= 5  # without a jump


@given(
    seed=st.integers(0, 2**63 - 1),
    height=st.integers(64, 200),
    width=st.integers(64, 200),
    share=st.floats(0, 1),
)
def test_lines_stay_beside_the_product_and_off_the_horizon(
    seed: int, height: int, width: int, share: float
) -> None:
    standing, row = product((height, width)), int(share * (height - 1))
    prompt = "on grass by the sea"
    lines = draw_lines(examples(), prompt, standing, row, seed)
    assert lines.shape == (height, width)
    assert not lines[max(0, row - CLEARANCE) : row + CLEARANCE + 1].any()
    assert not lines[grown(standing, BESIDE)].any()
    assert set(np.unique(lines)) <= {0, FAINTLY, CLEARLY}
    assert np.array_equal(lines, draw_lines(examples(), prompt, standing, row, seed))


def test_every_seed_draws_its_own_where_the_checkpoint_ships_examples() -> None:
    path = get_profile(DEFAULT_PROFILE).setting_lines_path
    assert path is not None
    for prompt in ("on grass with foliage behind", "on oak, window light on a wall", "on marble by the sea"):
        drawn = [
            draw_lines(load_examples(path), prompt, product((256, 256)), 130, seed) for seed in range(12)
        ]
        assert sum((lines > 0).sum() > 60 for lines in drawn) >= 11
        assert len({lines.tobytes() for lines in drawn}) >= 11


def test_outlines_of_light_are_found_and_specks_the_product_and_the_horizon_are_not() -> None:
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    cv2.rectangle(picture, (100, 20), (140, 60), (230, 230, 230), -1)
    picture[40, 20] = 255
    picture[130:] = 240
    picture[product()] = 20
    numbers = find_lines(picture, product(), 130)
    rows, columns = np.nonzero(numbers)
    assert 16 <= rows.min() <= 24
    assert 56 <= rows.max() <= 64
    assert 96 <= columns.min() <= 104
    assert 136 <= columns.max() <= 144
    assert len(np.unique(numbers)) == 2
    assert numbers.min() == 0  # a clear one
    faint = np.full((SIDE, SIDE, 3), 90, np.uint8)
    cv2.rectangle(faint, (100, 20), (140, 60), (100, 100, 100), -1)
    assert find_lines(faint, product(), 130).max() == 0 > find_lines(faint, product(), 130).min()
    assert set(np.nonzero(find_lines(picture, product(), -1))[0]) & set(range(127, 134))
    assert not find_lines(np.full((SIDE, SIDE, 3), 90, np.uint8), product(), 120).any()


def test_the_control_picture_holds_edges_horizon_and_lines(kept: Path) -> None:
    edges = np.zeros((SIDE, SIDE), np.uint8)
    edges[50, 60:70] = 255
    placed = np.dstack([np.zeros((SIDE, SIDE, 3), np.uint8), product().astype(np.uint8) * 255])
    profile = tiny_profile(setting_lines=FILE, base=Source(folder=kept.parent))
    row = choose_horizon(product(), "on an oak table", 7)
    assert row is not None
    assert np.array_equal(
        control_edges(profile, edges, placed, "on an oak table", 7, stands=True),
        with_horizon(edges, product(), row),
    )
    row = choose_horizon(product(), "on grass", 7)
    assert row is not None
    lines = draw_lines(examples(), "on grass", product(), row, 7)
    assert {FAINTLY, CLEARLY} <= set(np.unique(lines))
    expected = np.maximum(with_horizon(edges, product(), row), lines)
    assert np.array_equal(control_edges(profile, edges, placed, "on grass", 7, stands=True), expected)
    above = np.maximum(edges, draw_lines(examples(), "flat lay on marble", product(), -1, 7))
    drawn = control_edges(profile, edges, placed, "flat lay on marble", 7, stands=False)
    assert np.array_equal(drawn, above)
    assert np.array_equal(control_edges(profile, edges, placed, "on marble", 7, stands=False), edges)
    assert np.array_equal(control_edges(profile, edges, placed, "on grey paper", 7, stands=True), edges)
    assert control_edges(tiny_profile(), edges, placed, "on grass", 7, stands=True) is edges


def test_a_profile_without_a_folder_or_without_the_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        ProfileError, match="setting_lines is 'x'; it must be the name of a file in the folder"
    ):
        tiny_profile(setting_lines="x")
    (tmp_path / "model_index.json").write_text("{}")
    missing = tiny_profile(setting_lines=FILE, base=Source(folder=tmp_path)).missing
    assert missing is not None
    assert f"no lines of settings in {tmp_path.name}/ ({FILE} is missing)" in missing
