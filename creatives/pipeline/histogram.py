"""Colour histograms in CIELAB: which bin a pixel's colour falls into, and how dense a region's colours lie in each."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import lab

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Codes = NDArray[np.int64]
Bins = tuple[int, int, int]
"""How many of L*, a* and b*."""
Taps = tuple[float, float]
"""Of a kernel of three: the middle one, and each of the other two."""

LOWEST, SPAN = (0.0, -110.0, -110.0), (100.0, 220.0, 220.0)


def colour_codes(picture: U8, bins: Bins, sigma: float) -> Codes:
    """int64 (H, W): the bin of each pixel of uint8 (H, W, 3), blurred by a Gaussian of `sigma` pixels first."""
    blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    codes = np.zeros(picture.shape[:2], np.int64)
    planes = [np.asarray(plane, np.float32) for plane in cv2.split(lab(blurred))]
    for plane, lowest, span, count in zip(planes, LOWEST, SPAN, bins, strict=True):
        plane -= lowest
        plane /= span
        # In double precision: single rounds some colours up into the next bin.
        places = np.multiply(plane, count, dtype=np.float64).astype(np.int64)
        codes *= count
        codes += np.clip(places, 0, count - 1, out=places)
    return codes


def density(codes: Codes, bins: Bins, taps: Taps) -> F32:
    """float32 (bins in all,): the share of the codes (N,) in each bin, softened along each axis; all 0
    without codes.
    """
    counts = np.bincount(codes, minlength=int(np.prod(bins))).reshape(bins).astype(np.float32)
    middle, side = taps
    for axis in range(3):
        moved = np.moveaxis(counts, axis, 0)
        padded = np.pad(moved, ((1, 1), (0, 0), (0, 0)), mode="edge")
        counts = np.moveaxis(middle * moved + side * (padded[:-2] + padded[2:]), 0, axis)
    return np.asarray((counts / max(float(counts.sum()), 1.0)).ravel(), np.float32)
