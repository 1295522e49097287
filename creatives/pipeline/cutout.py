"""Step 1 with its result kept: the product cut out of a photo, once per photo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .cache import StageCache, pack, stage_key, unpack
from .image_io import ImageError, SourceImage, from_array, open_image, read_bytes
from .matte import clean_edges
from .segment import SEGMENT_VERSION, segment

U8 = NDArray[np.uint8]

Picture = bytes | Path | str | U8 | Image.Image | SourceImage
"""What a product photo may be given as: an encoded file's bytes or path, pixels, or an opened picture."""


@dataclass(frozen=True)
class Cutout:
    """The product without its photo. alpha: uint8 (H, W) of the photo's size; product: uint8 (h, w, 4), straight
    alpha with clean edge colours, cropped to where alpha > 0; origin: the crop's (x, y) in the photo.
    """

    alpha: U8
    product: U8
    origin: tuple[int, int]
    method: str
    confidence: float
    warnings: tuple[str, ...]
    sha256: str
    key: str


def cut_out(image: Picture, cache: StageCache | None = None) -> Cutout:
    """Segment the photo and clean the product's edges; from the cache when this photo was seen before.

    Raises ImageError for an unusable photo.
    """
    opened, digest = _identified(image)
    key = stage_key("mask", version=SEGMENT_VERSION, image=digest)
    stored = cache.get(key) if cache is not None else None
    if stored is not None:
        return _unpacked(stored, digest, key)
    cutout = _computed(_opened(opened), digest, key)
    if cache is not None:
        cache.put(key, _packed(cutout))
    return cutout


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


def _computed(source: SourceImage, digest: str, key: str) -> Cutout:
    mask = segment(source)
    rows, columns = np.flatnonzero(mask.alpha.any(axis=1)), np.flatnonzero(mask.alpha.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    window = (slice(top, bottom), slice(left, right))
    product = clean_edges(np.ascontiguousarray(source.rgb[window]), np.ascontiguousarray(mask.alpha[window]))
    return Cutout(mask.alpha, product, (left, top), mask.method, mask.confidence, mask.warnings, digest, key)


def _packed(cutout: Cutout) -> bytes:
    meta = {
        "origin": list(cutout.origin), "shape": list(cutout.alpha.shape), "method": cutout.method,
        "confidence": cutout.confidence, "warnings": list(cutout.warnings),
    }  # fmt: skip
    bgra = cv2.cvtColor(cutout.product, cv2.COLOR_RGBA2BGRA)
    encoded = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1]
    return pack(meta, {"product": np.asarray(encoded, np.uint8).ravel()})


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
    return Cutout(alpha, product, (left, top), meta["method"], meta["confidence"], warnings, digest, key)
