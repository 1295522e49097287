"""GrabCut (Rother, Kolmogorov, Blake 2004): the product by its colours, from a box that holds it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .blobs import drop_orphans

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

WORK_SIDE = 512
ROUNDS = 4


class Selection(NamedTuple):
    """A box that is drawn in a photo, as shares 0..1 of its width and height."""

    left: float
    top: float
    width: float
    height: float


CENTRE = Selection(0.125, 0.125, 0.75, 0.75)


def grab_cut(rgb: U8, box: Selection, *, sure_outside: bool) -> Bool:
    """bool (H, W): what GrabCut finds in `box`; nothing (all False) when colours tell nothing apart.

    rgb: uint8 (H, W, 3). sure_outside: nothing of the product is outside the box, as when a person drew it; else
    only the photo's outermost 5 % are taken for background. Raises ValueError for a box that is not in the photo.
    """
    if not (0 <= box.left < box.left + box.width <= 1.0001 and 0 <= box.top < box.top + box.height <= 1.0001):
        raise ValueError(f"the box {tuple(box)} is not inside the photo; its sides are shares from 0 to 1")
    height, width = rgb.shape[:2]
    factor = min(1.0, WORK_SIDE / max(height, width))
    size = (max(16, round(width * factor)), max(16, round(height * factor)))
    small = np.ascontiguousarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)[..., ::-1])
    labels = _start(small.shape[0], small.shape[1], box, sure_outside)
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(
            small, labels, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK
        )
    except cv2.error:  # a box of a few pixels holds too few colours for a model of them
        return np.zeros((height, width), np.bool_)
    found = drop_orphans((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    return _enlarged(found, width, height)


def _start(rows: int, columns: int, box: Selection, sure_outside: bool) -> U8:
    labels = np.full((rows, columns), cv2.GC_BGD, np.uint8)
    if not sure_outside:
        inset_y, inset_x = max(1, rows // 20), max(1, columns // 20)
        labels[inset_y:-inset_y, inset_x:-inset_x] = cv2.GC_PR_BGD
    top, left = round(box.top * rows), round(box.left * columns)
    bottom = max(top + 1, round((box.top + box.height) * rows))
    right = max(left + 1, round((box.left + box.width) * columns))
    labels[top:bottom, left:right] = cv2.GC_PR_FGD
    return labels


def _enlarged(found: Bool, width: int, height: int) -> Bool:
    soft = cv2.GaussianBlur(found.astype(np.float32), (0, 0), 0.8)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR) >= 0.5, np.bool_)
