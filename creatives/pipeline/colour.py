"""Linear light: resizing and mixing of pictures as light adds up, not as sRGB codes do."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


@cache
def _to_linear_table() -> F32:
    code = np.arange(256, dtype=np.float64) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def to_linear(srgb: U8) -> F32:
    """sRGB codes 0..255 → linear light 0..1 (IEC 61966-2-1), same shape."""
    return _to_linear_table().take(srgb)


def to_srgb(linear: NDArray[np.floating[Any]]) -> U8:
    """Linear light (clipped to 0..1) → sRGB codes 0..255; the exact inverse of `to_linear` on its values."""
    light = np.clip(linear, 0.0, 1.0).astype(np.float32)
    code = np.power(light, 1.0 / 2.4)
    code *= 1.055
    code -= 0.055
    np.multiply(light, 12.92, out=code, where=light <= 0.0031308)
    code *= 255.0
    return np.rint(code, out=code).astype(np.uint8)


def resize_rgba(rgba: U8, width: int, height: int) -> U8:
    """Resample straight-alpha uint8 (H, W, 4) to (height, width, 4) in linear light, alpha premultiplied.

    Bicubic with antialiasing. Unchanged size returns an equal copy, so a product that needs no resampling
    keeps every code.
    """
    if rgba.shape[:2] == (height, width):
        return rgba.copy()
    alpha = rgba[..., 3].astype(np.float32) / 255.0
    planes = [_resize_plane(to_linear(rgba[..., channel]) * alpha, width, height) for channel in range(3)]
    new_alpha = np.clip(_resize_plane(alpha, width, height), 0.0, 1.0)
    straight = np.stack(planes, axis=-1) / np.maximum(new_alpha, 1e-4)[..., None]
    codes = np.rint(new_alpha * 255.0).astype(np.uint8)
    colours = to_srgb(straight)
    colours[codes == 0] = 0
    return np.dstack([colours, codes])


def resize_rgb(rgb: U8, width: int, height: int) -> U8:
    """Resample opaque uint8 (H, W, 3) to (height, width, 3) in linear light, bicubic with antialiasing."""
    if rgb.shape[:2] == (height, width):
        return rgb.copy()
    planes = [_resize_plane(to_linear(rgb[..., channel]), width, height) for channel in range(3)]
    return to_srgb(np.stack(planes, axis=-1))


def _resize_plane(plane: F32, width: int, height: int) -> F32:
    picture = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), np.float32)
