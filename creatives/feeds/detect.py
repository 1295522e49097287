"""Which format a file is of. To add one: a module with ``matches`` or a header of its own, and a line here."""

from __future__ import annotations

from typing import BinaryIO, Final

from . import markup, plain, shopify
from .columns import DIALECTS, MAPPED, META, dialect_of
from .formats import FeedOptions, RawFeed, UnknownColumnsError
from .model import FeedError
from .table import Table, open_table

HEAD_BYTES: Final = 4096
SAMPLES: Final = 3
NO_TABLE: Final = (
    "This is no feed: neither XML nor a table with a line of column names. Send tab- or comma-separated text, RSS, Atom, "
    "or a ZIP that holds one of them."
)


def open_raw(stream: BinaryIO, options: FeedOptions) -> RawFeed:
    """Open a seekable ``stream`` of any known format. Raises FeedError."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise FeedError("The file is empty: a feed starts with a line of column names.")
    stream.seek(0)
    if markup.matches(head):
        return markup.open_feed(stream, options)
    table = open_table(stream, _is_known)
    try:
        return _of_table(table, options)
    except FeedError:
        table.text.detach()
        raise


def _is_known(header: str) -> bool:
    return META.field_of(header) is not None or shopify.is_column(header)


def _of_table(table: Table, options: FeedOptions) -> RawFeed:
    if options.columns:
        return plain.open_mapped(table, MAPPED, options.columns)
    if options.format == "shopify" or (not options.format and shopify.matches(table.names)):
        return shopify.open_feed(table, options)
    dialect = dialect_of(table.names)
    if dialect is None:
        if len(table.names) < 2 or not all(name.isprintable() for name in table.names):
            raise FeedError(NO_TABLE)
        samples = [row.cells for row, _ in zip(table.rows(), range(SAMPLES), strict=False) if row.cells]
        raise UnknownColumnsError(table.names, samples, table.details.partition(",")[0])
    return plain.open_feed(table, DIALECTS.get(options.format, dialect))
