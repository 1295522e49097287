"""Lines of a setting: panes of a window's light, shadows of leaves and lamps on its backdrop, veins in its marble.

Found in pictures for training, and drawn anew for each seed where a prompt names them. As with the horizon: what the edges
decide, a few steps of sampling paint clearly, and what is left open they paint as its mean.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import grown, outline

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]
Fill = Callable[[U8, int, random.Random], None]
"""Fills what is to be outlined into a picture (H, W) with its horizon at a row."""

BESIDE = 5
"""Pixels around the product without lines: what is seen there is the product's own outline."""
CLEARANCE = 4
"""Rows beside the horizon without other lines."""
BLUR, WEAK, STRONG, SHORTEST = 1.2, 30, 60, 12
"""Canny on L*, its thresholds of 255, and the pixels of the shortest line that counts."""

_KINDS = {
    "window": r"window[ -]?(?:pane )?(?:light|shadows?|sunlight)|(?:light|sun|sunlight|shadow) (?:\w+ ){0,3}window",
    "leaves": r"(?:leaf|leaves|palm|plant|foliage|tree) shadows?|dappled|shadows? of (?:\w+ )?(?:leaves|palms?|plants?)",
    "lamps": r"bokeh|(?:city|street|night|blurred|glowing|fairy) lights|lights (?:\w+ ){0,2}at night",
}
_PATTERNS = {kind: re.compile(rf"\b(?:{text})\b", re.IGNORECASE) for kind, text in _KINDS.items()}


def kind_of_light(prompt: str) -> str | None:
    """ "window", "leaves" or "lamps", as the prompt names it first; None for any other light."""
    found = [(match.start(), kind) for kind, text in _PATTERNS.items() if (match := text.search(prompt))]
    return min(found)[1] if found else None


def has_veins(prompt: str) -> bool:
    """Whether the prompt names marble."""
    return re.search(r"\bmarble\b", prompt, re.IGNORECASE) is not None


def find_light(rgb: U8, product: Bool, row: int) -> Bool:
    """bool (H, W): outlines of light and dark above ``row`` of uint8 (H, W, 3), beside the product."""
    return _found(rgb, product, slice(0, max(0, row - CLEARANCE)))


def find_veins(rgb: U8, product: Bool, row: int) -> Bool:
    """bool (H, W): outlines of light and dark below ``row`` of uint8 (H, W, 3), beside the product."""
    return _found(rgb, product, slice(row + CLEARANCE, None))


def _found(rgb: U8, product: Bool, rows: slice) -> Bool:
    lightness = np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0])
    lines = cv2.Canny(cv2.GaussianBlur(lightness, (0, 0), BLUR), WEAK, STRONG)
    kept = np.where(_free(product, rows), lines, 0).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(kept, connectivity=8)
    long = stats[:, cv2.CC_STAT_AREA] >= SHORTEST
    long[0] = False
    return np.asarray(long[labels], np.bool_)


def _free(product: Bool, rows: slice) -> Bool:
    """Where lines may be: in those rows, beside the product."""
    free = np.zeros_like(product)
    free[rows] = True
    return free & ~grown(product, BESIDE)


def draw_light(kind: str, product: Bool, row: int, seed: int) -> Bool:
    """bool (H, W): lines of that kind above ``row``, beside the product, bool (H, W); each seed has its own."""
    return _drawn(_FILL[kind], product, row, seed) & _free(product, slice(0, max(0, row - CLEARANCE)))


def draw_veins(product: Bool, row: int, seed: int) -> Bool:
    """bool (H, W): outlines of veins below ``row``, beside the product, bool (H, W); each seed has its own."""
    return _drawn(_veins, product, row, seed) & _free(product, slice(row + CLEARANCE, None))


def _drawn(fill: Fill, product: Bool, row: int, seed: int) -> Bool:
    frame = BESIDE  # what goes on beyond the picture has no outline at its border
    patch = np.zeros((product.shape[0] + 2 * frame, product.shape[1] + 2 * frame), np.uint8)
    fill(patch, row, random.Random(f"light:{seed}"))
    return np.asarray(outline(patch > 0)[frame:-frame, frame:-frame], np.bool_)


