"""The painted product's rim, which shows beside the real one: painted over from further out."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

RIM: Final = 0.012
"""How far a painted product reaches beyond the real one, as a share of the picture's mean side; 3 pixels of 256."""
SEEN: Final = 8
"""Coverage, of 255, from which the product is there."""
SURE: Final = 0.02
"""Share of what is further out in the surroundings of a pixel below which they do not say what it should be."""
BEYOND: Final = 4.0
"""How much wider the surroundings are taken then."""


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
    away = cv2.distanceTransform((alpha[part] < SEEN).astype(np.uint8), cv2.DIST_L2, 3)
    further = (away > width).astype(np.float32)
    colours = painting[part].astype(np.float32)
    filled, told = _mean(colours, further, width)
    if (told <= SURE).any():
        wider, told_wider = _mean(colours, further, BEYOND * width)
        np.copyto(filled, wider, where=(told <= SURE)[..., None])
        told = np.maximum(told, told_wider)
    share = np.clip(2 - away / width, 0, 1) * (told > SURE)
    result = painting.copy()
    mixed = colours + (filled - colours) * share[..., None]
    result[part] = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    return result


def _mean(colours: F32, further: F32, sigma: float) -> tuple[F32, F32]:
    """Mean colours (H, W, 3) of what is further out around each pixel, and its share (H, W)."""
    told = cv2.GaussianBlur(further, (0, 0), sigma)
    sums = cv2.GaussianBlur(colours * further[..., None], (0, 0), sigma)
    return np.asarray(sums / np.maximum(told, 1e-6)[..., None], np.float32), np.asarray(told, np.float32)
