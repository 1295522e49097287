"""Contact sheets: their layout, their size in bytes, and which of them a checkpoint can have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.unit.pipeline_models import save_tiny_checkpoint, studio_photo
from training.grid import GAP, LINE, as_image, grid, save_jpeg, shelves, stacked
from training.sheet import SHEETS, draw_sheets


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def block(width: int, height: int, colour: tuple[int, int, int] = (200, 0, 0)) -> np.ndarray:
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour
    return picture


def test_a_picture_fits_its_cell_whole_and_in_proportion():
    assert as_image(block(400, 100), (100, 100)).size == (100, 25)
    assert as_image(block(20, 40), (100, 100)).size == (50, 100)
    clear = np.zeros((10, 10, 4), np.uint8)
    assert as_image(clear, (10, 10)).getpixel((5, 5)) == (214, 214, 214)


def test_a_grid_has_room_for_heads_captions_and_cells():
    sheet = grid([("on oak", [block(10, 10)] * 3), ("", [block(10, 10)])], ("a", "b", "c"), (50, 40), "title")
    assert sheet.width == GAP + 3 * (50 + GAP)
    assert sheet.height == 2 * GAP + 2 * LINE + (LINE + 40 + GAP) + (40 + GAP)


def test_long_captions_are_wrapped_and_nothing_is_cut():
    words = "on an oak wood table in front of a sage green wall " * 4
    short, long = (grid([(text, [block(10, 10)] * 2)], (), (100, 40)) for text in ("on oak", words))
    assert long.height > short.height + 3 * LINE
    assert long.width == short.width


def test_shelves_show_each_picture_at_its_factor():
    sheet = shelves([[("a", block(100, 50), 1.0), ("b", block(100, 80), 0.5)], [("c", block(300, 20), 1.0)]])
    assert sheet.width == 300 + 2 * GAP
    assert sheet.height == GAP + (50 + LINE + GAP) + (20 + LINE + GAP)
    assert sheet.getpixel((GAP + 50, GAP + LINE + 25)) == (200, 0, 0)


def test_a_caption_wider_than_its_picture_pushes_the_next_one_on():
    narrow, named = (
        shelves([[(text, block(20, 50), 1.0), ("", block(20, 50), 1.0)]])
        for text in ("", "160x600, shown at 60 %")
    )
    assert narrow.width == 2 * 20 + 3 * GAP
    assert named.width > narrow.width + 100


def test_stacked_sheets_keep_their_sizes():
    assert stacked([Image.new("RGB", (30, 10)), Image.new("RGB", (20, 40))]).size == (30, 50)


def test_quality_gives_way_to_the_size_limit(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    free, limited = tmp_path / "a.jpg", tmp_path / "b.jpg"
    size = save_jpeg(noise, free)
    assert save_jpeg(noise, limited, limit_kb=size // 1500) == limited.stat().st_size <= size * 2 // 3
    with pytest.raises(ValueError, match="do not fit into 1 kB"):
        save_jpeg(noise, tmp_path / "c.jpg", limit_kb=1)
    assert not (tmp_path / "c.jpg").exists()


@pytest.fixture
def products(tmp_path: Path) -> Path:
    folder = tmp_path / "products"
    folder.mkdir()
    for number in range(2):
        photo, _ = studio_photo(colour=(200, 90 * number, 40))
        Image.fromarray(photo).save(folder / f"mug-{number}.png")
    return folder


def test_the_structure_sheet_of_a_tiny_checkpoint(tmp_path, products):
    checkpoint = save_tiny_checkpoint(tmp_path / "checkpoint")
    written = draw_sheets(checkpoint, tmp_path / "out", ["structure"], products)
    assert [path.name for path in written] == ["studio-tiny-structure.jpg"]
    with Image.open(written[0]) as sheet:
        assert sheet.width == GAP + 5 * (236 + GAP)


def test_a_sheet_that_does_not_exist_is_named_before_anything_is_painted(tmp_path):
    with pytest.raises(ValueError, match=f"no sheet poster; there are {', '.join(SHEETS)}"):
        draw_sheets(tmp_path / "nothing", tmp_path / "out", ["poster"])
    assert not (tmp_path / "out").exists()


def test_without_an_adapter_there_is_no_conditioning_to_show(tmp_path, products):
    checkpoint = save_tiny_checkpoint(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="no IP-Adapter"):
        draw_sheets(checkpoint, tmp_path / "out", ["conditioning"], products)
