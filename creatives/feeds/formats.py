"""The formats known. To add one: a module with ``matches`` and ``open_feed``, and its name in MODULES."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import BinaryIO, Final, Protocol, cast

from .model import FeedError, RawRecord, RowIssue

HEAD_BYTES: Final = 4096
MODULES: Final = ("google",)  # most particular first: the first that matches reads the file


@dataclass(slots=True)
class RawFeed:
    """An opened feed before its values are checked.

    ``columns`` are the fields the feed manages, ``ignored`` the headers of the columns nobody reads.
    ``text`` keeps a text wrapper alive that must not close the caller's stream.
    """

    format: str
    details: str
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    records: Iterator[RawRecord]
    issues: tuple[RowIssue, ...] = ()
    text: io.TextIOWrapper | None = None

    def detach(self) -> None:
        if self.text is not None:
            self.text.detach()
            self.text = None


class FormatModule(Protocol):
    def matches(self, head: bytes) -> bool: ...

    def open_feed(self, stream: BinaryIO) -> RawFeed: ...


def open_raw(stream: BinaryIO) -> RawFeed:
    """Open a seekable ``stream`` with the first format whose ``matches`` says so. Raises FeedError."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise FeedError("The file is empty: a feed starts with a line of column names.")
    stream.seek(0)
    for name in MODULES:
        module = cast("FormatModule", import_module(f"{__package__}.{name}"))
        if module.matches(head):
            return module.open_feed(stream)
    raise FeedError("The format is not known. Send tab- or comma-separated text, or a ZIP that holds one.")
