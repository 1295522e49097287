"""Opening product photos from strangers, and writing pictures."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

U8 = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

_ORDERS = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
"""OpenCV's own order of channels, from ours, by their number."""
_PNG_OPTIONS = (
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH,
)  # fmt: skip
_PNG_HEADER = 33
"""Bytes of the signature and the IHDR chunk, which is the first."""


class ImageError(ValueError):
    """A picture that cannot be used; the message names the value found and the limit."""


@dataclass(frozen=True)
class Limits:
    """What a product photo may be at most and at least (the catalogue feeds' own limits)."""

    max_bytes: int = 16 * 1024 * 1024
    max_pixels: int = 64_000_000
    min_side: int = 32


@dataclass(frozen=True)
class SourceImage:
    """A decoded photo. rgb: uint8 (H, W, 3); alpha: uint8 (H, W), or None when the photo is opaque."""

    rgb: U8
    alpha: U8 | None
    format: str
    sha256: str

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])


def open_image(source: bytes | Path | str, limits: Limits | None = None) -> SourceImage:
    """Decode bytes or a file to upright sRGB uint8.

    EXIF orientation and an embedded ICC profile are applied; CMYK, palette, grey and 16-bit pictures are
    converted. Raises ImageError when the picture is of another format, damaged, animated, or outside `limits`.
    """
    limits = limits or Limits()
    data = read_bytes(source, limits)
    picture, name = _decode(data, limits)
    rgb, alpha = _arrays(picture)
    return SourceImage(rgb, alpha, name, hashlib.sha256(data).hexdigest())


def from_array(pixels: U8) -> SourceImage:
    """Take uint8 (H, W, 3), (H, W, 4) or (H, W) as it is; the SHA-256 is that of shape and pixels."""
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise ImageError(
            f"an array must be uint8 (H, W), (H, W, 3) or (H, W, 4), not {pixels.dtype} {pixels.shape}"
        )
    _check_size(pixels.shape[1], pixels.shape[0], Limits())
    digest = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
    rgb, alpha = _arrays(Image.fromarray(pixels))
    return SourceImage(rgb, alpha, "array", digest)


def read_bytes(source: bytes | Path | str, limits: Limits | None = None) -> bytes:
    """The encoded picture, its length checked before it is read. Raises ImageError."""
    limits = limits or Limits()
    if isinstance(source, bytes):
        _check_bytes(len(source), limits)
        return source
    path = Path(source)
    try:
        _check_bytes(path.stat().st_size, limits)
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot read the image {path}: {error.strerror or error}") from error


def _check_bytes(size: int, limits: Limits) -> None:
    if size > limits.max_bytes:
        raise ImageError(f"the file has {size:,} bytes; the limit is {limits.max_bytes:,}")
    if size == 0:
        raise ImageError("the file is empty (0 bytes)")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise ImageError(
            f"the image is {width}×{height} = {width * height:,} pixels; the limit is {limits.max_pixels:,}"
        )
    if min(width, height) < limits.min_side:
        raise ImageError(
            f"the image is {width}×{height}; the shorter side must have at least {limits.min_side} pixels"
        )


def _decode(data: bytes, limits: Limits) -> tuple[Image.Image, str]:
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(picture.width, picture.height, limits)
        name = picture.format or "?"
        if getattr(picture, "is_animated", False) and name != "MPO":
            raise ImageError(f"the {name} has {getattr(picture, 'n_frames', 2)} frames; the limit is 1")
        picture.load()
        return _to_srgb(ImageOps.exif_transpose(picture)), name
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"not an image of a known format; accepted are {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"too many pixels; the limit is {limits.max_pixels:,} ({error})") from error
    # Pillow's decoders raise a wide family of errors on damaged input (SyntaxError and struct.error among them).
    except Exception as error:
        raise ImageError(f"the image is damaged or cut short: {error}") from error


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # an unusable profile is no reason to refuse a usable picture
    return converted if converted is not None else picture


def _arrays(picture: Image.Image) -> tuple[U8, U8 | None]:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        grey = _to_eight_bits(picture)
        return np.repeat(grey[..., None], 3, axis=2), None
    if picture.mode in ("LA", "La", "RGBa", "PA", "RGBA") or "transparency" in picture.info:
        rgba = np.asarray(picture.convert("RGBA"), np.uint8)
        alpha = np.ascontiguousarray(rgba[..., 3])
        return np.ascontiguousarray(rgba[..., :3]), None if bool((alpha == 255).all()) else alpha
    return np.array(picture.convert("RGB"), np.uint8), None


def _to_eight_bits(picture: Image.Image) -> U8:
    values = np.asarray(picture, np.float32)
    float_top = 1.0 if float(np.nanmax(values)) <= 1.0 else 255.0
    top = float_top if picture.mode == "F" else 65535.0
    scaled = np.nan_to_num(values) * (255.0 / top)
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def encode_png(pixels: U8, xmp: bytes = b"") -> bytes:
    """PNG of uint8 (H, W), (H, W, 3) or (H, W, 4); lossless. xmp: a packet to be written into it.

    Filtered rows of photos hold runs and hardly any repeats, so looking for runs alone is quicker and no larger.
    """
    order = _ORDERS.get(pixels.shape[2] if pixels.ndim == 3 else 1)
    ordered = np.ascontiguousarray(pixels) if order is None else cv2.cvtColor(pixels, order)
    done, encoded = cv2.imencode(".png", ordered, _PNG_OPTIONS)
    if not done:
        raise ValueError(f"{pixels.dtype} {pixels.shape} cannot be written as PNG")
    data = encoded.tobytes()
    return data[:_PNG_HEADER] + _xmp_chunk(xmp) + data[_PNG_HEADER:] if xmp else data


def decode_png(data: bytes) -> U8:
    """The pixels that `encode_png` was given; for files of our own only. Raises ValueError when it is no picture."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f"{len(data)} bytes are not a whole PNG")
    order = _ORDERS.get(pixels.shape[2] if pixels.ndim == 3 else 1)
    return np.asarray(pixels if order is None else cv2.cvtColor(pixels, order), np.uint8)


def _xmp_chunk(xmp: bytes) -> bytes:
    """An uncompressed iTXt chunk (PNG, third edition, 11.3.3.4) under the keyword that XMP has in PNG."""
    body = b"iTXtXML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + xmp
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def encode_jpeg(pixels: U8, quality: int = 90, xmp: bytes = b"") -> bytes:
    """JPEG (4:4:4, progressive) of uint8 (H, W, 3). xmp: a packet to be written into it."""
    return _encode(pixels, "JPEG", quality=quality, subsampling=0, progressive=True, optimize=True, xmp=xmp)


def encode_webp(pixels: U8, quality: int = 88, xmp: bytes = b"") -> bytes:
    """WebP of uint8 (H, W, 3) or (H, W, 4). xmp: a packet to be written into it."""
    return _encode(pixels, "WEBP", quality=quality, method=4, xmp=xmp)


def _encode(pixels: U8, name: str, **options: int | bool | bytes) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, name, **options)
    return stream.getvalue()
