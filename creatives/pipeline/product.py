"""The product's own picture, as the encoder of an IP-Adapter reads it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


def product_picture(product: U8, side: int) -> U8:
    """uint8 (side, side, 3): the product alone on white, its box padded to a square.

    product: uint8 (H, W, 4), straight alpha. Pixels of alpha up to 127 lie outside the box; a product without any other is
    a white picture. studio-tiny was trained on pictures made like this.
    """
    alpha = product[..., 3]
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 127), np.flatnonzero(alpha.max(axis=0) > 127)
    if not len(rows):
        return np.full((side, side, 3), 255, np.uint8)
    box = product[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = box.shape[:2]
    longest = max(height, width)
    # How much darker than white the product makes it: nothing around the box, so nothing need be blended there.
    colours, cover = cv2.cvtColor(box, cv2.COLOR_RGBA2RGB), cv2.extractChannel(box, 3)
    darker = np.zeros((longest, longest, 3), np.uint8)
    top, left = (longest - height) // 2, (longest - width) // 2
    inside = darker[top : top + height, left : left + width]
    inside[:] = cv2.multiply(cv2.bitwise_not(colours), cv2.merge([cover] * 3), scale=1 / 255)
    return np.clip(255.5 - resized(darker, side), 0, 255).astype(np.uint8)


def resized(square: NDArray[np.float32] | U8, side: int) -> NDArray[np.float32]:
    """float32 (side, side, 3) of a square picture: averaged when smaller, interpolated when larger."""
    how = cv2.INTER_AREA if square.shape[0] >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side, side), interpolation=how), np.float32)
