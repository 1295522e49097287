"""The painted product's rim, which shows beside the real one: painted over from further out."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

RIM: Final = 0.012
"""How far a painted product reaches beyond the real one, as a share of the picture's mean side; 3 pixels of 256."""
SEEN: Final = 8
"""Coverage, of 255, from which the product is there."""
SURE: Final = 0.02
"""Share of what is further out in the surroundings of a pixel below which they do not say what it should be."""
BEYOND: Final = 4
"""How much wider the surroundings are taken then; on a copy that is reduced as much."""


def without_rim(painting: U8, alpha: U8) -> U8:
    """`painting`, uint8 (H, W, 3), with the rim around the product, uint8 (H, W), filled with what lies around the rim.

    An edge-conditioned model paints the product a little larger than it is, and a light or dark line would be left around
    the real one. Up to `RIM` from the product colours are the mean of those further out (normalised convolution,
    Knutsson and Westin 1993), from there to twice as far less and less. Where nothing near is further out, as in a narrow
    handle, it is the mean of what is beyond the handle.
    """
    width = RIM * float(np.sqrt(alpha.size))
    x, y, across, down = cv2.boundingRect((alpha >= SEEN).astype(np.uint8))
    if not across:
        return painting
    reach = int(np.ceil(5 * width))
    part = slice(max(0, y - reach), y + down + reach), slice(max(0, x - reach), x + across + reach)
    away = np.asarray(
        cv2.distanceTransform((alpha[part] < SEEN).astype(np.uint8), cv2.DIST_L2, 3) / width, np.float32
    )
    further = np.asarray(cv2.cvtColor(painting[part], cv2.COLOR_RGB2RGBA), np.uint8)
    further[away <= 1] = 0
    result = painting.copy()
    sums = further.astype(np.float32)
    narrow = np.asarray(cv2.GaussianBlur(sums, (0, 0), width), np.float32)
    unknown = _fill(result[part], narrow, away, away < 2) & (alpha[part] < 255)
    if unknown.any():
        _fill(result[part], _widely_blurred(sums, width), away, unknown)
    return result


def _widely_blurred(sums: F32, width: float) -> F32:
    """`sums` blurred by `BEYOND` times `width`: by `width`, reduced."""
    height, across = sums.shape[:2]
    size = max(1, across // BEYOND), max(1, height // BEYOND)
    small = cv2.GaussianBlur(cv2.resize(sums, size, interpolation=cv2.INTER_AREA), (0, 0), width)
    return np.asarray(cv2.resize(small, (across, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _fill(picture: U8, sums: F32, away: F32, where: Bool) -> Bool:
    """Mix the mean colours of what is further out into a picture; returns where there is too little of it.

    sums: float32 (H, W, 4), colours times their weights, and these, 0..255; away: distance from the product in rims.
    """
    known = where & (sums[..., 3] > 255 * SURE)
    means = sums[known]
    filled = means[:, :3] / means[:, 3:] * 255
    share = np.clip(2 - away[known], 0, 1)[:, None]
    picture[known] = np.rint(np.clip(picture[known] * (1 - share) + filled * share, 0, 255)).astype(np.uint8)
    return np.asarray(where & ~known, np.bool_)
