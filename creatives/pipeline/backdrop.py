"""The studio backdrop behind a product: a smooth colour surface fitted to the photo's border."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

PLAIN_SHARE = 0.55
"""At least this share of the border must lie on the fitted surface; products cut by the border take the rest."""

PLAIN_RUNS, RUN_SHARE = 3, 0.01
"""A product meets the border in at most so many places; what meets it in more is a scene. Shorter runs than this share of
the border do not count.
"""

PAPER_RUNS = 5
"""The same of paper that is lit unevenly, for which our own network is asked."""

PLAIN_NOISE = 3.0
"""Largest spread (ΔE, robust standard deviation) of a backdrop that is called plain."""

RINGING_REACH, RINGING_SHARE = 17, 0.12
"""JPEG's colour blocks are 16 pixels wide and ring with up to about an eighth of the edge's contrast."""

CLIPPED_LIGHTNESS = 99.0
"""Above this L* all whites look alike: a white print cannot be told from a hole by its colour."""


@dataclass(frozen=True)
class Backdrop:
    """colours: float32 (H, W, 3) sRGB 0..255 of the surface; distance: float32 (H, W), ΔE*ab of the photo to it."""

    colours: F32
    lab: F32
    surface: F32
    distance: F32
    noise: float
    share: float
    runs: int = 0

    @property
    def is_plain(self) -> bool:
        return self._is_even and self.runs <= PLAIN_RUNS

    @property
    def may_be_paper(self) -> bool:
        """Whether it would be plain but for one or two more places of the border, as paper under uneven light has."""
        return self._is_even and self.runs <= PAPER_RUNS

    @property
    def _is_even(self) -> bool:
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

    def looks_the_same(self, window: tuple[slice, slice], region: Bool) -> bool:
        """Whether a region of a window is backdrop by its statistics; clipped white tells nothing."""
        if float(np.median(self.lab[..., 0][window][region])) > CLIPPED_LIGHTNESS:
            return False
        return float(self.distance[window][region].mean()) <= 1.9 * self.noise + 0.25

    def matches_closely(self) -> Bool:
        """Stricter than `matches`: what may be a hole in the product must look just like the backdrop."""
        return np.asarray(self.distance <= max(1.2, 0.7 * self.tolerance), np.bool_)

    def separation(self, product: Bool) -> float:
        """0.3..1: how far the product's rim is from the backdrop in colour; 1 from a median of ΔE 15 up."""
        rim = product & (cv2.erode(product.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0)
        if not rim.any():
            return 0.3
        return float(np.clip(np.median(self.distance[rim]) / 15.0, 0.3, 1.0))


def fit_backdrop(rgb: U8) -> Backdrop:
    """Fit a quadratic surface in CIELAB to the border of uint8 (H, W, 3), robustly, then to all it explains."""
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)
    height, width = rgb.shape[:2]
    border = _border(height, width)
    basis = _basis(height, width)
    coefficients, noise = _robust_fit(basis[border], lab[border])
    surface = (basis @ coefficients).astype(np.float32)
    distance = np.linalg.norm(lab - surface, axis=2)
    alike = distance <= max(3.0, 4.0 * noise)
    share = float(alike[border].mean())
    colours = np.asarray(cv2.cvtColor(surface, cv2.COLOR_LAB2RGB), np.float32) * 255.0
    return Backdrop(colours, lab, surface, distance.astype(np.float32), noise, share, _runs(alike))


def _thickness(height: int, width: int) -> int:
    return max(2, round(0.02 * min(height, width)))


def _border(height: int, width: int) -> Bool:
    thickness = _thickness(height, width)
    border = np.ones((height, width), np.bool_)
    border[thickness:-thickness, thickness:-thickness] = False
    return border


def _runs(alike: Bool) -> int:
    """In how many places something other than the backdrop meets the photo's border."""
    edge = _thickness(*alike.shape)
    strips = (
        alike[:edge].mean(0),
        alike[:, -edge:].mean(1),
        alike[-edge:, ::-1].mean(0),
        alike[::-1, :edge].mean(1),
    )
    other = (np.concatenate(strips) < 0.5).astype(np.uint8)
    gap = max(3, round(RUN_SHARE * other.size)) | 1
    around = np.tile(other, 3)[None]  # the border has no beginning: the middle one of three turns is counted
    steady = cv2.morphologyEx(cv2.morphologyEx(around, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8)),
                              cv2.MORPH_OPEN, np.ones((1, gap), np.uint8))[0]  # fmt: skip
    turn = steady[other.size - 1 : 2 * other.size].astype(np.int8)
    return int((np.diff(turn) == 1).sum())


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
