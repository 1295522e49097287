"""Examples of settings' lines, from scenes that were rendered without products: what the pipeline draws after."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from creatives.pipeline.setting_lines import Example, Examples, find_lines
from training.dataset import scene_names
from training.empty_scenes import parts_of
from training.latents import horizon_of

FILE = "setting_lines.safetensors"
MOST = 6
"""Examples of a kind that are kept. Of backdrops those with the fewest lines: a window and nothing else."""
LEAST = 60
"""Points that an example of a backdrop has at least."""
DETAIL = 0.6
"""Pixels by which a line may be simplified."""


def learn_lines(settings: Path, out: Path) -> Counter[tuple[str, str]]:
    """Write the examples found in a folder of empty scenes; returns how many of each part there are."""
    found: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for name in scene_names(settings):
        spec = json.loads((settings / f"{name}.json").read_text())
        rgb = np.asarray(Image.open(settings / f"{name}.jpg").convert("RGB"))
        nothing = np.zeros(rgb.shape[:2], np.bool_)
        row = horizon_of(spec, rgb, nothing)[0]
        numbers = find_lines(rgb, nothing, row)
        lines = [
            (run, clear) for clear in (False, True) for run in _traced(numbers > 0 if clear else numbers < 0)
        ]
        for part, kind in parts_of(spec["surface"], spec["backdrop"], spec["view"]):
            if row >= 0 or part == "above":
                found[part, kind].append(_example(part, kind, lines, rgb.shape[1], rgb.shape[0], row))
    for (part, _), examples in found.items():
        if part == "backdrop":
            examples[:] = sorted((one for one in examples if _points(one) >= LEAST), key=_points)
    kept = {part: examples[:MOST] for part, examples in found.items()}
    grounds = [one for (part, _), examples in kept.items() for one in examples if part != "backdrop"]
    backdrops = [one for (part, _), examples in kept.items() for one in examples if part == "backdrop"]
    Examples(tuple(grounds), tuple(backdrops)).save(out)
    return Counter({part: len(examples) for part, examples in kept.items()})


def _points(example: Example) -> int:
    return sum(len(line) for line in example.lines)


def _example(
    part: str, kind: str, lines: list[tuple[NDArray[np.int16], bool]], width: int, height: int, row: int
) -> Example:
    if part == "ground":
        height -= row
        lines = [(run - np.array([0, row], np.int16), clear) for run, clear in lines if run[:, 1].min() > row]
    elif part == "backdrop":
        height, up = row, np.array([1, -1], np.int16)
        lines = [
            (run * up + np.array([0, row], np.int16), clear) for run, clear in lines if run[:, 1].max() < row
        ]
    shapes, kinds = tuple(run for run, _ in lines), tuple(clear for _, clear in lines)
    return Example(kind, part == "above", width, height, shapes, kinds)


def _traced(lines: NDArray[np.bool_]) -> list[NDArray[np.int16]]:
    """Thin lines, bool (H, W), as runs of points int16 (n, 2), x and y."""
    runs, _ = cv2.findContours(lines.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [cv2.approxPolyDP(run, DETAIL, True)[:, 0].astype(np.int16) for run in runs]
