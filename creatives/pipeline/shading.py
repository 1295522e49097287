"""Step 5's light: a contact shadow below the product, and a background whose cast goes with it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour import to_linear, to_srgb
from .measures import Window, lab

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

FOOT: Final = 0.10
"""What ends within this share of the product's height above its lowest point stands on the ground, the less the higher."""
CORE, PENUMBRA = 0.02, 0.1
"""Spread (sigma) of the two parts of a contact shadow, as shares of the product's mean side."""
CORE_SHARE: Final = 0.5
LEAST_SIGMA: Final = 3.0
"""Blurs are computed on copies reduced as far as leaves a sigma of this many pixels."""
SAMPLES: Final = 65536

NORM: Final = 6
"""Minkowski norm of the estimate of the light's colour (shades of grey: Finlayson and Trezzi 2004)."""
NEUTRAL_CHROMA: Final = 12.0
NEUTRAL_SHARE: Final = 0.02
LARGEST_GAIN: Final = 0.06
"""No channel of the background is changed by a larger share than this, in linear light."""


def contact_shadow(alpha: U8) -> tuple[Window, F32] | None:
    """A soft shadow just under what the product stands on: its window of the frame, and its depth there, 0..1.

    alpha: uint8 (H, W). It follows the product's lower outline: dark and narrow where the two touch, wide and faint around
    that. None without a product, and where it meets the frame's foot, as there is no ground to see.
    """
    solid = alpha >= 128
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    height, width = alpha.shape
    if rows.size == 0 or rows[-1] >= height - 2:
        return None
    top, foot, left, right = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    side = float(np.sqrt((foot - top + 1) * (right - left + 1)))
    tall = max(1.0, FOOT * min(side, foot - top + 1))
    core, wide = max(0.6, CORE * side), max(1.0, PENUMBRA * side)
    reach = int(np.ceil(3 * wide)) + 1
    first, last = max(0, int(foot - tall) - reach), min(height, foot + reach + 1)
    window = slice(first, last), slice(max(0, left - reach), min(width, right + reach + 1))
    touching = _touching(solid[window], foot - first, tall, max(1, round(core)))
    narrow = _spread(touching, 2 * core, core)
    broad = _spread(touching, 1.1 * wide, 0.6 * wide)
    return window, np.asarray(CORE_SHARE * narrow + (1 - CORE_SHARE) * broad, np.float32)


def _touching(solid: NDArray[np.bool_], foot: int, tall: float, thick: int) -> F32:
    """float32 (H, W), 0..1: a band along the lower outline, fainter the higher that lies above `foot`."""
    height = solid.shape[0]
    lowest = height - 1 - np.argmax(solid[::-1], axis=0)
    weight = np.where(solid.any(axis=0), np.clip(1.0 - (foot - lowest) / tall, 0.0, 1.0), 0.0)
    rows = np.arange(height)[:, None]
    band = (rows >= lowest - thick) & (rows <= lowest + thick)
    return np.asarray(band * weight, np.float32)


def _spread(values: F32, across: float, down: float) -> F32:
    """Blurred by these sigmas in pixels, wide ones on a reduced copy, and scaled to a maximum of 1."""
    height, width = values.shape
    factor = max(1, int(min(across, down) / LEAST_SIGMA))
    small = np.pad(values, ((0, -height % factor), (0, -width % factor)))
    size = small.shape[1] // factor, small.shape[0] // factor
    reduced = cv2.resize(small, size, interpolation=cv2.INTER_AREA) if factor > 1 else small
    soft = cv2.GaussianBlur(
        reduced, (0, 0), sigmaX=across / factor, sigmaY=down / factor, borderType=cv2.BORDER_CONSTANT
    )
    if factor > 1:
        soft = cv2.resize(soft, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_LINEAR)[
            :height, :width
        ]
    return np.asarray(soft / max(float(soft.max()), 1e-6), np.float32)


def harmonised(background: U8, placed: U8, amount: float) -> U8:
    """`background` (H, W, 3) with its colour cast moved by `amount` (0..1) of the way to the product's, its light kept.

    Both casts are estimated by shades of grey; the product's from its near-neutral pixels, and it counts as neutral, as
    studio light is, where it has too few. A channel changes by LARGEST_GAIN at most, so a sunset stays one.
    """
    step = max(1, int(np.sqrt(background.shape[0] * background.shape[1] / SAMPLES)))
    sampled, product = background[::step, ::step], placed[::step, ::step]
    gains = 1.0 + amount * (_cast(product) / _scene_cast(sampled, product[..., 3]) - 1.0)
    gains = np.clip(gains, 1.0 - LARGEST_GAIN, 1.0 + LARGEST_GAIN)
    codes = np.arange(256, dtype=np.uint8)
    table = np.stack([to_srgb(to_linear(codes) * gain) for gain in gains], axis=-1)
    return np.asarray(cv2.LUT(background, table[None]), np.uint8)


def _scene_cast(background: U8, alpha: U8) -> NDArray[np.float64]:
    around = alpha < 128
    return _shades_of_grey(background, around if around.any() else np.ones_like(around))


def _cast(placed: U8) -> NDArray[np.float64]:
    """The colour of the light on the product, from what is nearly neutral on it; [1, 1, 1] where that is too little."""
    product = np.ascontiguousarray(placed[placed[..., 3] == 255][None, :, :3])
    if not product.size:
        return np.ones(3)
    colours = lab(product)
    light, chroma = colours[..., 0], np.hypot(colours[..., 1], colours[..., 2])
    neutral = (chroma < NEUTRAL_CHROMA) & (light > 25.0) & (light < 97.0)
    if neutral.mean() < NEUTRAL_SHARE:
        return np.ones(3)
    return _shades_of_grey(product, neutral)


def _shades_of_grey(picture: U8, region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Colour of the light in a region (H, W) of uint8 (H, W, 3), linear, with a mean of 1; grey of black pixels."""
    within = region.astype(np.uint8)
    counts = [cv2.calcHist([picture], [channel], within, [256], [0, 256]).ravel() for channel in range(3)]
    shares = np.stack(counts, axis=-1).astype(np.float64) / float(region.sum())
    powers = np.power(to_linear(np.arange(256, dtype=np.uint8)).astype(np.float64), NORM)
    norm = np.power(powers @ shares, 1.0 / NORM) + 1e-4
    return np.asarray(norm / norm.mean(), np.float64)
