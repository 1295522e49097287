"""What the nearest pixel of a region holds."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]


def nearest_values(values: NDArray[Any], source: Bool) -> tuple[F32, F32]:
    """float32 (H, W, C) values (H, W, C) of the nearest pixel of `source`, and float32 (H, W) the distance to it.

    `source` (H, W) must hold at least one pixel.
    """
    region = source.astype(np.uint8)
    distance, labels = cv2.distanceTransformWithLabels(
        1 - region, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros((int(labels.max()) + 1, values.shape[2]), np.float32)
    inside = region > 0
    table[labels[inside]] = values[inside]
    return table[labels], np.asarray(distance, np.float32)


def smoothed_within(values: NDArray[Any], region: Bool, sigma: float) -> F32:
    """float32 (H, W, C): values blurred by a Gaussian of `sigma` pixels, of the region's own pixels only."""
    share = region.astype(np.float32)
    weight = cv2.GaussianBlur(share, (0, 0), sigma)
    blurred = cv2.GaussianBlur(values.astype(np.float32) * share[..., None], (0, 0), sigma)
    return np.asarray(blurred / np.maximum(weight, 1e-3)[..., None], np.float32)
