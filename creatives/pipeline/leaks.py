"""Outlines beside the outline, and lines that no scene has: what painting and pasting leave when they go wrong."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .edges import draw_edges
from .measures import grown, outline, reach

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

PARALLEL = 0.85
"""|cosine| of the angle between an edge's normal and the way to the product from which on the two outlines are parallel."""

LONG = 0.3
"""Share of the frame that a straight step must cover to count as a seam."""


def painted_edges(picture: U8) -> Bool:
    """All edges of a picture, bool (H, W)."""
    everywhere = np.full(picture.shape[:2], 255, np.uint8)
    return draw_edges(picture, everywhere, contour=False, thresholds=(30.0, 90.0)) > 0


def leaked_edges(generated: U8, product: Bool, edges: Bool | None = None) -> Bool:
    """Edges of the painting beside the product that run parallel to its outline, bool (H, W): a second contour.

    edges: all of the painting's, where they are known already (`painted_edges`); likewise below.
    """
    edges = painted_edges(generated) if edges is None else edges
    beside = edges & grown(product, max(6, reach(product))) & ~grown(product, 2)
    away = cv2.distanceTransform((~product).astype(np.uint8), cv2.DIST_L2, 5)
    grey = cv2.GaussianBlur(cv2.cvtColor(generated, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    normals, ways = _directions(grey, beside), _directions(away, beside)
    leaked = np.zeros_like(beside)
    leaked[beside] = np.abs((normals * ways).sum(axis=1)) >= PARALLEL
    return leaked


def leakage(generated: U8, product: Bool, edges: Bool | None = None) -> float:
    """0..1: share of the product's outline that a second contour runs along, less what the setting's texture explains."""
    around = outline(product)
    if not around.any():
        return 0.0
    edges = painted_edges(generated) if edges is None else edges
    leaked = leaked_edges(generated, product, edges)
    beside = grown(leaked, 1)
    _, labels = cv2.distanceTransformWithLabels(
        (~around).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    followed = np.zeros(int(labels.max()) + 1, np.bool_)
    followed[labels[beside]] = True
    return float(followed[labels[around]].mean()) * _beyond_texture(leaked, edges, product)


def _beyond_texture(leaked: Bool, edges: Bool, product: Bool) -> float:
    """0..1: by how much edges are denser beside the product than a little further away."""
    width = max(6, reach(product))
    near, further = (
        grown(product, width) & ~grown(product, 2),
        grown(product, 3 * width) & ~grown(product, width),
    )
    if not (near.any() and further.any()):
        return 1.0
    beside, beyond = float(edges[near].mean()), float(edges[further].mean())
    return max(0.0, 1.0 - beyond / beside) if leaked.any() and beside else 0.0


class Seam(NamedTuple):
    """strength: 1 is what is usual in the picture; column: the one left of the step."""

    strength: float
    column: int


def seam(picture: U8, product: Bool) -> Seam:
    """The strongest straight upright step over LONG of the frame.

    Level lines are not counted: tables and horizons are level.
    """
    strongest = _upright_steps(picture, product).max(axis=0)
    strength = float(strongest.max() / (float(np.median(strongest)) + 0.5))
    return Seam(strength, int(strongest.argmax()))


def _upright_steps(picture: U8, product: Bool) -> F32:
    """Grey levels by which each pixel (H, W) steps to its right neighbour, averaged along upright lines.

    A line is LONG of the frame. A step that keeps its sign along it adds up, texture cancels; a ramp is no step, and the
    product has none.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    step = np.roll(grey, -1, axis=1) - grey
    step -= 0.5 * (np.roll(step, 1, axis=1) + np.roll(step, -1, axis=1))
    step[grown(product, 3)] = 0.0
    step[:, :2] = step[:, -2:] = 0.0
    length = max(5, round(LONG * grey.shape[0]))
    return np.abs(cv2.blur(step, (1, length), borderType=cv2.BORDER_CONSTANT)).astype(np.float32)


def _directions(picture: NDArray[np.generic], region: Bool) -> F32:
    """Unit gradients of a picture (H, W) in a region, float32 (N, 2)."""
    values = picture.astype(np.float32)
    dx, dy = cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)
    length = np.maximum(cv2.magnitude(dx, dy)[region], 1e-6)
    return np.stack([dx[region] / length, dy[region] / length], axis=1)
