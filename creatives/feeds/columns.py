"""What the headers of a feed mean, and which format they are those of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .model import FIELD_NAMES, FeedError
from .values import GOOGLE_LENGTHS, META_LENGTHS

COLUMN_FIELDS: Final = tuple(name for name in FIELD_NAMES if name != "variants")
"""The fields that a column can be."""

REPEATABLE: Final = frozenset({"additional_image_link"})

_SPELLINGS: Final = {
    "colour": "color",
    "additional_image_links": "additional_image_link",
    "category": "product_type",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A format with one record per product: how its columns are called and how long its values may be.

    ``aliases`` are names beside the fields' own; a column with an alias gives way to one with the real name. ``marks``
    are names that no other format has. ``is_snapshot`` says that such a feed lists the whole catalogue.
    """

    name: str
    label: str
    aliases: Mapping[str, str]
    lengths: Mapping[str, int]
    is_snapshot: bool = True
    most_images: int = 10
    own_fields: frozenset[str] = frozenset()
    marks: frozenset[str] = field(default_factory=frozenset)

    def field_of(self, header: str) -> str | None:
        """The field that a header means, or None."""
        name = normalised(header)
        name = self.aliases.get(name, name)
        if name.startswith("image[") and name.endswith("].url") and "image[0].url" in self.aliases:
            return "additional_image_link"
        known = name in COLUMN_FIELDS and (name != "status" or "status" in self.own_fields)
        return name if known else None


GOOGLE: Final = Dialect("google", "Google Merchant Center", _SPELLINGS, GOOGLE_LENGTHS)
META: Final = Dialect(
    "meta",
    "Meta (Facebook) catalogue",
    _SPELLINGS
    | {"image[0].url": "image_link", "fb_product_category": "product_type", "visibility": "status"},
    META_LENGTHS,
    most_images=20,
    own_fields=frozenset({"status"}),
    marks=frozenset(
        [
            "fb_product_category",
            "visibility",
            "inventory",
            "quantity_to_sell_on_facebook",
            "applink",
            "rich_text_description",
            "image[0].url",
            "video[0].url",
            "style[0]",
            "origin_country",
            "commerce_tax_category",
            "disabled_capabilities",
        ]
    ),
)
MAPPED: Final = Dialect(
    "mapped",
    "columns named by you",
    {},
    META_LENGTHS,
    is_snapshot=False,
    most_images=20,
    own_fields=frozenset({"status"}),
)
DIALECTS: Final = {dialect.name: dialect for dialect in (GOOGLE, META, MAPPED)}


def normalised(header: str) -> str:
    """Case, spaces, hyphens, underscores and a ``g:`` prefix do not matter."""
    return re.sub(r"[\s\-_]+", "_", header.strip().strip("\ufeff").lower().removeprefix("g:")).strip("_")


def fingerprint(names: Iterable[str]) -> str:
    """32 hex digits that are the same for headers of the same names, in whatever order."""
    text = "\n".join(sorted({normalised(name) for name in names if name.strip()}))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def dialect_of(names: Sequence[str]) -> Dialect | None:
    """The dialect that the headers are written in; None when they name no ``id``."""
    found = {normalised(name) for name in names}
    if "id" not in found:
        return None
    return META if found & META.marks else GOOGLE


def fields_of(names: Sequence[str], dialect: Dialect) -> list[str | None]:
    """The field of each column, None where it has none. Raises FeedError when two columns mean the same."""
    fields = [dialect.field_of(name) for name in names]
    exact = {normalised(name) for name in names}
    seen: dict[str, int] = {}
    for position, name in enumerate(fields):
        if name is None or name in REPEATABLE:
            continue
        if name in exact and normalised(names[position]) != name:
            fields[position] = None
        elif name in seen:
            raise FeedError(
                f"Two columns mean {name}: {names[seen[name]]!r} (column {seen[name] + 1}) "
                f"and {names[position]!r} (column {position + 1}). Remove one."
            )
        else:
            seen[name] = position
    return fields


def mapped_fields(names: Sequence[str], columns: Mapping[str, str]) -> list[str | None]:
    """The field of each column by a mapping of normalised headers to fields. Raises FeedError without an ``id``."""
    fields = [columns.get(normalised(name)) or None for name in names]
    if "id" not in fields:
        raise FeedError("No column of the file is named as the id.")
    once = [name for name in fields if name is not None and name not in REPEATABLE]
    if twice := next((name for name in once if once.count(name) > 1), None):
        raise FeedError(f"Two columns are named as {twice}.")
    return fields
