"""Lines of settings in training: which are shown with a picture, and the examples that are traced in empty scenes."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from creatives.pipeline.setting_lines import CLEARANCE, draw_lines, find_lines, load_examples
from training.diffusion import NO_LINES, shown_lines
from training.empty_scenes import SIZE, WANTED, example_scenes, parts_of
from training.latents import Item
from training.lines import FILE, LEAST, learn_lines

ROW = 100


def item(*lines: tuple[int, int, int]) -> Item:
    empty = torch.zeros(0)
    return Item(
        empty, empty, empty, empty, {}, False, (ROW, empty.bool()), torch.tensor(lines, dtype=torch.int16)
    )


def test_lines_are_shown_whole_in_part_or_not_at_all() -> None:
    lines = [(10, 3, 1), (11, 3, 1), (20, 5, 2), (150, 7, -3), (151, 7, -3), (160, 9, 4)]
    places = {number: [line for line in lines if line[2] == number] for *_, number in lines}
    counts: Counter[str] = Counter()
    rng = random.Random(1)
    for _ in range(4000):
        shown = [tuple(place) for place in shown_lines(item(*lines), rng).tolist()]
        numbers = [n for n, own in places.items() if own[0] in shown]
        assert shown == [place for n in numbers for place in places[n]]  # a line is shown whole
        part = {(): "none", (1, 2): "backdrop", (-3, 4): "ground", (1, 2, -3, 4): "all"}
        counts[part.get(tuple(numbers), "some")] += 1
    assert 0.8 * NO_LINES < counts["none"] / 4000 < 1.4 * NO_LINES
    assert min(counts["backdrop"], counts["ground"]) > 200
    assert counts["all"] > 1600
    assert counts["some"] > 300


def test_a_picture_without_lines_has_none() -> None:
    bare = item()
    bare.lines = torch.zeros((0, 3), dtype=torch.int16)
    assert shown_lines(bare, random.Random(1)).shape == (0, 3)


def test_empty_scenes_show_every_kind_often_enough_and_hold_no_props() -> None:
    scenes = example_scenes(5)
    assert scenes == example_scenes(5)
    counts = Counter(part for s in scenes for part in parts_of(s.surface, s.backdrop, s.view))
    assert min(counts.values()) == WANTED
    assert {("ground", "grass"), ("above", "marble"), ("backdrop", "window")} < counts.keys()
    assert {(s.size, s.prop, s.extra) for s in scenes} == {(SIZE, "none", "none")}


def test_light_that_falls_on_the_ground_makes_no_example_of_it() -> None:
    assert parts_of("oak", "window", "front") == [("backdrop", "window")]
    assert parts_of("oak", "wall", "front") == [("ground", "oak")]
    assert parts_of("oak", "room", "front") == [("ground", "oak"), ("backdrop", "room")]
    assert parts_of("oak", "none", "top") == [("above", "oak")]
    assert parts_of("paper", "paper", "front") == parts_of("paper", "none", "top") == []


def test_traced_lines_are_drawn_again_where_they_were_found(tmp_path: Path) -> None:
    width, height = SIZE
    rgb = np.full((height, width, 3), 200, np.uint8)
    rgb[ROW:] = (90, 60, 40)
    for left in range(20, 340, 40):
        rgb[30:60, left : left + 20] = 120
    rgb[170:200, 40:300] = 160
    Image.fromarray(rgb).save(tmp_path / "5-00001.jpg", quality=100, subsampling=0)
    spec = {"surface": "oak", "backdrop": "room", "view": "front"}
    (tmp_path / "5-00001.json").write_text(json.dumps(spec))
    assert learn_lines(tmp_path, tmp_path / FILE) == {("ground", "oak"): 1, ("backdrop", "room"): 1}
    examples = load_examples(tmp_path / FILE)
    assert [(e.kind, e.width, e.height) for e in (*examples.grounds, *examples.backdrops)] == [
        ("oak", width, height - ROW), ("room", width, ROW),
    ]  # fmt: skip
    nothing = np.zeros((256, 256), np.bool_)
    drawn = draw_lines(examples, "on oak in a living room", nothing, ROW, 3) > 0
    wanted = find_lines(rgb, np.zeros(rgb.shape[:2], np.bool_), ROW) != 0
    assert set(np.nonzero(drawn.any(axis=1))[0]) <= set(np.nonzero(wanted.any(axis=1))[0])
    assert not drawn[ROW - CLEARANCE : ROW + CLEARANCE + 1].any()
    assert sum(len(line) for line in examples.backdrops[0].lines) >= LEAST
    rows = {int(r) for r in np.nonzero(drawn.sum(axis=1) > 60)[0]}
    assert len(rows) >= 2
    assert all(min(abs(row - edge) for edge in (30, 60, 170, 200)) <= 2 for row in rows)
