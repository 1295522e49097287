"""Does the product stand on something? Its foot's surroundings against the picture's ground and its backdrop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .horizon import find_horizon
from .measures import grown, lab

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]


def floating(composed: U8, product: Bool, colours: F32 | None = None) -> float:
    """0..1: how much of what lies around the product's foot is the backdrop's rather than the ground's.

    Ground is what the picture shows below its border (see `border`), backdrop what is above; 0 when there is no border
    and when the foot reaches below it. colours: the picture's in CIELAB (`lab`), where they are known already.
    """
    rows = np.flatnonzero(product.any(axis=1))
    if rows.size == 0:
        return 0.0
    colours = lab(composed) if colours is None else colours
    clear = ~grown(product, 3)
    row = find_horizon(colours, clear)
    if row is None or int(rows[-1]) + 2 >= row:
        return 0.0
    ground, backdrop = clear.copy(), clear.copy()
    ground[: row + 3] = False
    backdrop[max(2, row - 3) :] = False
    feet, low, high = (colours[region] for region in (around_the_foot(product) & clear, ground, backdrop))
    if min(len(feet), len(low), len(high)) < 8:
        return 0.0
    near = _away(feet, high, np.median(high, axis=0)) < _away(feet, low, np.median(low, axis=0))
    return float(near.mean())


def around_the_foot(product: Bool) -> Bool:
    """Just below the product and a quarter of its width to both sides, bool (H, W)."""
    rows, columns = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
    region = np.zeros_like(product)
    if rows.size:
        tall, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
        top, margin = int(rows[-1]) + 2, max(2, wide // 4)
        region[
            top : top + max(4, round(0.06 * tall)),
            max(0, int(columns[0]) - margin) : int(columns[-1]) + 1 + margin,
        ] = True
    return region


def _away(values: F32, region: F32, middle: F32) -> F32:
    """Distance of each colour from a region's, in its spreads; lightness counts half, as shadows change it.

    middle: the region's median.
    """
    spread = np.maximum(1.4826 * np.median(np.abs(region - middle), axis=0), 3.0)
    weighed = (values - middle) / spread * np.array([0.5, 1.0, 1.0], np.float32)
    return np.asarray(np.linalg.norm(weighed, axis=1), np.float32)
