"""The line at which a scene's ground meets its backdrop: found in pictures, and drawn among the edges to be painted.

A few steps of sampling paint what is undecided as its mean: without the line, a table fades into its wall. With it the
painting has an edge there, and each seed another one.
"""

from __future__ import annotations

import random
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import grown

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SAME = 8.0
"""ΔE*ab between ground and backdrop below which they are one: a sweep of paper, a flat lay."""
CLEAR_CUT = 0.5
"""Share of the rows' variance that a horizon must explain to be one."""
BESIDE = 3
"""Pixels around the product that say nothing of its setting, and into which no line is drawn."""
BEHIND = (0.12, 0.4)
"""How far above the product's foot the line is drawn, in heights of the picture: as most of training's pictures have it."""
FARTHER = (
    (
        re.compile(r"\b(sea|ocean|beach|shore|waves|desert|dunes?)\b(?! (?:green|blue)\b)", re.IGNORECASE),
        (0.38, 0.6),
    ),
    (
        re.compile(r"\b(grass|lawn|meadow|moss|field|garden)\b(?! (?:green|blue)\b)", re.IGNORECASE),
        (0.28, 0.46),
    ),
)
"""The same out of doors, where one sees farther, for prompts with such a word."""
HIGHEST, LOWEST = 0.2, 0.72
"""Rows between which it is drawn, in heights of the picture."""

_WITHOUT = re.compile(
    r"\b(paper|seamless|backdrop|plain \w* ?background|studio set|sweep|cyclorama)\b", re.IGNORECASE
)


def find_horizon(colours: F32, clear: Bool) -> int | None:
    """The row at which the picture's ground begins, where it has one: the best cut of its rows in two (Otsu 1979).

    colours: CIELAB (H, W, 3); clear: bool (H, W), what is not product. None when the parts differ by less than `SAME` or the
    cut explains less than `CLEAR_CUT` of how rows vary.
    """
    counts = clear.sum(axis=1)
    known = np.flatnonzero(counts > 0.15 * clear.shape[1])
    if len(known) < 20:
        return None
    shown = cv2.copyTo(colours, clear.astype(np.uint8))
    means = cv2.reduce(shown, 1, cv2.REDUCE_SUM)[known, 0] / counts[known, None]
    above = np.arange(1, len(known))[:, None]
    sums, total = np.cumsum(means, axis=0)[:-1], means.sum(axis=0)
    below = len(known) - above
    steps = sums / above - (total - sums) / below
    between = (above * below / len(known) * steps**2).sum(axis=1)
    first, last = round(0.1 * len(known)), round(0.95 * len(known))
    best = first + int(np.argmax(between[first:last]))
    variance = float(((means - means.mean(axis=0)) ** 2).sum())
    if float(np.linalg.norm(steps[best])) < SAME or between[best] < CLEAR_CUT * variance:
        return None
    return int(known[best + 1])


def sharpest_row(colours: F32, clear: Bool, row: int, within: int = 7) -> int:
    """The row near ``row`` across which colours change most, for pictures whose ground and backdrop are shaded."""
    both = clear[1:] & clear[:-1]
    change = (np.linalg.norm(np.diff(colours, axis=0), axis=2) * both).sum(axis=1) / np.maximum(
        both.sum(axis=1), 1
    )
    first, last = max(0, row - 1 - within), min(len(change), row + within)
    return first + int(np.argmax(change[first:last])) + 1


def choose_horizon(product: Bool, prompt: str, seed: int) -> int | None:
    """A row for the line behind a product that stands, bool (H, W); each seed has its own. None for settings without one.

    None too where the product's foot is too high for a line above it.
    """
    rows = np.flatnonzero(product.any(axis=1))
    if not rows.size or _WITHOUT.search(prompt):
        return None
    height, foot = len(product), int(rows[-1])
    behind = next((far for word, far in FARTHER if word.search(prompt)), BEHIND)
    row = foot - random.Random(f"horizon:{seed}").uniform(*behind) * height
    row = min(max(row, HIGHEST * height), LOWEST * height)
    return round(row) if row < foot - 0.04 * height else None


def line_beside(product: Bool, row: int) -> Bool:
    """Where in ``row`` the line is seen, bool (W,): beside the product, bool (H, W)."""
    return np.asarray(~grown(product, BESIDE)[row], np.bool_)


def with_horizon(edges: U8, product: Bool, row: int) -> U8:
    """uint8 (H, W) edges, 255 on 0, with the line at ``row`` behind the product, bool (H, W)."""
    drawn = edges.copy()
    drawn[row, line_beside(product, row)] = 255
    return drawn
