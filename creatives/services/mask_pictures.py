"""What the page of a mask shows and paints on: photo and matte at a size that a browser is quick with."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from creatives.models import ImageMask, ProductImage
from creatives.pipeline import SourceImage, encode_jpeg, encode_png, open_image
from creatives.pipeline.compose import on_white
from creatives.pipeline.grabcut import Selection
from creatives.pipeline.segment import mask_in_box
from creatives.services.files import load
from creatives.services.photos import photo_of

U8 = NDArray[np.uint8]
PREVIEW_SIDE = 2000
"""Longest side, in pixels, at which masks are looked at and painted."""

TOUCHED = 8
"""A change of a painted mask by more levels than this is the person's."""


def found_in_box(image: ProductImage, box: Selection) -> bytes:
    """The encoded matte that GrabCut finds in a box of a picture. Raises ImageError when nothing stands out in it."""
    return encode_png(mask_in_box(decoded(image), box).alpha)


def preview_box(image: ProductImage, box: Selection) -> bytes:
    """`found_in_box`, of the size that masks are painted at."""
    return encode_png(_reduced(mask_in_box(decoded(image), box).alpha))


def preview_photo(image: ProductImage) -> bytes:
    """JPEG of the picture as the pipeline sees it, at most PREVIEW_SIDE pixels long; on white where it is transparent."""
    photo = decoded(image)
    pixels = photo.rgb if photo.alpha is None else on_white(np.dstack([photo.rgb, photo.alpha]))
    return encode_jpeg(_reduced(pixels))


def preview_matte(image: ProductImage) -> bytes:
    """PNG of the mask in force, of the preview's size; black before there is any."""
    matte = matte_in_force(image)
    if matte is None:
        photo = decoded(image)
        matte = np.zeros((photo.height, photo.width), np.uint8)
    return encode_png(_reduced(matte))


def decoded(image: ProductImage) -> SourceImage:
    return open_image(photo_of(image.merchant_id, image.sha256))


def matte_in_force(image: ProductImage) -> U8 | None:
    rows = ImageMask.objects.filter(merchant=image.merchant_id, image_sha256=image.sha256)
    row = rows.order_by("-revision").first()
    if row is None or not row.file:
        return None
    return np.ascontiguousarray(open_image(load(str(row.file.name))).rgb[..., 0])


def merged(matte: U8, given: bytes, before: U8 | None) -> U8:
    """`matte` (H, W), and where a mask painted at the preview's size was not touched, the full-size one it started from."""
    if before is None or before.shape != matte.shape or max(matte.shape) <= PREVIEW_SIDE:
        return matte
    painted = open_image(given)
    if max(painted.width, painted.height) != PREVIEW_SIDE:
        return matte
    small = _reduced(before)
    values = painted.alpha if painted.alpha is not None else painted.rgb[..., 0]
    if small.shape != values.shape:
        return matte
    touched = cv2.dilate((cv2.absdiff(small, values) > TOUCHED).astype(np.uint8), np.ones((3, 3), np.uint8))
    touched = cv2.resize(touched, (matte.shape[1], matte.shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.where(touched > 0, matte, before).astype(np.uint8)


def _reduced(pixels: U8) -> U8:
    height, width = pixels.shape[:2]
    factor = PREVIEW_SIDE / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
