"""Step 5: the placed product over the painting, at the exact size, in linear light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .buckets import Size
from .colour import resize_rgba, to_linear, to_srgb
from .layout import Box, crop_for

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

SHADOW_STRENGTH = 0.35


def place(cutout: U8, box: Box, frame: Size) -> U8:
    """uint8 (H, W, 4) of the frame's size: the product's cut-out resampled once into `box`, clear elsewhere.

    cutout: uint8 (h, w, 4), straight alpha, cropped to the product.
    """
    x, y, width, height = box.rounded(frame)
    placed = np.zeros((frame.height, frame.width, 4), np.uint8)
    placed[y : y + height, x : x + width] = resize_rgba(cutout, width, height)
    return placed


def on_white(placed: U8) -> U8:
    """uint8 (H, W, 3): a placed product on plain white, the paper's "positioned" picture."""
    white = np.full((*placed.shape[:2], 3), 255, np.uint8)
    return compose(placed, white, shadow=0.0)


def crop_painting(generated: U8, size: Size) -> U8:
    """The painting's centred crop, resampled (Lanczos) to exactly `size`: uint8 (height, width, 3)."""
    bucket = Size(generated.shape[1], generated.shape[0])
    crop = crop_for(bucket, size)
    matrix = np.array([[1 / crop.scale, 0, crop.x], [0, 1 / crop.scale, crop.y]], np.float64)
    # Pixel centres lie at +0.5, in the source and in the result.
    matrix[:, 2] += 0.5 / crop.scale - 0.5
    # Reduced in linear light; enlarged in sRGB codes, where the filter's overshoot beside dark edges stays unseen.
    reduce = crop.scale < 1.0
    pixels: NDArray[Any] = to_linear(generated) if reduce else generated.astype(np.float32)
    if reduce:
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.5 * (1 / crop.scale - 1) + 1e-3)
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    window = cv2.warpAffine(
        pixels, matrix, (size.width, size.height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    if reduce:
        return to_srgb(np.asarray(window, np.float32))
    return np.rint(np.clip(window, 0, 255)).astype(np.uint8)


def compose(placed: U8, background: U8, *, shadow: float = SHADOW_STRENGTH) -> U8:
    """uint8 (H, W, 3): `placed` (H, W, 4) over `background` (H, W, 3).

    Where placed alpha is 255 the result equals placed byte for byte; where it is partial, the two are mixed in
    linear light. `shadow` (0..1) darkens the background where the product touches the ground.
    """
    if placed.shape[:2] != background.shape[:2]:
        raise ValueError(
            f"placed is {placed.shape[:2]} and the background {background.shape[:2]}; they must be equal"
        )
    alpha = placed[..., 3].astype(np.float32)[..., None] / 255.0
    ground = to_linear(background)
    if shadow > 0:
        ground = ground * (1.0 - shadow * contact_shadow(placed[..., 3]))[..., None]
    mixed = to_srgb(to_linear(placed[..., :3]) * alpha + ground * (1.0 - alpha))
    return np.where(placed[..., 3:] == 255, placed[..., :3], mixed).astype(np.uint8)


def contact_shadow(alpha: U8) -> F32:
    """float32 (H, W), 0..1: a soft shadow just under the lowest part of the product; 0 when it meets the frame's foot."""
    rows = np.flatnonzero((alpha >= 128).any(axis=1))
    height, _ = alpha.shape
    shadow = np.zeros(alpha.shape, np.float32)
    if rows.size == 0 or rows[-1] >= height - 2:
        return shadow
    top, foot = int(rows[0]), int(rows[-1])
    tall = foot - top + 1
    strip = alpha[max(top, foot - max(1, round(0.06 * tall))) : foot + 1]
    touching = (strip >= 128).any(axis=0).astype(np.float32)
    reach = max(1, round(0.02 * tall))
    shadow[max(0, foot - reach) : min(height, foot + reach + 1)] = touching
    spread = max(1.0, 0.05 * tall)
    soft = np.asarray(cv2.GaussianBlur(shadow, (0, 0), sigmaX=1.2 * spread, sigmaY=0.6 * spread), np.float32)
    return soft / max(float(soft.max()), 1e-6)
