"""Does the product stand on something? Its foot's surroundings against the picture's ground and its backdrop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .measures import grown, lab

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SAME = 8.0
"""ΔE*ab between ground and backdrop below which they are one: a sweep of paper, a flat lay. Nothing floats there."""


def floating(composed: U8, product: Bool, colours: F32 | None = None) -> float:
    """0..1: how much of what lies around the product's foot is the backdrop's rather than the ground's.

    Ground is what the lowest tenth of the picture shows, backdrop what the part above the product's middle shows; 0 when
    the two look alike, and when the product stands in the lowest tenth. colours: the picture's in CIELAB (`lab`), where
    they are known already.
    """
    rows = np.flatnonzero(product.any(axis=1))
    height = product.shape[0]
    if rows.size == 0 or int(rows[-1]) + 2 >= round(0.9 * height):
        return 0.0
    clear = ~grown(product, 2)
    ground, backdrop = np.zeros_like(clear), np.zeros_like(clear)
    ground[round(0.9 * height) :] = True
    backdrop[: max(2, int(rows[0] + rows[-1]) // 2)] = True
    colours = lab(composed) if colours is None else colours
    feet, low, high = (colours[region & clear] for region in (around_the_foot(product), ground, backdrop))
    if min(len(feet), len(low), len(high)) < 8:
        return 0.0
    middles = np.median(low, axis=0), np.median(high, axis=0)
    if float(np.linalg.norm(middles[0] - middles[1])) < SAME:
        return 0.0
    return float((_away(feet, high, middles[1]) < _away(feet, low, middles[0])).mean())


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
