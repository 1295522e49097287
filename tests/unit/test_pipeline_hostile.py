"""Files that are made to hurt: refused in words, soon and in little memory; or read for what they are."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from creatives.pipeline.image_io import ImageError, Limits, encode_jpeg, encode_png, open_image
from creatives.pipeline.provenance import read_provenance


def encoded(picture: Image.Image, name: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, name, **options)
    return stream.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, body: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def hundred_megapixels() -> bytes:
    """A whole, valid picture of 10,000 × 10,000 in a tenth of a megabyte."""
    row = b"\0" * 10_001
    packer = zlib.compressobj(9)
    return png_of(10_000, 10_000, b"".join(packer.compress(row) for _ in range(10_000)) + packer.flush())


def frames(name: str) -> bytes:
    rest = [Image.new("RGB", (64, 64), colour) for colour in ("lime", "navy", "red")]
    return encoded(Image.new("RGB", (64, 64)), name, save_all=True, append_images=rest, duration=40)


SQUARE = Image.linear_gradient("L").resize((96, 96)).convert("RGB")
GRAIN = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8))
REFUSED = {
    "100 MP": (hundred_megapixels(), "10000×10000 = 100,000,000 pixels; the limit is 64,000,000"),
    "a bomb's header": (png_of(65_000, 65_000, zlib.compress(b"")), "the limit is 64,000,000 .*4225000000 pixels"),
    "one pixel": (encoded(Image.new("RGB", (1, 1)), "PNG"), "1×1; the shorter side must have at least 32 pixels"),
    "animated GIF": (frames("GIF"), "the GIF has 4 frames; the limit is 1"),
    "animated WebP": (frames("WEBP"), "the WEBP has 4 frames; the limit is 1"),
    "animated PNG": (frames("PNG"), "the PNG has 4 frames; the limit is 1"),
    "TIFF of several pages": (frames("TIFF"), "the TIFF has 4 frames; the limit is 1"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "not an image of a known"),
    "PDF first, JPEG after": (b"%PDF-1.4\n" + encoded(SQUARE, "JPEG"), "not an image of a known format"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 96\n", "not an image of a known format"),
    "half a JPEG": (encoded(GRAIN, "JPEG")[:3000], "damaged or cut short"),
    "half a PNG": (encoded(GRAIN, "PNG")[:-4000], "damaged or cut short"),
    "half a WebP": (encoded(GRAIN, "WEBP")[:2000], "damaged or cut short|not an image"),
    "half a TIFF": (encoded(GRAIN, "TIFF")[:3000], "damaged or cut short"),
    "text as large as a chunk may be": (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
        + chunk(b"zTXt", b"a\0\0" + zlib.compress(b" " * 80_000_000)),
        "damaged or cut short",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_in_words_soon_and_in_little_memory(name: str) -> None:
    data, message = REFUSED[name]
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(ImageError, match=message):
            open_image(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 2.0
    assert peak < 16 * 2**20


def test_a_file_over_the_limit_of_bytes_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(ImageError, match="16,777,217 bytes; the limit is 16,777,216"):
        open_image(b"\0" * (Limits().max_bytes + 1))


def polyglots() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.js", "alert(1)")
    page = b"<html><script>alert(1)</script></html>"
    return {
        "PNG and ZIP": encoded(SQUARE, "PNG") + archive.getvalue(),
        "JPEG and page": encoded(SQUARE, "JPEG", quality=95) + page,
        "JPEG with a page in its comment": encoded(SQUARE, "JPEG", quality=95, comment=page),
        "GIF and script": encoded(SQUARE, "GIF") + b"*/=1;alert(1)",
        "BMP and page": encoded(SQUARE, "BMP") + page,
    }


@pytest.mark.parametrize("name", polyglots())
def test_a_polyglot_is_a_picture_and_nothing_of_its_other_half_is_written_again(name: str) -> None:
    data = polyglots()[name]
    image = open_image(data)
    assert image.format == name.split()[0]
    assert np.abs(image.rgb.astype(int) - np.asarray(SQUARE)).mean() < 4
    for written in (encode_png(image.rgb), encode_jpeg(image.rgb)):
        assert b"alert" not in written
        assert b"evil.js" not in written


@pytest.mark.parametrize("given", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_name_of_a_file_says_nothing_of_its_format(
    given: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("named") / "photo.bmp"
    path.write_bytes(encoded(SQUARE, given))
    assert open_image(path).format == given


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<x:xmpmeta",
        b"<x:xmpmeta></x:xmpmeta>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>',
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><broken></x:xmpmeta>',
    ],
)
def test_hostile_notes_in_a_picture_read_as_none(packet: bytes) -> None:
    assert read_provenance(encode_png(np.asarray(SQUARE), packet)) is None
