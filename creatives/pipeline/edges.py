"""Step 3: the product's edges, the control image of the ControlNet."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

NEUTRAL_GREY = 127
"""Backdrop on which edges are searched: mid-grey, so black and white products both stand out from it."""

DEFAULT_THRESHOLDS = (100.0, 200.0)
"""Canny's hysteresis thresholds of the ControlNet paper (Zhang et al. 2023, section 3.5)."""

LEAST_THRESHOLD = 40.0

BLACK, WHITE = 48.0, 208.0
LOW_CONTRAST = 40.0
"""A product of a median grey below BLACK or above WHITE whose levels span less than this is stretched to it first."""
LARGEST_STRETCH, LEAST_SIGNAL = 4.0, 5.0
"""Limits of that: a factor, and how many times its noise (standard deviation) the span must be."""


def draw_edges(
    rgb: U8, alpha: U8, *, contour: bool = True, thresholds: tuple[float, float] | None = None
) -> U8:
    """Edges of the product only, 255 on 0, of the same height and width.

    rgb: uint8 (H, W, 3), straight (not premultiplied) colours; alpha: uint8 (H, W), the product's matte.
    contour: also draw the outline of the matte, so that a product in the backdrop's colour keeps its shape.
    thresholds: Canny's (low, high); by default derived from the product's own gradients, see
    `adaptive_thresholds`.
    Raises ValueError when the shapes or types do not match.
    """
    _check(rgb, alpha)
    inside = alpha >= 128
    if not inside.any():
        return np.zeros_like(alpha)
    grey = _grey_on_neutral(rgb, alpha, stretch=thresholds is None)
    low, high = thresholds or adaptive_thresholds(grey, inside)
    edges = cv2.Canny(grey, low, high, L2gradient=True)
    edges[cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0] = 0
    if contour:
        edges = np.maximum(edges, _outline(inside))
    return np.asarray(edges, np.uint8)


def adaptive_thresholds(grey: U8, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Canny's (low, high) from the gradients inside the product; low is half of high.

    The usual 100/200 suit contrasty products and leave dark-on-dark ones empty, so the high threshold follows
    the 90th percentile of the Sobel gradient inside the mask, held between LEAST_THRESHOLD and 200.
    """
    dx = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    dy = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    magnitude = cv2.magnitude(dx, dy)[_core(inside)]
    if magnitude.size == 0:
        return DEFAULT_THRESHOLDS
    high = float(np.clip(np.percentile(magnitude, 90), LEAST_THRESHOLD, DEFAULT_THRESHOLDS[1]))
    return high / 2, high


def _core(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without a rim of two pixels."""
    return np.asarray(cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, np.bool_)


def _grey_on_neutral(rgb: U8, alpha: U8, *, stretch: bool) -> U8:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if stretch:
        grey = _stretched(grey, _core(alpha >= 128))
    weight = alpha.astype(np.float32) / 255.0
    mixed = grey * weight + NEUTRAL_GREY * (1.0 - weight)
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def _stretched(grey: NDArray[np.float32], core: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Black seams on black and white folds on white, told apart; a product of some contrast is returned as it is."""
    values = grey[core]
    if not values.size:
        return grey
    low, middle, high = (float(level) for level in np.percentile(values, [1, 50, 99]))
    # The median of |Laplacian| is 0.6745 · √20 times the deviation of white noise; structure hardly moves it.
    noise = float(np.median(np.abs(cv2.Laplacian(grey, cv2.CV_32F)[core]))) / 3.0
    span = high - low
    if BLACK <= middle <= WHITE or span >= LOW_CONTRAST or span < max(2.0, LEAST_SIGNAL * noise):
        return grey
    return np.asarray(middle + (grey - middle) * min(LARGEST_STRETCH, LOW_CONTRAST / span), np.float32)


def _outline(inside: NDArray[np.bool_]) -> U8:
    """One-pixel inner boundary of the mask; where the mask meets the frame there is no boundary to draw."""
    mask = inside.astype(np.uint8)
    eroded = cv2.erode(mask, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return np.where(mask > eroded, 255, 0).astype(np.uint8)


def _check(rgb: U8, alpha: U8) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"rgb must be uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    if alpha.dtype != np.uint8 or alpha.shape != rgb.shape[:2]:
        raise ValueError(f"alpha must be uint8 {rgb.shape[:2]}, not {alpha.dtype} {alpha.shape}")
