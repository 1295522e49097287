"""Does a mask's outline lie on an outline of the photo? A rim cut off or too wide, a missing or a foreign part show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import lab, outline

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SIDE = 640
"""Longest side at which a photo and its mask are looked at."""

STEP = 2
"""Pixels from the outline at which the colours on both sides are taken."""

PLAIN = 3.0
"""ΔE*ab between both sides up to which there is no outline in the photo."""


def outline_support(rgb: U8, alpha: U8) -> float:
    """0..1: share of the outline of uint8 (H, W) `alpha` across which the colours of uint8 (H, W, 3) `rgb` change."""
    sides = both_sides(rgb, alpha)
    return float((sides > PLAIN).mean()) if sides.size else 1.0


def both_sides(rgb: U8, alpha: U8) -> F32:
    """ΔE*ab between inside and outside for each pixel of the outline; empty where it has none off the photo's border."""
    factor = min(1.0, SIDE / max(alpha.shape))
    if factor < 1.0:
        size = (max(1, round(alpha.shape[1] * factor)), max(1, round(alpha.shape[0] * factor)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
    product = alpha >= 128
    rows, columns = np.nonzero(outline(product))
    soft = cv2.GaussianBlur(product.astype(np.float32), (0, 0), 2.0)
    inward = np.stack([cv2.Sobel(soft, cv2.CV_32F, 0, 1), cv2.Sobel(soft, cv2.CV_32F, 1, 0)], axis=-1)
    steep = inward[rows, columns]
    ways = steep / np.maximum(np.linalg.norm(steep, axis=1, keepdims=True), 1e-6)
    colours = lab(np.asarray(cv2.GaussianBlur(rgb, (0, 0), 0.7), np.uint8))
    at = np.stack([rows, columns], axis=1).astype(np.float32)
    inner, outer = _sampled(colours, at + STEP * ways), _sampled(colours, at - (STEP + 1) * ways)
    return np.asarray(np.linalg.norm(inner - outer, axis=1), np.float32)


def _sampled(colours: F32, places: F32) -> F32:
    height, width = colours.shape[:2]
    rows = np.clip(np.rint(places[:, 0]).astype(int), 0, height - 1)
    columns = np.clip(np.rint(places[:, 1]).astype(int), 0, width - 1)
    return colours[rows, columns]


LOWEST, ENOUGH = 0.56, 1.0
"""Support up to which a mask is worth nothing, and from which it is as good as any. Pale products on white,
well cut out, have 0.78 and more (the demo's, but for one).
"""


def confidence_of(support: float) -> float:
    """0.1..1, growing with an outline's support."""
    return float(np.clip((support - LOWEST) / (ENOUGH - LOWEST), 0.1, 1.0))
