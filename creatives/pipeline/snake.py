"""A coarse mask's outline, drawn to outlines of the photo: smooth where the photo shows none."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import lab

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]
Index = NDArray[np.intp]

REACH = 0.01
"""How far an outline moves at most, as a share of the photo's mean side."""

SPACING = 2
"""Pixels between an outline's points."""

LEAST_POINTS = 12
"""Shorter outlines are specks."""

CLEAR = 3.0
"""ΔE*ab across an outline above which it hardly attracts more: a print's contrast is no better than the rim's."""

BLUR = 0.7
"""Standard deviation, in pixels, of the Gaussian over which steps of colour are taken."""

BEND, DRIFT = 0.5, 2.0
"""In ΔE*ab: what a point pays for each pixel that it is further out than the one before it, and at the end of its reach."""

FINER, BORDER = 2, 0.25
"""Outlines are filled on a grid so many times finer than the photo; OpenCV fills the pixels under them too, which makes
what is filled larger by so many of the photo's.
"""


MOVES = np.array((0, -1, 1), np.int8)


def snapped(look: F32, rgb: U8) -> Bool:
    """The product (H, W) of a coarse look (H, W), 0..1, with its outline on the strongest steps of colour nearby of the
    photo, uint8 (H, W, 3).

    Every outline is an active contour whose points move along their normals; the best closed one is found by dynamic
    programming (Amini, Weymouth and Jain 1990).
    """
    colours = np.asarray(cv2.GaussianBlur(lab(rgb), (0, 0), BLUR), np.float32)
    reach = max(2, round(REACH * float(np.sqrt(look.size))))
    found, levels = cv2.findContours((look >= 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines: tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]] = ([], [])
    for points, level in zip(found, levels[0] if found else (), strict=True):
        if len(points) >= SPACING * LEAST_POINTS:
            is_hole = int(level[3] >= 0)
            inset = -BORDER if is_hole else BORDER
            moved = _moved(points[:, 0].astype(np.float32), colours, reach, inset)
            outlines[is_hole].append(np.rint((moved + 0.5) * FINER - 0.5).astype(np.int32))
    return _filled(*outlines, look.shape)


def _moved(points: F32, colours: F32, reach: int, inset: float) -> F32:
    """The product's outermost pixels (N, 2), x and y, along an outline, thinned and moved to where the best contour through
    their normals lies, and `inset` pixels back from there.
    """
    normals = _normals(points, reach)[::SPACING]
    points = points[::SPACING] + 0.5 * normals  # from the pixels' middle to the product's outline
    ways = np.arange(-reach, reach + 1, dtype=np.float32)
    inner, outer = (_read(colours, points, normals, ways + side) for side in (-1, 1))
    steps = np.linalg.norm(outer - inner, axis=2)
    cost = np.asarray(DRIFT * np.abs(ways) / reach - CLEAR * np.log1p(steps / CLEAR), np.float32)
    return np.asarray(points + (ways[_best_circle(cost)] - inset)[:, None] * normals, np.float32)


def _read(colours: F32, points: F32, normals: F32, ways: F32) -> F32:
    """The colours (N, K, 3) so many pixels (K,) along each point's normal."""
    grid = points[:, None] + ways[None, :, None] * normals[:, None]
    read = cv2.remap(colours, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float32)


def _normals(points: F32, reach: int) -> F32:
    """Unit normals (N, 2), out of the product, of a closed outline as OpenCV walks it, from its smoothed course."""
    sigma = max(2.0, reach / 2)
    half = min(len(points) // 2, round(3 * sigma))
    around = np.concatenate([points[-half:], points, points[:half]]) if half else points
    smooth = cv2.GaussianBlur(around, (1, 2 * half + 1), sigmaX=sigma, sigmaY=sigma)[
        half : half + len(points)
    ]
    along = np.roll(smooth, -1, axis=0) - np.roll(smooth, 1, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


def _best_circle(cost: F32) -> Index:
    """For each of N points one of K places, (N,): the cheapest closed path that moves by at most one place a point.

    Points are gone through twice, so that what is kept, the middle, does not know where the walk began (Viterbi).
    """
    count, places = cost.shape
    half = count // 2
    walk = np.concatenate([cost[half:], cost, cost[:half]])
    came = np.zeros(walk.shape, np.int8)
    total = np.full(places + 2, np.inf, np.float32)
    total[1:-1] = walk[0]
    at = np.arange(places)
    for number in range(1, len(walk)):
        options = np.stack([total[1:-1], total[:-2] + BEND, total[2:] + BEND])
        chosen = options.argmin(axis=0)
        came[number] = MOVES[chosen]
        total[1:-1] = options[chosen, at] + walk[number]
    path = np.zeros(len(walk), np.intp)
    path[-1] = int(total[1:-1].argmin())
    for number in range(len(walk) - 1, 0, -1):
        path[number - 1] = path[number] + came[number, path[number]]
    before = count - half
    return path[before : before + count]


def _filled(
    products: list[NDArray[np.int32]], holes: list[NDArray[np.int32]], shape: tuple[int, ...]
) -> Bool:
    fine = np.zeros((FINER * shape[0], FINER * shape[1]), np.uint8)
    for outline in products:
        cv2.fillPoly(fine, [outline], 1)
    for outline in holes:
        cv2.fillPoly(fine, [outline], 0)
    share = fine.reshape(shape[0], FINER, shape[1], FINER).sum(axis=(1, 3), dtype=np.uint8)
    return np.asarray(2 * share >= FINER * FINER, np.bool_)
