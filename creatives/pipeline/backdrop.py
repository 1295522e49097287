"""The studio backdrop behind a product: a smooth colour surface fitted to the photo's border."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .blobs import reachable_from_border

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

PLAIN_SHARE = 0.55
"""At least this share of the border must lie on the fitted surface; products cut by the border take the rest."""

PLAIN_NOISE = 3.0
"""Largest spread (ΔE, robust standard deviation) of a backdrop that is called plain."""

RINGING_REACH, RINGING_SHARE = 17, 0.12
"""JPEG's colour blocks are 16 pixels wide and ring with up to about an eighth of the edge's contrast."""

SHADOW_DEPTH = 45.0
SHADOW_SLOPE = 1.6
SHADOW_PASSAGE = 0.02
SHADOW_MOST = 0.6


@dataclass(frozen=True)
class Backdrop:
    """colours: float32 (H, W, 3) sRGB 0..255 of the surface; distance: float32 (H, W), ΔE*ab of the photo to it."""

    colours: F32
    lab: F32
    surface: F32
    distance: F32
    noise: float
    share: float

    @property
    def is_plain(self) -> bool:
        return self.share >= PLAIN_SHARE and self.noise <= PLAIN_NOISE

    @property
    def tolerance(self) -> float:
        """ΔE up to which a pixel counts as backdrop: four standard deviations, at least a JPEG's own noise."""
        return float(np.clip(4.0 * self.noise + 0.8, 1.6, 10.0))

    @property
    def confidence(self) -> float:
        steadiness = 1.0 - 0.5 * min(1.0, self.noise / PLAIN_NOISE)
        coverage = np.clip((self.share - PLAIN_SHARE) / (0.85 - PLAIN_SHARE), 0.0, 1.0)
        return float(steadiness * (0.6 + 0.4 * coverage))

    def matches(self) -> Bool:
        """Pixels (H, W) that look like the backdrop; JPEG ringing beside a strong edge is let pass as well."""
        strongest = cv2.dilate(self.distance, np.ones((RINGING_REACH,) * 2, np.uint8))
        return np.asarray(self.distance <= np.maximum(self.tolerance, RINGING_SHARE * strongest), np.bool_)

    def matches_closely(self) -> Bool:
        """Stricter than `matches`: what may be a hole in the product must look just like the backdrop."""
        return np.asarray(self.distance <= max(1.2, 0.7 * self.tolerance), np.bool_)

    def separation(self, product: Bool) -> float:
        """0.3..1: how far the product's rim is from the backdrop in colour; 1 from a median of ΔE 15 up."""
        rim = product & (cv2.erode(product.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0)
        if not rim.any():
            return 0.3
        return float(np.clip(np.median(self.distance[rim]) / 15.0, 0.3, 1.0))

    def shadow(self, outside: Bool) -> Bool:
        """Soft shadow on the backdrop next to `outside`: darker, of the backdrop's hue, changing slowly.

        The region must connect to the outside through passages wider than SHADOW_PASSAGE of the shorter side, so that
        a smooth spot on a pale product's outline does not let the flood in. A flood that still took most of what
        is not backdrop has run into a product of the backdrop's hue, and is given up.
        """
        drop = self.surface[..., 0] - self.lab[..., 0]
        tint = np.hypot(self.lab[..., 1] - self.surface[..., 1], self.lab[..., 2] - self.surface[..., 2])
        light = cv2.GaussianBlur(self.lab[..., 0], (0, 0), 1.0)
        slope = cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8.0
        smooth = (
            (drop > -1.0)
            & (drop < SHADOW_DEPTH)
            & (tint < 2.0 + 0.12 * np.maximum(drop, 0))
            & (slope < SHADOW_SLOPE)
        )
        side = 2 * round(0.5 * SHADOW_PASSAGE * min(outside.shape)) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, side),) * 2)
        open_ground = cv2.erode((smooth | outside).astype(np.uint8), kernel, borderValue=1)
        grown = cv2.dilate(reachable_from_border(open_ground > 0).astype(np.uint8), kernel) > 0
        found = grown & smooth & ~outside
        runaway = float(found.sum()) > SHADOW_MOST * float((~outside).sum())
        return np.zeros_like(outside) if runaway else np.asarray(found, np.bool_)


def fit_backdrop(rgb: U8) -> Backdrop:
    """Fit a quadratic surface in CIELAB to the border of uint8 (H, W, 3), robustly, then to all it explains."""
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)
    height, width = rgb.shape[:2]
    border = _border(height, width)
    basis = _basis(height, width)
    coefficients, noise = _robust_fit(basis[border], lab[border])
    surface = (basis @ coefficients).astype(np.float32)
    distance = np.linalg.norm(lab - surface, axis=2)
    share = float((distance[border] <= max(3.0, 4.0 * noise)).mean())
    colours = np.asarray(cv2.cvtColor(surface, cv2.COLOR_LAB2RGB), np.float32) * 255.0
    return Backdrop(colours, lab, surface, distance.astype(np.float32), noise, share)


def _border(height: int, width: int) -> Bool:
    thickness = max(2, round(0.02 * min(height, width)))
    border = np.ones((height, width), np.bool_)
    border[thickness:-thickness, thickness:-thickness] = False
    return border


def _basis(height: int, width: int) -> F32:
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).astype(np.float32)


def _robust_fit(basis: F32, values: F32) -> tuple[NDArray[np.float64], float]:
    """Least squares on inliers, re-chosen four times; the first centre is the border's median colour."""
    basis, values = _thinned(basis), _thinned(values)
    residual = np.linalg.norm(values - np.median(values, axis=0), axis=1)
    limit = 15.0
    for _ in range(4):
        inliers = residual <= limit
        if inliers.sum() < 4 * basis.shape[1]:
            inliers = residual <= np.median(residual)
        coefficients, *_ = np.linalg.lstsq(
            basis[inliers].astype(np.float64), values[inliers].astype(np.float64), rcond=None
        )
        residual = np.linalg.norm(values - basis @ coefficients, axis=1)
        noise = float(np.median(residual[inliers]) / 1.18)  # median of a 2-D Rayleigh at unit deviation
        limit = max(2.0, 4.0 * noise)
    return coefficients, noise


def _thinned(rows: F32, most: int = 20_000) -> F32:
    return rows[:: max(1, len(rows) // most)]
