"""Connected regions of masks: what touches the border, what is a hole, what is an orphan."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bool = NDArray[np.bool_]

ORPHAN_SHARE = 0.01
"""Blobs below this share of the largest one are dropped; "keep only the largest" would lose pairs and sets."""

HOLE_MIN_AREA = 12
WALL_TO_RADIUS = 0.9
THIN_WALL_SHARE = 0.25


def reachable_from_border(region: Bool) -> Bool:
    """The part of `region` (H, W) that is 4-connected with the picture's border."""
    _, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.unique(border[border > 0])
    return np.isin(labels, touching)


def drop_orphans(solid: Bool, within: Bool | None = None) -> Bool:
    """Keep the 8-connected blobs of `within` (default: `solid`) whose solid area is ≥ 1 % of the largest's."""
    region = solid if within is None else within
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels[solid], minlength=count)
    areas[0] = 0
    keep = areas >= max(1.0, ORPHAN_SHARE * float(areas.max(initial=0)))
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def enclosed_holes(candidates: Bool, outside: Bool) -> tuple[Bool, bool]:
    """Regions of the backdrop's colour inside the product: holes (handles, rings) and white prints.

    A hole is recognised by its wall: on at least a quarter of its rim the product is thinner than 0.9 of the
    hole's radius, as on a mug's handle; a print lies in the middle of cloth. Returns the holes (H, W) and
    whether any sizeable candidate was not clear.
    """
    holes = np.zeros_like(candidates)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=4)
    if count <= 1 or not outside.any():
        return holes, False
    to_outside = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 5)
    product_area = float((~outside).sum())
    doubtful = False
    for label in range(1, count):
        area = float(stats[label, cv2.CC_STAT_AREA])
        if area < HOLE_MIN_AREA:
            continue
        share = _thin_wall_share(labels, label, stats[label], to_outside, area)
        if share >= THIN_WALL_SHARE:
            holes |= labels == label
        large = area > 0.02 * product_area
        doubtful |= large and (THIN_WALL_SHARE * 0.4 < share < THIN_WALL_SHARE * 1.6)
    return holes, doubtful


def _thin_wall_share(
    labels: NDArray[Any],
    label: int,
    stat: NDArray[Any],
    to_outside: NDArray[Any],
    area: float,
) -> float:
    """Share of the region's rim whose distance to the outside is below WALL_TO_RADIUS × the region's radius."""
    left, top, width, height = (int(value) for value in stat[:4])
    rows, columns = slice(max(0, top - 1), top + height + 1), slice(max(0, left - 1), left + width + 1)
    region = (labels[rows, columns] == label).astype(np.uint8)
    padded = cv2.copyMakeBorder(region, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    rim = (padded - cv2.erode(padded, np.ones((3, 3), np.uint8)))[1:-1, 1:-1] > 0
    radius = np.sqrt(area / np.pi)
    walls = to_outside[rows, columns][rim]
    return float((walls <= max(3.0, WALL_TO_RADIUS * radius)).mean()) if walls.size else 0.0
