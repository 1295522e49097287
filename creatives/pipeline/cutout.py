"""Step 1 with its result kept: the product cut out of a photo, once per photo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .alpha import stain, unstained
from .cache import StageCache, pack, stage_key, unpack
from .image_io import ImageError, SourceImage, encode_png, from_array, open_image, read_bytes
from .matte import clean_edges
from .segment import Mask
from .segmenter import Segmenter

U8 = NDArray[np.uint8]

CUTOUT_VERSION = "2"
"""Part of every cache key of a cut-out; raise it when a change alters the colours of its edges."""

BY_HAND = "by hand"

Picture = bytes | Path | str | U8 | Image.Image | SourceImage
"""What a product photo may be given as: an encoded file's bytes or path, pixels, or an opened picture."""


@dataclass(frozen=True)
class Cutout:
    """The product without its photo. alpha: uint8 (H, W) of the photo's size; product: uint8 (h, w, 4), straight
    alpha with clean edge colours, cropped to where alpha > 0; origin: the crop's (x, y) in the photo; encoded: alpha as a
    PNG, where a cache has it.
    """

    alpha: U8
    product: U8
    origin: tuple[int, int]
    method: str
    confidence: float
    warnings: tuple[str, ...]
    sha256: str
    key: str
    encoded: bytes | None = None

    def png(self) -> bytes:
        """alpha as a PNG."""
        return self.encoded or encode_png(self.alpha)


def cut_out(
    image: Picture,
    cache: StageCache | None = None,
    *,
    segmenter: Segmenter | None = None,
    matte: bytes | None = None,
) -> Cutout:
    """Segment the photo and clean the product's edges; from the cache when this photo was seen before.

    matte: an encoded grey picture of the photo's size, 255 where the product is, that takes the segmenter's place: a mask
    made by hand. Raises ImageError for an unusable photo or matte.
    """
    opened, digest = _identified(image)
    segmenter = segmenter or Segmenter()
    by = segmenter.key if matte is None else f"matte-{hashlib.sha256(matte).hexdigest()}"
    key = stage_key("mask", version=CUTOUT_VERSION, image=digest, by=by)
    stored = cache.get(key) if cache is not None else None
    if stored is not None:
        return _unpacked(stored, digest, key)
    source = _opened(opened)
    mask = segmenter.segment(source) if matte is None else Mask(read_matte(matte, source), BY_HAND, 1.0)
    cutout = _computed(source, mask, digest, key)
    if cache is not None:
        cutout = replace(cutout, encoded=cutout.png())
        cache.put(key, _packed(cutout))
    return cutout


def read_matte(matte: bytes, source: SourceImage) -> U8:
    """uint8 (H, W) of the photo's size from an encoded picture. Raises ImageError when it is empty or of another shape.

    A picture with alpha counts by its alpha, any other by its lightness. One of another size but the photo's proportions
    (to 1 %) is resampled.
    """
    picture = open_image(matte)
    values = picture.alpha if picture.alpha is not None else cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    stretch = (picture.width / picture.height) / (source.width / source.height)
    if abs(stretch - 1.0) > 0.01:
        raise ImageError(
            f"the mask is {picture.width}×{picture.height} and the photo {source.width}×{source.height}; the mask must have"
            " the photo's size, or at least its proportions"
        )
    if (picture.width, picture.height) != (source.width, source.height):
        values = cv2.resize(values, (source.width, source.height), interpolation=cv2.INTER_AREA)
    sized = np.ascontiguousarray(values, np.uint8)
    if int(sized.max()) < 128:
        raise ImageError(f"the mask is empty: its brightest pixel is {int(sized.max())}, and product is 255")
    return sized


def _identified(image: Picture) -> tuple[bytes | SourceImage, str]:
    """The photo with its SHA-256; encoded files are not decoded for that."""
    if isinstance(image, SourceImage):
        return image, image.sha256
    if isinstance(image, bytes | Path | str):
        data = read_bytes(image)
        return data, hashlib.sha256(data).hexdigest()
    pixels = image if isinstance(image, np.ndarray) else np.asarray(image.convert("RGBA"), np.uint8)
    source = from_array(pixels)
    return source, source.sha256


def _opened(image: bytes | SourceImage) -> SourceImage:
    return open_image(image) if isinstance(image, bytes) else image


def _computed(source: SourceImage, mask: Mask, digest: str, key: str) -> Cutout:
    rows, columns = np.flatnonzero(mask.alpha.any(axis=1)), np.flatnonzero(mask.alpha.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    window = (slice(top, bottom), slice(left, right))
    product = _cleaned(source, mask.alpha, window)
    return Cutout(mask.alpha, product, (left, top), mask.method, mask.confidence, mask.warnings, digest, key)


def _cleaned(source: SourceImage, alpha: U8, window: tuple[slice, slice]) -> U8:
    """Straight colours and alpha (h, w, 4) of the window. Colours that came with their own alpha are the product's already,
    unless a careless cut-out left its backdrop in them or a shadow was taken from beneath them.
    """
    rgb, matte = np.ascontiguousarray(source.rgb[window]), np.ascontiguousarray(alpha[window])
    if source.alpha is None:
        return clean_edges(rgb, matte)
    given = np.ascontiguousarray(source.alpha[window])
    backdrop = stain(rgb, given)
    if backdrop is not None:
        rgb = unstained(rgb, given, backdrop)
    return clean_edges(rgb, matte, where=given != matte)


def _packed(cutout: Cutout) -> bytes:
    meta = {
        "origin": list(cutout.origin), "shape": list(cutout.alpha.shape), "method": cutout.method,
        "confidence": cutout.confidence, "warnings": list(cutout.warnings),
    }  # fmt: skip
    bgra = cv2.cvtColor(cutout.product, cv2.COLOR_RGBA2BGRA)
    encoded = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1]
    pictures = {
        "product": np.asarray(encoded, np.uint8).ravel(),
        "alpha": np.frombuffer(cutout.png(), np.uint8),
    }
    return pack(meta, pictures)


def _unpacked(value: bytes, digest: str, key: str) -> Cutout:
    meta, arrays = unpack(value)
    bgra = cv2.imdecode(arrays["product"], cv2.IMREAD_UNCHANGED)
    if bgra is None:
        raise ImageError(f"the cached mask {key} is damaged; remove it from the cache")
    product = np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), np.uint8)
    left, top = meta["origin"]
    alpha = np.zeros(tuple(meta["shape"]), np.uint8)
    alpha[top : top + product.shape[0], left : left + product.shape[1]] = product[..., 3]
    warnings = tuple(meta["warnings"])
    matte = arrays["alpha"].tobytes() if "alpha" in arrays else None  # values of older versions have none
    return Cutout(
        alpha, product, (left, top), meta["method"], meta["confidence"], warnings, digest, key, matte
    )
