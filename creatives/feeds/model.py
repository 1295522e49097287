"""The types a feed is read into: rows, issues, and the error that stops a whole file."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Final, Literal, NamedTuple, TypeAlias

SHOWN_CHARS: Final = 80


class FeedError(Exception):
    """The file as a whole cannot be read. The message is meant for the merchant."""


class Absent(enum.Enum):
    """The value of a field whose column the feed does not have: keep what is stored."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class Severity(enum.StrEnum):
    ERROR = "error"  # the row is refused
    WARNING = "warning"  # the row lands, the value is ignored or worth a look


@dataclass(frozen=True, slots=True)
class RowIssue:
    """What is wrong with one value, where, and how to mend it.

    ``line`` is the physical line on which the record starts (1 is the header), so that an editor finds it;
    ``record_id`` is empty when the record has no readable id, ``column`` (as the file names it) when the whole
    row is meant; ``number`` counts the file's products from 1 and is 0 for what is about the file.
    """

    line: int
    record_id: str
    column: str
    value: str
    rule: str
    fix: str
    severity: Severity = Severity.ERROR
    number: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """``amount`` ≥ 0 in major units, ``currency`` an ISO 4217 code."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way a product is sold, such as a size: its own stock-keeping unit, price and picture.

    ``options`` are (name, value) pairs; ``price`` is an amount without currency, blank when the file gives none.
    """

    sku: str
    options: tuple[tuple[str, str], ...]
    price: str = ""
    image: str = ""
    is_available: bool = True


Text: TypeAlias = str | Literal[Absent.ABSENT] | None
Value: TypeAlias = str | tuple[str, ...] | tuple[Variant, ...] | Price | None


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One product of the feed.

    A field is its value, ``None`` when the cell was blank (clear what is stored), or ``ABSENT`` when the
    feed has no such column (keep what is stored). ``additional_image_link`` is ``()`` when blank. ``status`` is
    "active" or "retired"; a feed without it lists what is active.
    """

    line: int
    id: str
    title: Text = ABSENT
    description: Text = ABSENT
    link: Text = ABSENT
    image_link: Text = ABSENT
    additional_image_link: tuple[str, ...] | Literal[Absent.ABSENT] = ABSENT
    availability: Text = ABSENT
    price: Price | Literal[Absent.ABSENT] | None = ABSENT
    brand: Text = ABSENT
    color: Text = ABSENT
    size: Text = ABSENT
    gender: Text = ABSENT
    google_product_category: Text = ABSENT
    product_type: Text = ABSENT
    item_group_id: Text = ABSENT
    status: Text = ABSENT
    variants: tuple[Variant, ...] | Literal[Absent.ABSENT] = ABSENT

    def given(self) -> dict[str, Value]:
        """The fields the feed has a column for, blank ones as ``None``; neither ``line`` nor ``id``."""
        return {name: value for name, value in zip(_GIVEN, _VALUES(self), strict=True) if value is not ABSENT}


FIELD_NAMES: Final[tuple[str, ...]] = tuple(field.name for field in fields(FeedRow) if field.name != "line")
_GIVEN: Final = FIELD_NAMES[1:]
_VALUES: Final = attrgetter(*_GIVEN)


class RawRecord(NamedTuple):
    """A record as a format module hands it over: text by field name, not yet checked.

    ``cells`` maps names of FIELD_NAMES to texts. ``issues`` are errors of the record's shape; a record that has any is
    not read further. ``variants`` come with the formats that know them.
    """

    line: int
    cells: dict[str, str]
    issues: tuple[RowIssue, ...] = ()
    variants: tuple[Variant, ...] | None = None


def shorten(value: str, limit: int = SHOWN_CHARS) -> str:
    """``value`` on one line and at most ``limit`` characters, for showing beside a rule."""
    flat = " ".join(value[: limit * 4].split())
    return flat if len(flat) <= limit and len(value) <= limit * 4 else flat[: limit - 1] + "…"
