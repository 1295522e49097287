"""Does a mask's outline lie on an outline of the photo? A rim cut off or too wide, a missing or a foreign part show."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .measures import lab, outline

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

SIDE = 640
"""Longest side at which a photo and its mask are looked at."""

STEP, BEYOND = 2, 7
"""Pixels from the outline at which the colours on both sides are taken, and those further out."""

LEAST, MOST = 1.0, 3.0
"""ΔE*ab between both sides up to which there is no outline in the photo: as much as the surroundings change by themselves,
but at least and at most these. Clean paper shows a white product's outline by less than a textured wall its grain.
"""

STRONGER, CLEAR = 3.0, 6.0
"""The photo's outline lies just outside the mask's, where it is there so many times as strong and at least so many ΔE*ab."""

BESIDE_SHARE = 0.4
"""How much an outline just outside counts against a mask, beside one that is not there at all: light rims have some too."""


class Sides(NamedTuple):
    """ΔE*ab for each pixel of a mask's outline, float32 (N,): across it, and between just and further outside."""

    across: F32
    outside: F32


def outline_support(rgb: U8, alpha: U8) -> float:
    """0..1: share of the outline of uint8 (H, W) `alpha` that is an outline of uint8 (H, W, 3) `rgb`; 1 where it has none
    off the photo's border.
    """
    across, outside = both_sides(rgb, alpha)
    if not across.size:
        return 1.0
    texture = float(np.clip(np.median(outside), LEAST, MOST))
    beside = (outside > STRONGER * across) & (outside > CLEAR)
    return 1.0 - max(float((across <= texture).mean()), BESIDE_SHARE * float(beside.mean()))


def both_sides(rgb: U8, alpha: U8) -> Sides:
    """What the colours do at a mask's outline, as far as it is off the photo's border."""
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
    inner, outer, further = (_sampled(colours, at + away * ways) for away in (STEP, -STEP - 1, -BEYOND))
    return Sides(_apart(inner, outer), _apart(outer, further))


def _apart(colours: F32, others: F32) -> F32:
    return np.asarray(np.linalg.norm(colours - others, axis=1), np.float32)


def _sampled(colours: F32, places: F32) -> F32:
    height, width = colours.shape[:2]
    rows = np.clip(np.rint(places[:, 0]).astype(int), 0, height - 1)
    columns = np.clip(np.rint(places[:, 1]).astype(int), 0, width - 1)
    return colours[rows, columns]


LOWEST, ENOUGH = 0.86, 1.0
"""Support up to which a mask is worth nothing, and from which it is as good as any. True masks of studio photos and of
scenes have 0.93 and more in all but some 2 % (docs/figures.md).
"""


def confidence_of(support: float) -> float:
    """0.1..1, growing with an outline's support."""
    return float(np.clip((support - LOWEST) / (ENOUGH - LOWEST), 0.1, 1.0))
