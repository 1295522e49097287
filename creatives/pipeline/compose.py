"""Step 5: the placed product over the painting, at the exact size, in linear light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .buckets import Size
from .colour import resize_rgba, to_linear, to_srgb
from .layout import Box, crop_for
from .light import SHADOW_STRENGTH
from .measures import window_around
from .shading import contact_shadow, harmonised

U8 = NDArray[np.uint8]

NEARLY = 0.8
"""From this scale on a painting is resampled in sRGB codes, where the filter's overshoot beside dark edges stays unseen;
below it is reduced, which is light being mixed: in linear light.
"""

UNSEEN = 0.004
"""Depth of a shadow below which it changes nothing."""


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


def crop_painting(generated: U8, size: Size, hold: str = "") -> U8:
    """The painting's crop, resampled (Lanczos) to exactly `size`: uint8 (height, width, 3).

    hold: the sides of the painting that the crop keeps; without any it is centred.
    """
    bucket = Size(generated.shape[1], generated.shape[0])
    if bucket == size:
        return generated.copy()
    crop = crop_for(bucket, size, hold)
    right, lower = crop.x + size.width / crop.scale, crop.y + size.height / crop.scale
    window = max(0.0, crop.x), max(0.0, crop.y), min(right, bucket.width), min(lower, bucket.height)
    if crop.scale >= NEARLY:
        return np.array(Image.fromarray(generated).resize(size, Image.Resampling.LANCZOS, window))
    planes = (Image.fromarray(plane) for plane in cv2.split(to_linear(generated)))
    reduced = (plane.resize(size, Image.Resampling.LANCZOS, window) for plane in planes)
    return to_srgb(np.dstack([np.asarray(plane, np.float32) for plane in reduced]))


def compose(placed: U8, background: U8, *, shadow: float = SHADOW_STRENGTH, harmony: float = 0.0) -> U8:
    """uint8 (H, W, 3): `placed` (H, W, 4) over `background` (H, W, 3).

    Where placed alpha is 255 the result equals placed byte for byte; where it is partial, the two are mixed in
    linear light. `shadow` (0..1) darkens the background where the product touches the ground; `harmony` (0..1) moves the
    background's cast towards the product's (see `harmonised`).
    """
    if placed.shape[:2] != background.shape[:2]:
        raise ValueError(
            f"placed is {placed.shape[:2]} and the background {background.shape[:2]}; they must be equal"
        )
    result = harmonised(background, placed, harmony) if harmony > 0 else background.copy()
    if shadow > 0 and (thrown := contact_shadow(placed[..., 3])) is not None:
        window, depth = thrown
        ground, seen = result[window], depth > UNSEEN
        ground[seen] = to_srgb(to_linear(ground[seen]) * (1.0 - shadow * depth[seen])[..., None])
    covered = window_around(placed[..., 3] > 0, 0)
    _lay_over(result[covered], placed[covered])
    return result


def _lay_over(ground: U8, placed: U8) -> None:
    """Write `placed` (H, W, 4) into `ground` (H, W, 3); only what is partly covered needs to be mixed."""
    alpha = placed[..., 3]
    partly = (alpha > 0) & (alpha < 255)
    share = alpha[partly].astype(np.float32)[:, None] / 255.0
    mixed = to_srgb(to_linear(placed[partly][:, :3]) * share + to_linear(ground[partly]) * (1.0 - share))
    np.copyto(ground, placed[..., :3], where=(alpha == 255)[..., None])
    ground[partly] = mixed
