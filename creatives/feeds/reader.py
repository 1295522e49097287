"""Opening a feed of any known format and reading it row by row, whatever its size."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Container, Iterator, KeysView
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, BinaryIO, Final, cast

from .formats import RawFeed, open_raw
from .model import ABSENT, FeedError, FeedRow, RawRecord, Record, RowIssue, Severity, shorten
from .values import Checked, Checker, Refused, check_blank, check_text, checkers

SPOOL_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """``max_bytes`` of text and ``max_records`` of one feed."""

    max_bytes: int = 512 << 20
    max_records: int = 500_000


class Feed:
    """An opened feed: iterate once over its Records, in the order of the file.

    Attributes are ``format``, ``details`` ("comma-separated, utf-8"), ``columns`` (fields the feed
    manages), ``ignored`` (headers nobody reads), ``issues`` (about the file, warnings only) and, after
    the last record, ``complete``: ``False`` when any record could not be read, so that what seems missing
    may only be unreadable.
    """

    def __init__(
        self, raw: RawFeed, stream: BinaryIO, size: int, limits: ReadLimits, members: Container[str] | None
    ) -> None:
        self.format, self.details = raw.format, raw.details
        self.columns, self.ignored, self.issues = raw.columns, raw.ignored, raw.issues
        self.complete = False
        self.size = size
        self._raw, self._stream, self._limits = raw, stream, limits
        self._checkers = checkers(members)
        self._first_line: dict[str, int] = {}

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the stream without closing it: it is the caller's."""
        self._raw.detach()

    @property
    def ids(self) -> KeysView[str]:
        """The ids met so far, those of refused rows included."""
        return self._first_line.keys()

    @property
    def bytes_read(self) -> int:
        """How far into ``size`` bytes reading has come, a buffer ahead of the record last given."""
        return min(self._stream.tell(), self.size)

    def count(self) -> int:
        """How many records there are, their values unchecked; instead of iterating. Raises FeedError as that does."""
        return sum(1 for _ in self._numbered())

    def __iter__(self) -> Iterator[Record]:
        unreadable = False
        for number, raw in self._numbered():
            unreadable = unreadable or bool(raw.issues) or not any(cell.strip() for cell in raw.cells["id"])
            yield self._read(number, raw)
        self.complete = not unreadable

    def _numbered(self) -> Iterator[tuple[int, RawRecord]]:
        number = 0
        for number, raw in enumerate(self._raw.records, start=1):
            if number > self._limits.max_records:
                raise FeedError(f"A feed has at most {self._limits.max_records} products; split the file.")
            yield number, raw
        if not number:
            raise FeedError("The file has a header and no products.")

    def _read(self, number: int, raw: RawRecord) -> Record:
        if raw.issues:
            return Record(number, raw.line, None, raw.issues)
        record_id = " ".join(raw.cells["id"]).strip()
        values: dict[str, Checked] = {}
        issues: list[RowIssue] = []
        for field, cells in raw.cells.items():
            text = ",".join(stripped for cell in cells if (stripped := cell.strip()))
            try:
                values[field] = self._check(field, text)
            except Refused as refused:
                values[field] = ABSENT
                at_fault = text if refused.value is None else refused.value
                issues.append(self._issue(raw.line, record_id, field, at_fault, refused))
        if (repeated := self._repeated(raw.line, record_id)) is not None:
            issues.append(repeated)
        refused_row = any(issue.severity is Severity.ERROR for issue in issues)
        row = None if refused_row else FeedRow(line=raw.line, **cast("dict[str, Any]", values))
        return Record(number, raw.line, row, tuple(issues))

    def _check(self, field: str, text: str) -> Checked:
        if not text:
            return check_blank(field)
        checker: Checker | None = self._checkers.get(field)
        return checker(text) if checker else check_text(field, text)

    def _repeated(self, line: int, record_id: str) -> RowIssue | None:
        if not record_id or (first := self._first_line.setdefault(record_id, line)) == line:
            return None
        return RowIssue(
            line,
            shorten(record_id, 50),
            "id",
            shorten(record_id),
            f"An id appears once; line {first} has it already.",
            "Remove one of the two rows or give it an id of its own.",
        )

    @staticmethod
    def _issue(line: int, record_id: str, field: str, value: str, refused: Refused) -> RowIssue:
        return RowIssue(
            line, shorten(record_id, 50), field, shorten(value), refused.rule, refused.fix, refused.severity
        )


def open_feed(
    stream: BinaryIO, limits: ReadLimits | None = None, members: Container[str] | None = None
) -> Feed:
    """Open a feed of any known format.

    ``stream`` gives bytes; one that cannot seek is copied to a temporary file first. ``members`` are the
    names by which pictures may be meant besides web addresses (the files of a ZIP). Raises FeedError when
    the file as a whole is not a feed; iterating raises it when a limit is passed on the way.
    """
    limits = limits or ReadLimits()
    if not stream.seekable():
        stream = _spooled(stream, limits.max_bytes)
    size = stream.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        raise _too_large(limits.max_bytes)
    return Feed(open_raw(stream), stream, size, limits, members)


def _spooled(stream: BinaryIO, max_bytes: int) -> BinaryIO:
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - lives as long as the feed
    shutil.copyfileobj(_Capped(stream, max_bytes), spool)
    return cast("BinaryIO", spool)


class _Capped:
    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream, self._left, self._max = stream, max_bytes, max_bytes

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise _too_large(self._max)
        return chunk


def _too_large(max_bytes: int) -> FeedError:
    return FeedError(f"A feed has at most {max_bytes >> 20} MB of text; split the file.")
