"""A delimited text with its header found: names of the columns, and rows that fit them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from .delimited import (
    DELIMITER_NAMES,
    MAX_RECORD_CHARS,
    MAX_RECORD_LINES,
    best_delimiter,
    read_records,
    split,
)
from .encoding import Encoding, detect_encoding
from .model import FeedError, RowIssue, Severity, shorten

MAX_HEADER_CHARS: Final = 20_000
MAX_BROKEN_RECORDS: Final = 1_000
COMMENT: Final = "# "  # Meta's templates explain their columns in a line above the header


class Row(NamedTuple):
    """The cells of a row, or what is wrong with its shape."""

    line: int
    cells: list[str]
    issue: RowIssue | None = None


@dataclass(slots=True)
class Table:
    """An opened delimited text. ``text`` belongs to the caller's stream and must be detached, not closed."""

    names: list[str]
    delimiter: str
    encoding: Encoding
    text: io.TextIOWrapper
    header_line: int

    @property
    def details(self) -> str:
        return f"{DELIMITER_NAMES[self.delimiter]}-separated, {self.encoding.codec}"

    @property
    def issues(self) -> tuple[RowIssue, ...]:
        """What the merchant should know of the encoding."""
        if self.encoding.bad_line is None:
            return ()
        taken = "Windows-1252 (Latin-1)" if self.encoding.codec == "cp1252" else "Latin-1"
        return (
            RowIssue(
                self.encoding.bad_line, "", "", "",
                f"This line is not UTF-8; the whole file was read as {taken}.",
                "Save the file as UTF-8 and check accented letters.",
                Severity.WARNING,
            ),
        )  # fmt: skip

    def rows(self, id_position: int = 0) -> Iterator[Row]:
        """The rows below the header, blank ones left out. Raises FeedError when too many do not fit."""
        width, broken = len(self.names), 0
        self.text.seek(0)
        for line, cells in read_records(self.text, self.delimiter, lambda cells: _fits(cells, width)):
            if line <= self.header_line:
                continue
            if cells is not None:
                if not "".join(cells).strip():
                    continue
                if len(cells) == width:
                    yield Row(line, cells)
                    continue
                if _fits(cells, width):
                    yield Row(line, cells[:width])
                    continue
            broken += 1
            if broken > MAX_BROKEN_RECORDS:
                raise FeedError(
                    f"More than {MAX_BROKEN_RECORDS} rows do not fit the header; reading stopped."
                )
            yield Row(line, [], _shape_issue(line, cells, width, id_position))

    def count(self) -> int | None:
        """How many rows there are, at the speed of the csv module; None where only reading them one by one can tell."""
        self.text.seek(0)
        reader = csv.reader(self.text, delimiter=self.delimiter, strict=True)
        width, found, before = len(self.names), 0, 0
        try:
            for cells in reader:
                line, before = before, reader.line_num
                if line < self.header_line or not cells:
                    continue
                if len(cells) != width or (before > line + 1 and _is_long(cells, before - line)):
                    return None
                if cells[0].strip() or "".join(cells).strip():
                    found += 1
        except csv.Error:
            return None
        return found


def _is_long(cells: list[str], lines: int) -> bool:
    """Whether a record of several lines may be a quotation mark that is never closed."""
    return lines > MAX_RECORD_LINES // 2 or sum(map(len, cells)) > MAX_RECORD_CHARS // 2


def open_table(stream: BinaryIO, known: Callable[[str], bool]) -> Table:
    """Find encoding, header and delimiter of a seekable ``stream``; ``known`` says which headers mean something."""
    encoding = detect_encoding(stream)
    text = io.TextIOWrapper(stream, encoding=encoding.codec, newline="", write_through=True)
    try:
        line, number = _header_line(text)
    except FeedError:
        text.detach()
        raise
    delimiter = best_delimiter(line, lambda cells: _score(cells, known))
    names = [cell.strip().strip("\ufeff") for cell in split(line, delimiter)]
    return Table(names, delimiter, encoding, text, number)


def _score(cells: Sequence[str], known: Callable[[str], bool]) -> tuple[int, int]:
    return sum(map(known, cells)), len(cells)


def _header_line(text: io.TextIOWrapper) -> tuple[str, int]:
    """The first line that is neither blank nor a comment, and its number."""
    for number in range(1, 101):
        line = text.readline(MAX_HEADER_CHARS + 1)
        if len(line) > MAX_HEADER_CHARS:
            raise FeedError(
                f"The first line has more than {MAX_HEADER_CHARS} characters: this is not a feed's header."
            )
        bare = line.strip(" \t\r\n\ufeff")
        if bare and not bare.lstrip('"').startswith(COMMENT):
            return line.rstrip("\r\n"), number
        if not line:
            break
    raise FeedError("The file is empty: a feed starts with a line of column names.")


def _fits(cells: list[str], width: int) -> bool:
    """As many cells as the header has; blank ones beyond it do no harm."""
    return len(cells) == width or (len(cells) > width and not any(cell.strip() for cell in cells[width:]))


def _shape_issue(line: int, cells: list[str] | None, width: int, id_position: int) -> RowIssue:
    if cells is None:
        return RowIssue(
            line, "", "", "",
            "A quotation mark is opened and not closed, or text follows a closed one.",
            "Put the whole cell in quotation marks and double the ones inside it.",
        )  # fmt: skip
    record_id = shorten(cells[id_position].strip(), 50) if len(cells) > id_position else ""
    return RowIssue(
        line, record_id, "", f"{len(cells)} cells",
        f"Every row has as many cells as the header: {width}.",
        "Look for a missing or an extra delimiter, or a line break outside quotation marks.",
    )  # fmt: skip
