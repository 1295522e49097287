"""Changes after which a person would still call a setting the same: framing, exposure, colour cast, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


def framed(rng: np.random.Generator, side: int) -> NDArray[np.float64]:
    """A random window of a side × side picture as a 2 × 3 matrix: mirrored or not, 0.7 to 1.1 of each side."""
    width, height = rng.uniform(0.7, 1.1, 2)
    left, top = rng.uniform(0, 1, 2) * (1 - np.array([width, height]))
    mirror = rng.random() < 0.5
    scale_x = -width if mirror else width
    offset_x = (left + width if mirror else left) * side
    return np.array([[scale_x, 0, offset_x], [0, height, top * side]])


def warped(picture: U8, matrix: NDArray[np.float64]) -> U8:
    """The window of a square picture or coverage that ``framed`` chose, at the picture's own size."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(
        cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def retouched(picture: U8, rng: np.random.Generator) -> U8:
    """Another exposure, contrast, saturation and colour cast, sometimes blurred, noisy or compressed."""
    x = picture.astype(np.float32)
    x = x * rng.uniform(0.75, 1.3) * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    middle = x.mean()
    x = (x - middle) * np.float32(rng.uniform(0.75, 1.25)) + middle
    grey = x.mean(2, keepdims=True)
    x = (x - grey) * np.float32(rng.uniform(0.6, 1.3)) + grey
    if rng.random() < 0.5:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.6))
    if rng.random() < 0.5:
        x = x + rng.normal(0, rng.uniform(1, 8), x.shape).astype(np.float32)
    changed = np.clip(x + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 90))]
        changed = np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", changed, quality)[1], cv2.IMREAD_COLOR), np.uint8
        )
    return changed


def photographed(picture: U8, rng: np.random.Generator) -> U8:
    """One augmented view of a square picture, uint8, same size."""
    return retouched(warped(picture, framed(rng, picture.shape[0])), rng)