def _window(patch: U8, row: int, rng: random.Random) -> None:
    """Panes between upright and slanting bars, as the sun throws them on a wall; the window is wider than what is seen."""
    height, width = patch.shape
    slope = rng.choice((-1, 1)) * rng.uniform(0.12, 0.5)
    wide, tall = rng.uniform(0.3, 0.55) * width, rng.uniform(0.35, 0.6) * height
    bar = rng.uniform(0.03, 0.055) * min(height, width)
    left, top = rng.uniform(-0.3, 0.35) * width, rng.uniform(-0.5, 0.05) * height
    for column, line in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x0, x1 = left + column * wide + bar / 2, left + (column + 1) * wide - bar / 2
        y0, y1 = top + line * tall + bar / 2, top + (line + 1) * tall - bar / 2
        _fill(
            patch, [(x, y + slope * (x - left - wide)) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        )


def _leaves(patch: U8, row: int, rng: random.Random) -> None:
    """Leaves along twigs that hang into the picture."""
    height, width = patch.shape
    size = rng.uniform(0.13, 0.22) * min(height, width)
    twigs = rng.randint(4, 6)
    for twig in range(twigs):
        x, y = (twig + rng.random()) * width / twigs, rng.uniform(-0.15, 0.1) * height
        towards = rng.uniform(0.2, 0.8) * math.pi
        for number in range(max(4, round(1.6 * row / size))):
            x, y = x + 0.6 * size * math.cos(towards), y + 0.6 * size * math.sin(towards)
            towards += rng.uniform(-0.35, 0.35)
            turn = towards + (0.9 if number % 2 else -0.9)
            _fill(patch, _leaf(x, y, size * rng.uniform(0.8, 1.3), turn))


def _leaf(x: float, y: float, length: float, turn: float) -> list[tuple[float, float]]:
    half = [(length * k / 10, 0.24 * length * math.sin(math.pi * k / 10) ** 0.8) for k in range(11)]
    ring = half + [(along, -aside) for along, aside in reversed(half[1:-1])]
    c, s = math.cos(turn), math.sin(turn)
    return [(x + c * along - s * aside, y + s * along + c * aside) for along, aside in ring]


def _lamps(patch: U8, row: int, rng: random.Random) -> None:
    """Discs of lights out of focus, of about one size."""
    height, width = patch.shape
    radius = rng.uniform(0.016, 0.035) * min(height, width)
    for _ in range(rng.randint(14, 30)):
        centre = round(rng.uniform(0, width)), round(rng.uniform(0, max(1, row)))
        cv2.circle(patch, centre, max(2, round(radius * rng.uniform(0.8, 1.2))), 255, -1)


def _veins(patch: U8, row: int, rng: random.Random) -> None:
    """Wandering veins with a branch here and there, seen at a slant: flat and thin far away, wider near the viewer."""
    height, width = patch.shape
    for _ in range(rng.randint(4, 7)):
        x, near = rng.choice((0.0, rng.uniform(0, width))), rng.uniform(0.05, 1.0)
        towards = rng.uniform(-0.6, 0.6)
        points: list[tuple[int, int]] = []
        while 0 <= x < width and 0 <= near <= 1 and len(points) < 60:
            points.append((round(x), round(row + near * (height - row))))
            towards = max(-1.2, min(1.2, towards + rng.uniform(-0.55, 0.55)))
            x += (5 + 6 * near) * math.cos(towards)
            near += (0.02 + 0.05 * near) * math.sin(towards)
        for one, other in itertools.pairwise(points):
            share = (one[1] - row) / max(1, height - row)
            cv2.line(patch, one, other, 255, max(2, round(width / 128 * (1 + 1.6 * share))))


def _fill(patch: U8, corners: list[tuple[float, float]]) -> None:
    cv2.fillPoly(patch, [np.round(np.array(corners)).astype(np.int32)], 255)


_FILL: dict[str, Fill] = {
    "window": _window,
    "leaves": _leaves,
    "lamps": _lamps,
}
