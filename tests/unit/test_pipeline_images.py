"""Opening product photos: what is accepted, how it is converted, and how refusals read."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from creatives.pipeline.image_io import (
    ImageError,
    Limits,
    encode_jpeg,
    encode_png,
    encode_webp,
    from_array,
    open_image,
)


def encoded(picture: Image.Image, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, name, **options)
    return stream.getvalue()


def two_halves(mode: str = "RGB") -> Image.Image:
    """Left red, right blue, 40×32."""
    picture = Image.new("RGB", (40, 32), (255, 0, 0))
    picture.paste((0, 0, 255), (20, 0, 40, 32))
    return picture.convert(mode)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_accepted_format_is_read_to_the_same_picture(name: str) -> None:
    data = encoded(two_halves(), name)
    image = open_image(data)
    assert (image.width, image.height, image.format) == (40, 32, name)
    assert image.rgb.dtype == np.uint8
    assert image.alpha is None
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert np.abs(image.rgb[16, 5].astype(int) - (255, 0, 0)).max() <= 6
    assert np.abs(image.rgb[16, 35].astype(int) - (0, 0, 255)).max() <= 6


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    image = open_image(encoded(two_halves(), "PNG", exif=exif))
    assert image.rgb.shape == (40, 32, 3)
    assert tuple(image.rgb[5, 16]) == (255, 0, 0)
    assert tuple(image.rgb[35, 16]) == (0, 0, 255)


def test_cmyk_becomes_rgb() -> None:
    image = open_image(encoded(two_halves("CMYK"), "JPEG", quality=95))
    assert image.rgb.shape == (32, 40, 3)
    assert image.rgb[16, 5, 0] > 240
    assert image.rgb[16, 5, 2] < 15


def test_sixteen_bit_grey_keeps_its_range() -> None:
    values = np.linspace(0, 65535, 40 * 32).reshape(32, 40).astype(np.uint16)
    image = open_image(encoded(Image.fromarray(values), "PNG"))
    assert image.rgb.shape == (32, 40, 3)
    assert image.rgb[0, 0, 0] == 0
    assert image.rgb[-1, -1, 0] == 255
    assert np.array_equal(image.rgb[..., 0], np.rint(values / 257).astype(np.uint8))


def test_a_palette_with_transparency_gives_alpha() -> None:
    picture = two_halves().quantize(4)
    red = picture.getpixel((0, 0))
    image = open_image(encoded(picture, "PNG", transparency=red))
    assert image.alpha is not None
    assert image.alpha[16, 5] == 0
    assert image.alpha[16, 35] == 255


def test_an_opaque_alpha_channel_is_dropped() -> None:
    assert open_image(encoded(two_halves("RGBA"), "PNG")).alpha is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "accepted are JPEG, PNG, WEBP"),
        (b"%PDF-1.7 not a picture", "not an image of a known format"),
        (encoded(two_halves(), "PNG")[:60], "damaged or cut short"),
        (encoded(two_halves(), "JPEG")[:300], "damaged or cut short"),
        (encoded(Image.new("RGB", (200, 1)), "PNG"), "200×1; the shorter side must have at least 32"),
    ],
)
def test_unusable_bytes_are_refused_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        open_image(data)


def test_animations_are_refused_with_their_frames() -> None:
    data = encoded(
        two_halves(),
        "GIF",
        save_all=True,
        append_images=[Image.new("RGB", (40, 32), colour) for colour in ("lime", "navy")],
    )
    with pytest.raises(ImageError, match="GIF has 3 frames; the limit is 1"):
        open_image(data)


def test_a_file_over_the_byte_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(b"x" * 101)
    with pytest.raises(ImageError, match="101 bytes; the limit is 100"):
        open_image(path, Limits(max_bytes=100))


@pytest.mark.parametrize(
    ("side", "message"), [(9_000, "81,000,000 pixels; the limit is 64,000,000"), (60_000, "64,000,000")]
)
def test_a_bomb_is_refused_by_its_header(side: int, message: str) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match=message):
        open_image(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot read the image .*nothing\.png"):
        open_image(tmp_path / "nothing.png")


def test_arrays_are_identified_by_shape_and_pixels() -> None:
    one, other = np.zeros((32, 64, 3), np.uint8), np.zeros((64, 32, 3), np.uint8)
    assert from_array(one).sha256 == from_array(one.copy()).sha256
    assert from_array(one).sha256 != from_array(other).sha256
    with pytest.raises(ImageError, match="float64"):
        from_array(np.zeros((32, 32, 3)))


@pytest.mark.parametrize(
    ("shape", "mode"), [((31, 40), "L"), ((31, 40, 3), "RGB"), ((31, 40, 4), "RGBA"), ((1, 1, 3), "RGB")]
)
def test_a_png_holds_every_pixel_whatever_lies_between_them_in_memory(
    shape: tuple[int, ...], mode: str
) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    for view in (pixels, pixels[::-1], pixels[:, ::2]):
        written = Image.open(io.BytesIO(encode_png(view)))
        assert (written.format, written.mode) == ("PNG", mode)
        assert np.array_equal(np.asarray(written), view)


def test_a_png_with_a_packet_is_the_same_picture_and_readers_find_it() -> None:
    pixels, packet = np.asarray(two_halves()), '<x:xmpmeta title="Über"/>'.encode()
    plain, marked = encode_png(pixels), encode_png(pixels, packet)
    read = Image.open(io.BytesIO(marked))
    assert np.array_equal(np.asarray(read), pixels)  # the checksums of all chunks are right
    assert read.info["XML:com.adobe.xmp"] == packet.decode()
    assert len(marked) == len(plain) + 12 + len("XML:com.adobe.xmp") + 5 + len(packet)


def test_encoders_write_what_they_say() -> None:
    pixels = np.asarray(two_halves())
    assert open_image(encode_jpeg(pixels)).format == "JPEG"
    assert open_image(encode_webp(pixels)).format == "WEBP"
