"""How far a painted object outgrows the product: which pixels have the object's colours and hang together with it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .histogram import colour_codes, density
from .measures import grown, reach, shrunk

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

BINS = (14, 16, 16)
"""Of L*, a* and b*; about 7 units of L*, 14 of a* and b*, softened by half as much again."""
SIGMA = 0.8
TAPS = 0.6, 0.2


def object_region(picture: U8, product: Bool) -> Bool:
    """What of a picture is the object that stands where the product does, bool (H, W), within two reaches of it.

    Colours decide, by histograms of CIELAB inside the product and far from it; what has the inside's colours and hangs
    together with the product's middle is the object.
    """
    near = grown(product, 2 * reach(product))
    inside, far = shrunk(product, 1), ~near
    if not (inside.any() and far.any()):
        return product.copy()
    codes = colour_codes(picture, BINS, SIGMA)
    within, around = density(codes[inside], BINS, TAPS), density(codes[far], BINS, TAPS)
    alike = (within > around)[codes] & near
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    solid = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, cross)
    count, labels = cv2.connectedComponents(solid, connectivity=4)
    counts = np.bincount(labels[inside], minlength=count)
    kept = counts >= max(4, 0.01 * inside.sum())
    kept[0] = False
    return np.asarray(kept[labels], np.bool_)


def expansion(found: Bool, product: Bool) -> float:
    """(area(found ∪ product) − area(product)) / area(product), the union form of arXiv 2404.10157; 0 without a product."""
    area = int(product.sum())
    return float((found | product).sum() / area - 1.0) if area else 0.0


def overlap(found: Bool, product: Bool) -> float:
    """Intersection over union, 0..1; 1 when both are empty."""
    union = int((found | product).sum())
    return float((found & product).sum() / union) if union else 1.0
