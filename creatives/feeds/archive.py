"""A ZIP that holds a feed and its pictures. Nothing is ever unpacked to a path taken from the archive."""

from __future__ import annotations

import posixpath
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import IO, BinaryIO, Final
from urllib.parse import unquote

from .model import FeedError, shorten

MANIFEST_EXTENSIONS: Final = frozenset({"tsv", "csv", "txt"})
IMAGE_EXTENSIONS: Final = frozenset(["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"])
MANIFEST_NAMES: Final = ("manifest", "feed", "products", "catalog", "catalogue")
LOCAL_HEADER_BYTES: Final = 30
DIRECTORY_BYTES_PER_ENTRY: Final = 1024
DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bytes are uncompressed. ``max_ratio`` holds from ``ratio_from_bytes`` up."""

    max_entries: int = 20_000
    max_total_bytes: int = 2 << 30
    max_image_bytes: int = 16 << 20
    max_manifest_bytes: int = 512 << 20
    max_ratio: int = 200
    ratio_from_bytes: int = 1 << 20


def is_zip(stream: BinaryIO) -> bool:
    """Whether a seekable ``stream`` starts like a ZIP; it is left at its start."""
    stream.seek(0)
    head = stream.read(4)
    stream.seek(0)
    return head in (b"PK\x03\x04", b"PK\x05\x06")


class FeedArchive:
    """``manifest`` is the name of the feed inside; ``ignored`` are the files neither feed nor picture.

    ``name in archive`` and ``read_image(name)`` take names as the feed writes them: relative to the feed
    or to the top of the ZIP, in any case, percent-encoded or not. Raises FeedError for an archive that is
    not to be trusted; all checks are done before the first byte is unpacked.
    """

    def __init__(self, stream: BinaryIO, limits: ArchiveLimits | None = None) -> None:
        self._limits = limits or ArchiveLimits()
        _check_directory(stream, self._limits)
        try:
            self._zip = zipfile.ZipFile(stream)
        except DAMAGE as error:
            raise FeedError("The ZIP is damaged or not complete; create and send it again.") from error
        infos = self._zip.infolist()
        _check_sizes(infos, self._limits)
        files: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = _safe_name(info)
            if info.is_dir() or _is_litter(name):
                continue
            if name in files:
                raise FeedError(f"The ZIP holds {name!r} twice.")
            files[name] = info
        self.manifest = _find_manifest(files)
        self._files = files
        self._images = {name.lower(): name for name in files if _extension(name) in IMAGE_EXTENSIONS}
        self.ignored = sorted(set(files) - set(self._images.values()) - {self.manifest})

    def __enter__(self) -> FeedArchive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self._zip.close()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find_image(name) is not None

    def find_image(self, name: str) -> str | None:
        """The picture that ``name`` means in the feed, as the ZIP spells it."""
        folder = posixpath.dirname(self.manifest)
        for spelling in (name, unquote(name)):
            for base in (folder, ""):
                path = posixpath.normpath(posixpath.join(base, spelling.replace("\\", "/"))).lower()
                if path in self._images:
                    return self._images[path]
        return None

    def open_manifest(self) -> IO[bytes]:
        """The feed's bytes, not seekable backwards without cost: open_feed copies it to a temporary file."""
        return self._zip.open(self._files[self.manifest])

    def read_image(self, name: str) -> bytes:
        """The bytes of the picture ``name`` means. Raises KeyError without one, FeedError if damaged."""
        found = self.find_image(name)
        if found is None:
            raise KeyError(name)
        info = self._files[found]
        if info.file_size > self._limits.max_image_bytes:
            raise FeedError(_too_large(found, info.file_size, self._limits.max_image_bytes))
        try:
            return self._zip.read(info)
        except DAMAGE as error:
            raise FeedError(f"{shorten(found)!r} in the ZIP is damaged.") from error


def _check_directory(stream: BinaryIO, limits: ArchiveLimits) -> None:
    """Refuse a huge table of contents before zipfile reads all of it into memory."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - (1 << 16) - 42))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise FeedError("The ZIP is damaged or not complete; create and send it again.")
    (directory_bytes,) = struct.unpack("<I", tail[at + 12 : at + 16])
    zip64 = tail[max(0, at - 20) : at].startswith(b"PK\x06\x07")
    if zip64 or directory_bytes > limits.max_entries * DIRECTORY_BYTES_PER_ENTRY:
        raise FeedError(f"The ZIP holds too many entries; at most {limits.max_entries} are taken.")


def _check_sizes(infos: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    if len(infos) > limits.max_entries:
        raise FeedError(f"The ZIP holds {len(infos)} entries; at most {limits.max_entries} are taken.")
    total = sum(info.file_size for info in infos)
    if total > limits.max_total_bytes:
        raise FeedError(
            f"The ZIP unpacks to {total >> 20} MB; at most {limits.max_total_bytes >> 20} MB are taken."
        )
    for info in infos:
        ratio = info.file_size / max(info.compress_size, 1)
        if info.file_size >= limits.ratio_from_bytes and ratio > limits.max_ratio:
            raise FeedError(
                f"{shorten(info.filename)!r} in the ZIP is packed {ratio:.0f} : 1; "
                f"at most {limits.max_ratio} : 1 is taken."
            )
        if info.flag_bits & 1:
            raise FeedError(
                f"{shorten(info.filename)!r} in the ZIP is encrypted; send it without a password."
            )
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FeedError(
                f"{shorten(info.filename)!r} in the ZIP is packed in an unusual way; use plain deflate."
            )
    _check_overlap(infos)


def _check_overlap(infos: Iterable[zipfile.ZipInfo]) -> None:
    """Entries that share their bytes multiply: the trick of the densest ZIP bombs."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise FeedError(f"{shorten(info.filename)!r} in the ZIP overlaps another entry.")
        end = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size


def _safe_name(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename.replace("\\", "/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FeedError(f"{shorten(name)!r} in the ZIP is a link or a device; only plain files are taken.")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\x00" in name:
        raise FeedError(f"{shorten(name)!r} in the ZIP is an absolute path; use names relative to the feed.")
    if ".." in name.split("/"):
        raise FeedError(f"{shorten(name)!r} in the ZIP points outside of it ('..').")
    return posixpath.normpath(name)


def _is_litter(name: str) -> bool:
    """What file managers leave behind in archives."""
    parts = name.split("/")
    return (
        parts[0] == "__MACOSX"
        or parts[-1].startswith(".")
        or parts[-1].lower() in ("thumbs.db", "desktop.ini")
    )


def _extension(name: str) -> str:
    base = posixpath.basename(name)
    return base.rpartition(".")[2].lower() if "." in base else ""


def _find_manifest(files: Iterable[str]) -> str:
    """The feed: the one that is named like one, else the only one at the shallowest level."""
    feeds = sorted(
        (name for name in files if _extension(name) in MANIFEST_EXTENSIONS), key=lambda n: n.count("/")
    )
    if not feeds:
        raise FeedError("The ZIP holds no feed: add a .tsv or .csv file that lists the products.")
    top = [name for name in feeds if name.count("/") == feeds[0].count("/")]
    named = [name for name in top if posixpath.basename(name).rpartition(".")[0].lower() in MANIFEST_NAMES]
    chosen = named or top
    if len(chosen) > 1:
        raise FeedError(f"The ZIP holds {len(chosen)} feeds ({shorten(', '.join(chosen))}); keep one.")
    return chosen[0]


def _too_large(name: str, size: int, limit: int) -> str:
    return (
        f"{shorten(name)!r} in the ZIP has {size / (1 << 20):.1f} MB; a picture has at most {limit >> 20} MB."
    )
