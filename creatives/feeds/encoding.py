"""Which encoding a feed is written in: decided on the whole file, before the first row is read."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import BinaryIO, Final

from .model import FeedError

CHUNK: Final = 1 << 20
BOMS: Final = (  # UTF-32 first: its little-endian mark starts with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """``codec`` for open(); ``bad_line`` is the first line that is not UTF-8 where a fallback was taken."""

    codec: str
    bad_line: int | None = None


def detect_encoding(stream: BinaryIO) -> Encoding:
    """The encoding of a seekable ``stream``, which is left at its start.

    A byte-order mark decides; UTF-16 without one is told by its zero bytes; UTF-8 is taken if the whole
    file is valid; else Windows-1252 (what "Latin-1" files are in practice), and Latin-1 if even that does
    not fit. Raises FeedError when a marked file does not keep to its own mark.
    """
    stream.seek(0)
    head = stream.read(4096)
    codec = next((name for bom, name in BOMS if head.startswith(bom)), None) or _unmarked_utf16(head)
    if codec is not None:
        if (line := _first_bad_line(stream, codec)) is not None:
            raise FeedError(
                f"The file says it is {codec.upper()} but is not, from line {line} on. Save it as UTF-8."
            )
        return Encoding(codec)
    bad_line = _first_bad_line(stream, "utf-8")
    if bad_line is None:
        return Encoding("utf-8")
    fallback = "cp1252" if _first_bad_line(stream, "cp1252") is None else "latin-1"
    return Encoding(fallback, bad_line)


def _unmarked_utf16(head: bytes) -> str | None:
    """Headers are ASCII, so in UTF-16 every other byte of the first ones is zero."""
    sample = head[:64]
    if len(sample) < 4:
        return None
    if not any(sample[0::2]) and all(sample[1::2]):
        return "utf-16-be"
    if not any(sample[1::2]) and all(sample[0::2]):
        return "utf-16-le"
    return None


def _first_bad_line(stream: BinaryIO, codec: str) -> int | None:
    """The line of the first byte that ``codec`` cannot decode, counted from 1; ``None`` when all can."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(codec)()
    line = 1
    try:
        while chunk := stream.read(CHUNK):
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].count(b"\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return line
        return None
    finally:
        stream.seek(0)
