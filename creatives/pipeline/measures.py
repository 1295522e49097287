"""What the quality scores share: CIELAB pictures, grown and shrunk regions, the ring around a product."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]
Window = tuple[slice, slice]


def lab(picture: U8) -> F32:
    """float32 (H, W, 3): CIELAB of uint8 sRGB, L* 0..100."""
    shares = picture.astype(np.float32)
    shares /= 255.0
    return np.asarray(cv2.cvtColor(shares, cv2.COLOR_RGB2LAB), np.float32)


def grown(region: Bool, pixels: int) -> Bool:
    """bool (H, W), `pixels` further on every side (a square)."""
    return np.asarray(cv2.dilate(region.astype(np.uint8), _square(pixels)) > 0, np.bool_)


def shrunk(region: Bool, pixels: int) -> Bool:
    """bool (H, W), `pixels` less on every side; the frame's border takes nothing away."""
    return np.asarray(cv2.erode(region.astype(np.uint8), _square(pixels)) > 0, np.bool_)


def outline(region: Bool) -> Bool:
    """The innermost pixel of a region's border, bool (H, W); none where the region meets the frame."""
    cross = np.ones((3, 3), np.uint8)
    inner = cv2.erode(region.astype(np.uint8), cross, borderType=cv2.BORDER_REPLICATE) > 0
    return np.asarray(region & ~inner, np.bool_)


def reach(product: Bool) -> int:
    """How far around a product its surroundings are looked at, in pixels: 8 % of its size, at least 3."""
    return max(3, round(0.08 * float(np.sqrt(product.sum()))))


def window_around(region: Bool, pixels: int) -> Window:
    """The rows and columns within `pixels` of a region's box; all of them where it is empty."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not rows.size:
        return slice(None), slice(None)
    return (
        slice(max(0, int(rows[0]) - pixels), int(rows[-1]) + 1 + pixels),
        slice(max(0, int(columns[0]) - pixels), int(columns[-1]) + 1 + pixels),
    )


def _square(pixels: int) -> U8:
    return np.ones((2 * pixels + 1,) * 2, np.uint8)
