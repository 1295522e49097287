"""The formats known, what a person may say of a feed, and what an opened one is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .columns import fingerprint
from .model import FeedError, RawRecord, RowIssue, shorten
from .values import GOOGLE_LENGTHS

FORMATS: Final = {
    "google": "Google Merchant Center (TSV, CSV, RSS or Atom)",
    "meta": "Meta / Facebook (CSV, TSV, RSS or Atom)",
    "shopify": "Shopify product CSV",
}
"""The formats that a person may choose, with their names; without a choice the header decides."""

LABELS: Final = {
    "google": "Google Merchant Center",
    "meta": "Meta catalogue",
    "shopify": "Shopify product CSV",
    "mapped": "Columns named by hand",
}
"""What a feed was found to be, by the first part of its format."""


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What a feed does not say of itself.

    ``format`` is one of FORMATS or "" (find out). ``columns`` maps normalised headers to fields, for files of no known
    format. ``currency`` (ISO 4217) is that of prices which name none. ``link_template`` is the address of a product's
    page with ``{id}`` in it, for files that give none. ``salt`` goes into every record's digest.
    """

    format: str = ""
    columns: Mapping[str, str] | None = None
    currency: str = ""
    link_template: str = ""
    salt: bytes = b""


@dataclass(slots=True)
class RawFeed:
    """An opened feed before its values are checked.

    ``names`` are all headers, ``columns`` the fields that the feed manages, ``ignored`` the headers nobody reads;
    ``headers`` says how the file calls a field where that is not the field's name. ``total`` counts the records where
    that is known without reading on, and ``count`` does so where that is quicker than reading them (None: it is not).
    ``text`` keeps a text wrapper alive that must not close the caller's stream.
    """

    format: str
    details: str
    names: Sequence[str]
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    records: Iterator[RawRecord]
    issues: tuple[RowIssue, ...] = ()
    lengths: Mapping[str, int] = field(default_factory=lambda: GOOGLE_LENGTHS)
    most_images: int = 10
    is_snapshot: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None
    count: Callable[[], int | None] = lambda: None
    text: io.TextIOWrapper | None = None

    def detach(self) -> None:
        if self.text is not None:
            self.text.detach()
            self.text = None


class UnknownColumnsError(FeedError):
    """The file is a table, and which column is what must be said by a person.

    ``names`` are its headers, ``samples`` the first rows, ``fingerprint`` identifies a header of these names.
    """

    def __init__(self, names: list[str], samples: list[list[str]], how: str) -> None:
        super().__init__(
            f"The first line has no column named id. As {how} text it says: {shorten(', '.join(names))!r}."
        )
        self.names, self.samples, self.fingerprint = names, samples, fingerprint(names)


class MissingOptionError(FeedError):
    """The format is known, and something that such files never say must be said by a person: ``options`` names it."""

    def __init__(self, options: Sequence[str], message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.options, self.fingerprint = tuple(options), fingerprint(names)
