"""Feeds with one record per product: Google's and Meta's delimited ones, and those whose columns a person has named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Final

from .columns import Dialect, fields_of, mapped_fields
from .formats import RawFeed
from .model import RawRecord
from .table import Table

DELIMITED: Final = "delimited"


def open_feed(table: Table, dialect: Dialect) -> RawFeed:
    """A feed whose header is written in ``dialect``. Raises FeedError when two columns mean the same."""
    return _raw(table, dialect, fields_of(table.names, dialect), {})


def open_mapped(table: Table, dialect: Dialect, columns: Mapping[str, str]) -> RawFeed:
    """A feed whose columns mean what ``columns`` says, by normalised header. Raises FeedError without an id."""
    fields = mapped_fields(table.names, columns)
    headers = {field: name for name, field in zip(table.names, fields, strict=True) if field}
    return _raw(table, dialect, fields, headers)


def _raw(table: Table, dialect: Dialect, fields: list[str | None], headers: Mapping[str, str]) -> RawFeed:
    named = zip(table.names, fields, strict=True)
    return RawFeed(
        format=f"{dialect.name}-{DELIMITED}",
        details=table.details,
        names=table.names,
        columns=tuple(dict.fromkeys(field for field in fields if field)),
        ignored=tuple(name for name, field in named if field is None and name),
        records=_records(table, fields),
        issues=table.issues,
        lengths=dialect.lengths,
        most_images=dialect.most_images,
        is_snapshot=dialect.is_snapshot,
        headers=headers,
        count=table.count,
        text=table.text,
    )


def _records(table: Table, fields: list[str | None]) -> Iterator[RawRecord]:
    names = [field for field in fields if field]
    positions = [position for position, field in enumerate(fields) if field]
    pick = itemgetter(*positions) if len(positions) > 1 else lambda cells: (cells[positions[0]],)
    is_repeated = len(set(names)) < len(names)
    for line, cells, issue in table.rows(fields.index("id")):
        if issue is not None:
            yield RawRecord(line, {}, (issue,))
        elif is_repeated:
            yield RawRecord(line, _joined(names, pick(cells)))
        else:
            yield RawRecord(line, dict(zip(names, pick(cells), strict=True)))


def _joined(names: list[str], cells: tuple[str, ...]) -> dict[str, str]:
    """Columns that repeat are one list, separated by commas."""
    found: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=True):
        text = cell.strip()
        found[name] = f"{found[name]},{text}" if text and found.get(name) else text or found.get(name, "")
    return found
