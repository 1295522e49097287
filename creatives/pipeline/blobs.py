"""Connected regions of masks: what touches the border, what is a hole, what is an orphan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import Window

Bool = NDArray[np.bool_]

ORPHAN_SHARE = 0.01
"""Blobs below this share of the largest one are dropped; "keep only the largest" would lose pairs and sets."""

HOLE_MIN_AREA = 12
HOLE_SHARE = 0.002
WALL_TO_RADIUS = 1.05
THIN_WALL_SHARE = 0.25
LEAST_SOLID = 0.55


def reachable_from_border(region: Bool, seeds: Bool | None = None) -> Bool:
    """The part of `region` (H, W) that is 4-connected with the picture's border, or with `seeds` within it."""
    _, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    starts = [labels[0], labels[-1], labels[:, 0], labels[:, -1]]
    if seeds is not None:
        starts.append(labels[seeds])
    touching = np.unique(np.concatenate(starts))
    return np.isin(labels, touching[touching > 0])


def regions(region: Bool, least: int) -> Iterator[tuple[Window, Bool]]:
    """The 4-connected parts of at least `least` pixels: each with its window, seven pixels wider all round."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        if area >= least:
            window = slice(max(0, top - 7), top + height + 7), slice(max(0, left - 7), left + width + 7)
            yield window, labels[window] == label


def drop_orphans(solid: Bool, within: Bool | None = None) -> Bool:
    """Keep the 8-connected blobs of `within` (default: `solid`) whose solid area is ≥ 1 % of the largest's."""
    region = solid if within is None else within
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels[solid], minlength=count)
    areas[0] = 0
    keep = areas >= max(1.0, ORPHAN_SHARE * float(areas.max(initial=0)))
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def enclosed_holes(
    candidates: Bool, outside: Bool, same: Callable[[Window, Bool], bool] | None = None
) -> tuple[Bool, bool]:
    """Regions of the backdrop's colour inside the product: holes (handles, rings) and white prints.

    A hole is recognised by its wall: on at least a quarter of its rim the product is about as thin as the hole's
    radius or thinner, as on a mug's handle; a print lies in the middle of cloth. `same` tells of a region in a
    window whether its pixels cannot be told from the backdrop, which makes it a hole as well. Returns the holes
    (H, W) and whether any sizeable candidate was not clear.
    """
    holes = np.zeros_like(candidates)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=4)
    if count <= 1 or not outside.any():
        return holes, False
    to_outside = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 5)
    sizeable = max(HOLE_MIN_AREA, HOLE_SHARE * float((~outside).sum()))
    doubtful = False
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= HOLE_MIN_AREA):
        if label == 0:
            continue
        left, top, width, height, area = (int(value) for value in stats[label])
        window = slice(max(0, top - 1), top + height + 1), slice(max(0, left - 1), left + width + 1)
        region = labels[window] == label
        share = _thin_wall_share(region, to_outside[window])
        if share >= THIN_WALL_SHARE or (area >= sizeable and same is not None and same(window, region)):
            holes[window] |= region
        doubtful |= area > 10 * sizeable and 0.4 * THIN_WALL_SHARE < share < 1.6 * THIN_WALL_SHARE
    return holes, doubtful


def _thin_wall_share(region: Bool, to_outside: NDArray[Any]) -> float:
    """Share of the region's rim whose distance to the outside is below WALL_TO_RADIUS × the region's radius.

    Thin crescents and rings are never holes: 0.
    """
    ys, xs = np.nonzero(region)
    hull = cv2.convexHull(np.stack([xs, ys], axis=1).astype(np.int32))
    if region.sum() < LEAST_SOLID * cv2.contourArea(hull):
        return 0.0
    solid = cv2.copyMakeBorder(region.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    rim = (solid - cv2.erode(solid, np.ones((3, 3), np.uint8)))[1:-1, 1:-1] > 0
    radius = np.sqrt(region.sum() / np.pi)
    walls = to_outside[rim]
    return float((walls <= max(3.0, WALL_TO_RADIUS * radius)).mean()) if walls.size else 0.0
