"""How far a painted object outgrows the product: which pixels have the object's colours and hang together with it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import grown, lab, reach, shrunk

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

BINS = (14, 16, 16)
"""Of L*, a* and b*; about 7 units of L*, 14 of a* and b*, softened by half as much again."""


def object_region(picture: U8, product: Bool) -> Bool:
    """What of a picture is the object that stands where the product does, bool (H, W), within two reaches of it.

    Colours decide, by histograms of CIELAB inside the product and far from it; what has the inside's colours and hangs
    together with the product's middle is the object.
    """
    near = grown(product, 2 * reach(product))
    inside, far = shrunk(product, 1), ~near
    if not (inside.any() and far.any()):
        return product.copy()
    codes = _codes(picture)
    within, around = _density(codes[inside]), _density(codes[far])
    alike = (within > around)[codes] & near
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    solid = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, cross)
    count, labels = cv2.connectedComponents(solid, connectivity=4)
    counts = np.bincount(labels[inside], minlength=count)
    kept = np.flatnonzero(counts >= max(4, 0.01 * inside.sum()))
    return np.asarray(np.isin(labels, kept[kept > 0]), np.bool_)


def expansion(found: Bool, product: Bool) -> float:
    """(area(found ∪ product) − area(product)) / area(product), the union form of arXiv 2404.10157; 0 without a product."""
    area = int(product.sum())
    return float((found | product).sum() / area - 1.0) if area else 0.0


def overlap(found: Bool, product: Bool) -> float:
    """Intersection over union, 0..1; 1 when both are empty."""
    union = int((found | product).sum())
    return float((found & product).sum() / union) if union else 1.0


def _codes(picture: U8) -> NDArray[np.int64]:
    values = lab(cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.uint8))
    shares = (values + np.array([0, 110, 110], np.float32)) / np.array([100, 220, 220], np.float32)
    bins = np.clip((shares * np.array(BINS, np.float32)).astype(np.int64), 0, np.array(BINS) - 1)
    return np.asarray((bins[..., 0] * BINS[1] + bins[..., 1]) * BINS[2] + bins[..., 2], np.int64)


def _density(codes: NDArray[np.int64]) -> F32:
    counts = np.bincount(codes, minlength=int(np.prod(BINS))).reshape(BINS).astype(np.float32)
    for axis in range(3):
        moved = np.moveaxis(counts, axis, 0)
        padded = np.pad(moved, ((1, 1), (0, 0), (0, 0)), mode="edge")
        counts = np.moveaxis(0.6 * moved + 0.2 * (padded[:-2] + padded[2:]), 0, axis)
    return np.asarray((counts / max(float(counts.sum()), 1.0)).ravel(), np.float32)
