"""Delimited text: which delimiter, and records with the physical line each one starts on."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TextIO

DELIMITERS: Final = ("\t", ",", ";", "|")
DELIMITER_NAMES: Final = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
MAX_RECORD_CHARS: Final = 100_000  # under csv's own field limit, so that ours is the one that speaks
MAX_RECORD_LINES: Final = 1_000


class RunawayRecordError(Exception):
    """A record grew past every limit: a quote that is never closed."""


class DelimitedRecord(NamedTuple):
    """Cells of the record that starts on ``line``; ``cells`` is ``None`` when its quoting is broken."""

    line: int
    cells: list[str] | None


def best_delimiter(header: str, score: Callable[[list[str]], Any]) -> str:
    """The delimiter whose split of the header line scores most; the order of DELIMITERS breaks ties."""
    return max(DELIMITERS, key=lambda delimiter: score(split(header, delimiter)))


def split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def read_records(
    text: TextIO, delimiter: str, fits: Callable[[list[str]], bool]
) -> Iterator[DelimitedRecord]:
    """Records of ``text``, quoted newlines included; ``text`` must be opened with ``newline=""``.

    A quote that is never closed swallows the lines after it. Where that shows (no end in sight, text
    after a closing quote, or several lines that together do not ``fit``), only the line it began on is
    given up, and reading goes on with the next one.
    """
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.begin_record()
        cells: list[str] | None = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, RunawayRecordError):
            lines.give_back_all_but_first()
        if cells is not None and lines.taken > 1 and not fits(cells):
            cells = None
            lines.give_back_all_but_first()
        yield DelimitedRecord(line, cells)


class _Lines:
    """Feeds csv.reader line by line and can take back; an iterator, so that it survives its own error."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._record: list[str] = []
        self._returned: deque[str] = deque()
        self._next_line = 1
        self._chars = 0

    @property
    def taken(self) -> int:
        return len(self._record)

    def begin_record(self) -> int:
        """The physical line on which the next record starts."""
        self._record.clear()
        self._chars = 0
        return self._next_line

    def give_back_all_but_first(self) -> None:
        returned = self._record[1:]
        self._returned.extendleft(reversed(returned))
        self._next_line -= len(returned)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._read_line()
        if not line:
            raise StopIteration
        self._next_line += 1
        self._record.append(line)
        self._chars += len(line)
        if self._chars > MAX_RECORD_CHARS or len(self._record) > MAX_RECORD_LINES:
            raise RunawayRecordError
        return line

    def _read_line(self) -> str:
        line = rest = self._text.readline(MAX_RECORD_CHARS + 1)
        while len(rest) > MAX_RECORD_CHARS and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(
                MAX_RECORD_CHARS + 1
            )  # what is too long is dropped, not kept in memory
        return line
