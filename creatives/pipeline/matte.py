"""Soft edges: alpha along a hard mask's outline, and the product's own colour under the partly covered pixels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .environment import wait_passively
from .nearest import nearest_values, smoothed_within

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

CORE_DEPTH = 2
ESTIMATE_PIXELS = 2_000_000
"""Above this many pixels the foreground's colours are estimated on a reduced copy."""


def soft_matte(rgb: U8, product: Bool, backdrop: F32) -> U8:
    """uint8 (H, W) alpha: hard inside and outside, fractional within two pixels of the outline.

    There the observed colour I is taken as a mixture of the nearest inner product colour F and the backdrop B,
    so alpha = (I − B)·(F − B) / |F − B|². Where F and B are too close for that, the mask is blurred slightly.
    """
    solid = product.astype(np.uint8)
    core = cv2.erode(solid, np.ones((2 * CORE_DEPTH + 1,) * 2, np.uint8), borderType=cv2.BORDER_REPLICATE)
    band = (cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0) & (core == 0)
    blurred = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.7)
    alpha = product.astype(np.float32)
    if not core.any() or not band.any():
        return np.rint(blurred * 255).astype(np.uint8)
    inner, depth = nearest_values(smoothed_within(rgb, core > 0, 1.5), core > 0)
    contrast = inner[band] - backdrop[band]
    power = (contrast**2).sum(axis=1)
    mixed = ((rgb[band].astype(np.float32) - backdrop[band]) * contrast).sum(axis=1) / np.maximum(power, 1.0)
    mixed = np.clip((mixed - 0.05) / 0.9, 0.0, 1.0)
    usable = (power > 18.0**2) & (depth[band] <= 2 * CORE_DEPTH + 2)
    alpha[band] = np.where(usable, mixed, blurred[band])
    thin = product & (depth > 2 * CORE_DEPTH + 2)
    alpha[thin] = 1.0
    return np.rint(alpha * 255).astype(np.uint8)


def local_backdrop(rgb: U8, product: Bool) -> F32:
    """float32 (H, W, 3): around the outline the colour (0..255) of the nearest pixel that is clear of the product.

    It takes the place of a fitted surface where the photo has no plain backdrop.
    """
    grown = cv2.dilate(product.astype(np.uint8), np.ones((2 * CORE_DEPTH + 1,) * 2, np.uint8))
    clear = grown == 0
    if not clear.any():
        return rgb.astype(np.float32)
    return nearest_values(smoothed_within(rgb, clear, 1.5), clear)[0]


def clean_edges(rgb: U8, alpha: U8, where: Bool | None = None) -> U8:
    """uint8 (H, W, 4): `rgb` with the backdrop's share taken out of the colours where 0 < alpha < 255 (and `where`).

    Multi-level foreground estimation (Germer et al. 2020), of sRGB codes as alpha is estimated from: mixing the two scales
    shows as dark rims (docs/figures.md). Pixels of alpha 255 keep their codes.
    """
    partly = (alpha > 0) & (alpha < 255)
    if where is not None:
        partly &= where
    colours = np.where(alpha[..., None] > 0, rgb, 0).astype(np.uint8)
    if partly.any():
        colours[partly] = _foreground(rgb, alpha)[partly]
    return np.dstack([colours, alpha])


def _foreground(rgb: U8, alpha: U8) -> U8:
    wait_passively()
    from pymatting import estimate_foreground_ml

    height, width = alpha.shape
    factor = min(1.0, (ESTIMATE_PIXELS / (height * width)) ** 0.5)
    codes: NDArray[Any] = rgb.astype(np.float32) / 255.0
    cover: NDArray[Any] = alpha.astype(np.float32) / 255.0
    if factor < 1.0:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        codes = cv2.resize(codes, size, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)
    estimate = estimate_foreground_ml(codes.astype(np.float64), cover.astype(np.float64))
    if factor < 1.0:
        estimate = cv2.resize(
            np.asarray(estimate, np.float32), (width, height), interpolation=cv2.INTER_LINEAR
        )
    return np.rint(np.clip(estimate, 0.0, 1.0) * 255.0).astype(np.uint8)
