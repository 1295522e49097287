"""Lines of a setting: blades of grass, folds of linen, panes of a window's light, whatever there is beside its product.

Found in pictures for training, and drawn where a prompt names such a setting, after empty scenes that a checkpoint keeps
(`setting_lines.safetensors`). As with the horizon: what the edges decide, a few steps of sampling paint clearly, and
what is left open they paint as its mean.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .measures import grown
from .setting_names import setting_named

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
Bool = NDArray[np.bool_]

BESIDE = 5
"""Pixels around the product without lines: what is seen there is the product's own outline."""
CLEARANCE = 4
"""Rows beside the horizon without other lines."""
BLUR, FAINT, CLEAR, SHORTEST = 1.0, (12, 30), (30, 60), 10
"""Canny on L*, its thresholds of 255 for all lines and for clear ones, and the pixels of the shortest that counts."""
FAINTLY, CLEARLY = 128, 255
"""How bright faint and clear lines are drawn: a blade of grass is not to be taken for the end of a table."""
SIDE = 256
"""The lines are of pictures of this size: in a bucket of another area they are drawn larger or smaller."""
FEWEST = 3
"""Of so many examples that need the least stretching one is chosen, where there are no more that need none."""


def find_lines(rgb: U8, product: Bool, row: int) -> I32:
    """int32 (H, W): numbers of the outlines of light and dark in uint8 (H, W, 3) beside the product, 0 for none.

    Those of faint outlines are negative. row: of the horizon, which is left out with `CLEARANCE`; -1 for none.
    """
    lightness = np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0])
    smooth = cv2.GaussianBlur(lightness, (0, 0), BLUR)
    lines, clear = cv2.Canny(smooth, *FAINT), cv2.Canny(smooth, *CLEAR)
    lines[grown(product, BESIDE)] = 0
    if row >= 0:
        lines[max(0, row - CLEARANCE) : row + CLEARANCE + 1] = 0
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    clearly = np.bincount(numbers[clear > 0], minlength=count) >= 0.5 * areas
    signs = np.where(clearly, 1, -1) * (areas >= SHORTEST)
    signs[0] = 0
    return (numbers * signs[numbers]).astype(np.int32)


@dataclass(frozen=True)
class Example:
    """Lines of one part of an empty scene.

    kind: of ground or backdrop; from_above: whether it is seen so; width, height in pixels; lines: int16 (n, 2) each, x from
    the left and y from the horizon, downwards in grounds and upwards in backdrops; from the picture's upper edge where it is
    seen from above. clear: for each line, whether it is a clear one.
    """

    kind: str
    from_above: bool
    width: int
    height: int
    lines: tuple[NDArray[np.int16], ...]
    clear: tuple[bool, ...]


@dataclass(frozen=True)
class Examples:
    """What a checkpoint has learnt to paint along."""

    grounds: tuple[Example, ...]
    backdrops: tuple[Example, ...]

    def save(self, path: Path) -> None:
        """Write them to a file (safetensors), whole or not at all."""
        parts = [*self.grounds, *self.backdrops]
        lines = [line for part in parts for line in part.lines]
        about = [[part.kind, part.from_above, part.width, part.height, len(part.lines)] for part in parts]
        half = path.with_suffix(".part")
        tensors: dict[str, NDArray[Any]] = {
            "lengths": np.array([len(line) for line in lines], np.int32),
            "clear": np.array([clear for part in parts for clear in part.clear], np.uint8),
            "points": np.concatenate([np.zeros((0, 2), np.int16), *lines]),
        }
        save_file(tensors, half, {"grounds": str(len(self.grounds)), "parts": json.dumps(about)})
        half.replace(path)


def load_examples(path: Path) -> Examples:
    """The examples of a file, read again only when it has changed. Raises ValueError with its name where it has none."""
    try:
        stat = path.stat()
    except OSError as error:
        raise ValueError(
            f"{path.name}: no lines of settings can be read from it ({error.strerror})"
        ) from error
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, size: int, changed: int) -> Examples:
    try:
        with safe_open(path, "np") as stored:
            about, count = json.loads(stored.metadata()["parts"]), int(stored.metadata()["grounds"])
            ends = np.cumsum(stored.get_tensor("lengths"))
            lines = np.split(stored.get_tensor("points"), ends[:-1])
            clear = [bool(value) for value in stored.get_tensor("clear")]
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{path.name}: no lines of settings can be read from it ({error})") from error
    shapes, kinds = iter(lines), iter(clear)
    parts = [
        Example(kind, from_above, width, height, tuple(islice(shapes, n)), tuple(islice(kinds, n)))
        for kind, from_above, width, height, n in about
    ]
    return Examples(tuple(parts[:count]), tuple(parts[count:]))


def draw_lines(examples: Examples, prompt: str, product: Bool, row: int, seed: int) -> U8:
    """uint8 (H, W), `FAINTLY` and `CLEARLY` on 0: lines of the settings that the prompt names; each seed has its own.

    product: bool (H, W), beside which they stay. row: of the horizon, below which there is ground; -1 for pictures from
    above, which are all ground.
    """
    named, rng = setting_named(prompt), random.Random(f"lines:{seed}")
    drawn = np.zeros(product.shape, np.uint8)
    if row < 0:
        _draw(drawn, _choose(examples.grounds, named.ground, True, len(drawn), drawn, rng), 0, 1, rng)
    else:
        below = len(drawn) - row
        _draw(drawn, _choose(examples.grounds, named.ground, False, below, drawn, rng), row, 1, rng)
        _draw(drawn, _choose(examples.backdrops, named.backdrop, False, row, drawn, rng), row, -1, rng)
        drawn[max(0, row - CLEARANCE) : row + CLEARANCE + 1] = 0
    drawn[grown(product, BESIDE)] = 0
    return drawn


def _scale(picture: U8) -> float:
    return float(np.sqrt(picture.size)) / SIDE


def _choose(
    examples: Sequence[Example], kind: str, from_above: bool, height: int, picture: U8, rng: random.Random
) -> Example | None:
    """One of that kind that has to be stretched little to be ``height`` high."""
    fitting = [x for x in examples if x.kind == kind and x.from_above == from_above]
    wanted = height / _scale(picture)
    fitting.sort(key=lambda x: -x.height)
    enough = sum(x.height >= wanted for x in fitting)
    return rng.choice(fitting[: max(FEWEST, enough)]) if fitting else None


def _draw(picture: U8, example: Example | None, row: int, down: int, rng: random.Random) -> None:
    """Draw an example's lines from ``row`` on, downwards or (-1) upwards; beyond its width its mirror image goes on."""
    if example is None:
        return
    height, width = picture.shape
    scale = _scale(picture)
    room = height - row if down > 0 else row
    tall = scale * max(1.0, room / (scale * example.height))
    wide = scale * example.width
    start, turned = -rng.uniform(0, max(0.0, wide - width) or 0.5 * wide), rng.random() < 0.5
    tile = 0
    while start + tile * wide < width:
        mirrored = (tile % 2 == 1) != turned
        for line, clear in sorted(zip(example.lines, example.clear, strict=True), key=lambda both: both[1]):
            x = (example.width - 1 - line[:, 0] if mirrored else line[:, 0]) * scale + start + tile * wide
            y = row + down * tall * line[:, 1]
            points = np.round(np.column_stack((x, y))).astype(np.int32)
            cv2.polylines(picture, [points], isClosed=False, color=CLEARLY if clear else FAINTLY)
        tile += 1
