"""Google Merchant Center's delimited feeds: a header line of attribute names, one product per record."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from .delimited import DELIMITER_NAMES, best_delimiter, read_records, split
from .encoding import Encoding, detect_encoding
from .formats import RawFeed
from .model import FIELD_NAMES, FeedError, RawRecord, RowIssue, Severity, shorten

NAME: Final = "google-delimited"
ALIASES: Final = {
    "colour": "color",
    "additional_image_links": "additional_image_link",
    "category": "product_type",
}
REPEATABLE: Final = frozenset({"additional_image_link"})
MAX_HEADER_CHARS: Final = 20_000
MAX_BROKEN_RECORDS: Final = 1_000


def column_field(header: str) -> str | None:
    """The field a column header means: case, spaces, hyphens and a ``g:`` prefix do not matter."""
    name = re.sub(r"[\s\-_]+", "_", header.strip().strip("\ufeff").lower().removeprefix("g:")).strip("_")
    name = ALIASES.get(name, name)
    return name if name in FIELD_NAMES else None


def matches(head: bytes) -> bool:
    """Any text that is not markup is taken for a delimited feed; opening it says what is missing."""
    return not head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<")


def open_feed(stream: BinaryIO) -> RawFeed:
    """Read the header of a seekable ``stream``. Raises FeedError when it names no ``id`` column."""
    encoding = detect_encoding(stream)
    text = io.TextIOWrapper(stream, encoding=encoding.codec, newline="", write_through=True)
    header_line, skipped = _header_line(text)
    delimiter = best_delimiter(
        header_line, lambda cells: sum(column_field(cell) is not None for cell in cells)
    )
    columns = [column_field(cell) for cell in split(header_line, delimiter)]
    names = [cell.strip().strip("\ufeff") for cell in split(header_line, delimiter)]
    _check_columns(columns, names, delimiter)
    text.seek(0)
    return RawFeed(
        format=NAME,
        details=f"{DELIMITER_NAMES[delimiter]}-separated, {encoding.codec}",
        columns=tuple(dict.fromkeys(name for name in columns if name)),
        ignored=tuple(name for name, field in zip(names, columns, strict=True) if field is None and name),
        records=_records(text, delimiter, columns, skipped + 1),
        issues=_encoding_issues(encoding),
        text=text,
    )


def _header_line(text: io.TextIOWrapper) -> tuple[str, int]:
    """The first line that is not blank, and how many blank ones came before it."""
    for skipped in range(100):
        line = text.readline(MAX_HEADER_CHARS + 1)
        if len(line) > MAX_HEADER_CHARS:
            raise FeedError(
                f"The first line has more than {MAX_HEADER_CHARS} characters: this is not a feed's header."
            )
        if line.strip(" \t\r\n\ufeff"):
            return line.rstrip("\r\n"), skipped
        if not line:
            break
    raise FeedError("The file is empty: a feed starts with a line of column names.")


def _check_columns(columns: list[str | None], names: list[str], delimiter: str) -> None:
    seen: dict[str, int] = {}
    for position, field in enumerate(columns):
        if field is None or field in REPEATABLE:
            continue
        if field in seen:
            raise FeedError(
                f"Two columns mean {field}: {names[seen[field]]!r} (column {seen[field] + 1}) "
                f"and {names[position]!r} (column {position + 1}). Remove one."
            )
        seen[field] = position
    if "id" not in seen:
        raise FeedError(
            f"The first line has no column named id. As {DELIMITER_NAMES[delimiter]}-separated text it says: "
            f"{shorten(', '.join(names))!r}."
        )


def _records(
    text: io.TextIOWrapper, delimiter: str, columns: list[str | None], header_line: int
) -> Iterator[RawRecord]:
    width, broken = len(columns), 0
    positions = [(position, field) for position, field in enumerate(columns) if field]
    id_position = columns.index("id")
    for record in read_records(text, delimiter, lambda cells: _fits(cells, width)):
        if record.line <= header_line:
            continue
        cells = record.cells
        if cells is not None and not any(cell.strip() for cell in cells):
            continue
        if cells is None or not _fits(cells, width):
            broken += 1
            if broken > MAX_BROKEN_RECORDS:
                raise FeedError(
                    f"More than {MAX_BROKEN_RECORDS} rows do not fit the header; reading stopped."
                )
            yield RawRecord(record.line, {}, (_shape_issue(record.line, cells, width, id_position),))
            continue
        values: dict[str, list[str]] = {}
        for position, field in positions:
            values.setdefault(field, []).append(cells[position])
        yield RawRecord(record.line, values)


def _fits(cells: list[str], width: int) -> bool:
    """As many cells as the header has; blank ones beyond it do no harm."""
    return len(cells) == width or (len(cells) > width and not any(cell.strip() for cell in cells[width:]))


def _shape_issue(line: int, cells: list[str] | None, width: int, id_position: int) -> RowIssue:
    if cells is None:
        return RowIssue(
            line,
            "",
            "",
            "",
            "A quotation mark is opened and not closed, or text follows a closed one.",
            "Put the whole cell in quotation marks and double the ones inside it.",
        )
    record_id = shorten(cells[id_position].strip(), 50) if len(cells) > id_position else ""
    return RowIssue(
        line,
        record_id,
        "",
        f"{len(cells)} cells",
        f"Every row has as many cells as the header: {width}.",
        "Look for a missing or an extra delimiter, or a line break outside quotation marks.",
    )


def _encoding_issues(encoding: Encoding) -> tuple[RowIssue, ...]:
    if encoding.bad_line is None:
        return ()
    taken = "Windows-1252 (Latin-1)" if encoding.codec == "cp1252" else "Latin-1"
    return (
        RowIssue(
            encoding.bad_line,
            "",
            "",
            "",
            f"This line is not UTF-8; the whole file was read as {taken}.",
            "Save the file as UTF-8 and check accented letters.",
            Severity.WARNING,
        ),
    )
