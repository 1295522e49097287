"""Opening a feed of any known format and reading it row by row, whatever its size."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections.abc import Container, Iterator, KeysView
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, BinaryIO, Final, cast
from urllib.parse import quote

from .columns import fingerprint
from .detect import open_raw
from .formats import LABELS, FeedOptions, RawFeed
from .model import ABSENT, FeedError, FeedRow, RawRecord, RowIssue, Severity, shorten
from .values import Checked, Refused, check_blank, checkers

SPOOL_BYTES: Final = 4 << 20
RULES: Final = b"1"
"""Goes into every digest: raise it when the same text is to be read differently."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """``max_bytes`` of text and ``max_records`` of one feed."""

    max_bytes: int = 512 << 20
    max_records: int = 500_000


class Record:
    """One record, the ``number``-th, which starts on ``line``; its values are checked when first asked for.

    ``row`` is ``None`` exactly when ``issues`` holds an error. ``digest`` (32 hex digits) is the same for the same
    text read in the same way, and "" for a record that cannot be read or repeats an id.
    """

    __slots__ = ("_checked", "_feed", "_raw", "_repeated", "id", "line", "number")

    def __init__(
        self, feed: Feed, number: int, raw: RawRecord, record_id: str, repeated: RowIssue | None
    ) -> None:
        self.number, self.line, self.id = number, raw.line, record_id
        self._feed, self._raw, self._repeated = feed, raw, repeated
        self._checked: tuple[FeedRow | None, tuple[RowIssue, ...]] | None = None

    @property
    def digest(self) -> str:
        if self._raw.issues or self._repeated is not None:
            return ""
        return self._feed.digest_of(self._raw)

    @property
    def row(self) -> FeedRow | None:
        return self._values()[0]

    @property
    def issues(self) -> tuple[RowIssue, ...]:
        return self._values()[1]

    def _values(self) -> tuple[FeedRow | None, tuple[RowIssue, ...]]:
        if self._checked is None:
            self._checked = self._feed.check(self.number, self._raw, self.id, self._repeated)
        return self._checked


class Feed:
    """An opened feed: iterate once over its Records, in the order of the file.

    Attributes are ``format``, ``details`` ("comma-separated, utf-8"), ``fingerprint`` (of the header), ``columns``
    (fields the feed manages), ``ignored`` (headers nobody reads), ``issues`` (about the file, warnings only),
    ``is_snapshot`` (whether feeds of this format list the whole catalogue) and, after the last record, ``complete``:
    ``False`` when any record could not be read, so that what seems missing may only be unreadable.
    """

    def __init__(
        self,
        raw: RawFeed,
        stream: BinaryIO,
        size: int,
        limits: ReadLimits,
        members: Container[str] | None,
        options: FeedOptions,
    ) -> None:
        self.format, self.details, self.is_snapshot = raw.format, raw.details, raw.is_snapshot
        self.fingerprint = fingerprint(raw.names)
        self.columns, self.ignored, self.issues = raw.columns, raw.ignored, raw.issues
        self.complete = False
        self.size = size
        self._raw, self._stream, self._limits = raw, stream, limits
        self._link_template = options.link_template
        self._checkers = checkers(members, raw.lengths, raw.most_images, options.currency)
        self._first_line: dict[str, int] = {}
        how = [raw.format, options.currency, options.link_template, *raw.columns, str(members is not None)]
        self._key = hashlib.sha256(RULES + options.salt + "\n".join(how).encode()).digest()

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

    @property
    def read_as(self) -> str:
        """What the feed was found to be, in words."""
        return f"{LABELS[self.format.partition('-')[0]]}, {self.details}"

    def count(self) -> int:
        """How many records there are, their values unchecked; instead of iterating. Raises FeedError as that does."""
        total = self._raw.count() if self._raw.total is None else self._raw.total
        if total and total <= self._limits.max_records:
            return total
        return sum(1 for _ in self._numbered())

    def __iter__(self) -> Iterator[Record]:
        unreadable = False
        first_line = self._first_line
        for number, raw in self._numbered():
            record_id = raw.cells.get("id", "").strip()
            repeated = None
            if raw.issues or not record_id:
                unreadable = True
            elif (first := first_line.setdefault(record_id, raw.line)) != raw.line:
                repeated = _repeated(raw.line, record_id, first)
            yield Record(self, number, raw, record_id, repeated)
        self.complete = not unreadable

    def _numbered(self) -> Iterator[tuple[int, RawRecord]]:
        number = 0
        for number, raw in enumerate(self._raw.records, start=1):
            if number > self._limits.max_records:
                raise FeedError(f"A feed has at most {self._limits.max_records} products; split the file.")
            yield number, raw
        if not number:
            raise FeedError("The file has a header and no products.")

    def digest_of(self, raw: RawRecord) -> str:
        """What stands for the record's text, and for how it is read."""
        text = "\x1f".join(raw.cells.values())
        if raw.variants:
            text += repr(raw.variants)
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key
        ).hexdigest()

    def check(
        self, number: int, raw: RawRecord, record_id: str, repeated: RowIssue | None
    ) -> tuple[FeedRow | None, tuple[RowIssue, ...]]:
        """The row of a record, unless an issue is an error, and its issues."""
        if raw.issues:
            return None, tuple(_numbered(issue, number) for issue in raw.issues)
        values: dict[str, Any] = {}
        issues: list[RowIssue] = []
        checks = self._checkers
        for field, padded in raw.cells.items():
            text = padded.strip()
            try:
                values[field] = checks[field](text) if text else self._blank(field, record_id)
            except Refused as refused:
                values[field] = ABSENT
                at_fault = text if refused.value is None else refused.value
                issues.append(self._issue(raw.line, number, record_id, field, at_fault, refused))
        if self._link_template and "link" not in values and record_id:
            values["link"] = self._page_of(record_id)
        if raw.variants is not None:
            values["variants"] = raw.variants
        if repeated is not None:
            issues.append(_numbered(repeated, number))
        if issues and any(issue.severity is Severity.ERROR for issue in issues):
            return None, tuple(issues)
        return FeedRow(line=raw.line, **values), tuple(issues)

    def _blank(self, field: str, record_id: str) -> Checked:
        if field == "link" and self._link_template:
            return self._page_of(record_id)
        return check_blank(field)

    def _page_of(self, record_id: str) -> str:
        return self._link_template.replace("{id}", quote(record_id, safe=""))

    def _issue(
        self, line: int, number: int, record_id: str, field: str, value: str, refused: Refused
    ) -> RowIssue:
        column = self._raw.headers.get(field, field)
        return RowIssue(
            line,
            shorten(record_id, 50),
            column,
            shorten(value),
            refused.rule,
            refused.fix,
            refused.severity,
            number,
        )


def _numbered(issue: RowIssue, number: int) -> RowIssue:
    return RowIssue(
        issue.line, issue.record_id, issue.column, issue.value, issue.rule, issue.fix, issue.severity, number
    )


def _repeated(line: int, record_id: str, first: int) -> RowIssue:
    return RowIssue(
        line, shorten(record_id, 50), "id", shorten(record_id),
        f"An id appears once; line {first} has it already.",
        "Remove one of the two rows or give it an id of its own.",
    )  # fmt: skip


def open_feed(
    stream: BinaryIO,
    limits: ReadLimits | None = None,
    members: Container[str] | None = None,
    options: FeedOptions | None = None,
) -> Feed:
    """Open a feed of any known format.

    ``stream`` gives bytes; one that cannot seek is copied to a temporary file first. ``members`` are the
    names by which pictures may be meant besides web addresses (the files of a ZIP). Raises FeedError when
    the file as a whole is not a feed; iterating raises it when a limit is passed on the way.
    """
    limits, options = limits or ReadLimits(), options or FeedOptions()
    if not stream.seekable():
        stream = _spooled(stream, limits.max_bytes)
    size = stream.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        raise _too_large(limits.max_bytes)
    return Feed(open_raw(stream, options), stream, size, limits, members, options)


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
