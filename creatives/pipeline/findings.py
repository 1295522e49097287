"""Where the quality gate sees trouble, as a picture to lay over the creative."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .quality import continued_product, missed_edges

U8 = NDArray[np.uint8]

MISSED = (255, 32, 96, 255)
"""Edges of the product that the painting ignores: pink, as no product shot is."""

CONTINUED = (255, 170, 0, 150)
"""Ground that the painting gave the product's colours: amber, half transparent."""


def draw_findings(generated: U8, edges: U8, placed: U8) -> U8:
    """RGBA of the creative's size: missed edges and continued product in colour, the rest transparent.

    generated: uint8 (H, W, 3), the painting before the product is cut back in; edges: uint8 (H, W); placed: uint8
    (H, W, 4). Raises ValueError when the shapes do not match.
    """
    if not generated.shape[:2] == edges.shape == placed.shape[:2]:
        raise ValueError(
            f"painting {generated.shape}, edges {edges.shape} and product {placed.shape} differ in size"
        )
    picture = np.zeros((*edges.shape, 4), np.uint8)
    _, continued = continued_product(generated, placed[..., 3] >= 128)
    picture[continued] = CONTINUED
    missed = missed_edges(generated, edges).astype(np.uint8)
    picture[cv2.dilate(missed, np.ones((2, 2), np.uint8)) > 0] = MISSED
    return picture
