"""One checker per field: text in, value out, or Refused with the rule and the fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from functools import lru_cache, partial
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from .model import FIELD_NAMES, Absent, Price, Severity
from .prices import PriceError, parse_price

GOOGLE_LENGTHS: Final = {
    "id": 50, "title": 150, "description": 5000, "link": 2000, "image_link": 2000, "brand": 70, "color": 100,
    "size": 100, "google_product_category": 750, "product_type": 750, "item_group_id": 50,
}  # fmt: skip
META_LENGTHS: Final = GOOGLE_LENGTHS | {
    "id": 100, "title": 200, "description": 9999, "brand": 100, "size": 200, "color": 100, "item_group_id": 100,
}  # fmt: skip
REQUIRED: Final = frozenset({"id", "title", "link", "image_link"})  # a creative cannot do without them
AVAILABILITIES: Final = ("in_stock", "out_of_stock", "preorder", "backorder")
AVAILABILITY_SPELLINGS: Final = {
    "pre_order": "preorder",
    "back_order": "backorder",
    "available_for_order": "backorder",  # Meta's further words
    "discontinued": "out_of_stock",
    "pending": "out_of_stock",
    "mark_as_sold": "out_of_stock",
}
GENDERS: Final = ("male", "female", "unisex")
ACTIVE: Final = frozenset({"active", "published", "true", "1", "yes"})
RETIRED: Final = frozenset(
    ["archived", "draft", "hidden", "staging", "unlisted", "inactive", "retired", "false", "0", "no"]
)
NOT_PICTURES: Final = frozenset(
    {"svg", "pdf", "htm", "html", "mp4", "mov", "psd", "ai", "eps", "heic", "zip"}
)

Checked: TypeAlias = str | Price | tuple[str, ...] | Absent | None
Checker: TypeAlias = Callable[[str], Checked]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACE: Final = re.compile(r"\s")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9-][A-Za-z0-9.-]*(?:[/?][!-~]*)?")
"""Addresses that are fine at a glance; all others are taken apart."""
_NOT_PICTURE: Final = re.compile(rf"\.(?:{'|'.join(sorted(NOT_PICTURES))})(?:[?#]|$)", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - says what happened to the value
    """A value that is not taken. ``value`` is the part at fault where that is not the whole cell."""

    def __init__(
        self, rule: str, fix: str, severity: Severity = Severity.ERROR, value: str | None = None
    ) -> None:
        super().__init__(rule)
        self.rule, self.fix, self.severity, self.value = rule, fix, severity, value


def check_text(field: str, limit: int | None, text: str) -> str:
    """``text`` within ``limit`` and without control characters (PostgreSQL stores no NUL)."""
    if not text.isprintable() and (control := _CONTROL.search(text)):
        raise Refused(
            f"{field} must hold no control characters (this has U+{ord(control[0]):04X}).", "Remove it."
        )
    if limit is not None and len(text) > limit:
        raise Refused(f"{field} must have at most {limit} characters (this has {len(text)}).", "Shorten it.")
    return text


def check_url(field: str, limit: int | None, text: str) -> str:
    if (limit is None or len(text) <= limit) and _PLAIN_URL.fullmatch(text):
        return text
    check_text(field, limit, text)
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or _SPACE.search(text):
        raise Refused(
            f"{field} must be a web address.", "Write it in full: https://shop.example/…, spaces as %20."
        )
    if parts.username is not None:
        raise Refused(
            f"{field} must hold no user name or password.", "Use an address that is open to all.", value="…@…"
        )
    return text


def check_image(field: str, limit: int | None, members: Container[str] | None, text: str) -> str:
    """A web address, or with ``members`` (the files of a ZIP) the name of one of them."""
    if members is None or _SCHEME.match(text):
        check_url(field, limit, text)
        if not _NOT_PICTURE.search(text):
            return text
        name = urlsplit(text).path.rpartition("/")[2]
    else:
        name = check_text(field, limit, text)
        if text not in members:
            raise Refused(
                f"{field} must name a picture in the ZIP.", "Add the file to the ZIP or correct the name."
            )
    extension = name.rpartition(".")[2].lower()
    if "." in name and extension in NOT_PICTURES:
        raise Refused(
            f"{field} must be a JPEG, PNG, WebP, GIF, BMP or TIFF (this is .{extension}).", "Convert it."
        )
    return text


def check_images(most: int, limit: int | None, members: Container[str] | None, text: str) -> tuple[str, ...]:
    """Up to ``most`` pictures separated by commas; commas inside a web address are left alone."""
    parts = re.split(r",\s*(?=https?:)" if members is None else r",", text)
    links = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for link in links:
        try:
            check_image("additional_image_link", limit, members, link)
        except Refused as refused:
            raise Refused(refused.rule, refused.fix, refused.severity, refused.value or link) from None
    if len(links) > most:
        raise Refused(
            f"additional_image_link must have at most {most} pictures (this has {len(links)}).",
            "Keep the best ones.",
        )
    return links


def check_price(currency: str, text: str) -> Price:
    """A price with its currency; ``currency`` is taken for one that names none."""
    try:
        return parse_price(text, currency)
    except PriceError as error:
        raise Refused(error.rule, error.fix) from None


def check_availability(text: str) -> str:
    value = re.sub(r"[\s\-_]+", "_", text.lower())
    value = AVAILABILITY_SPELLINGS.get(value, value)
    if value not in AVAILABILITIES:
        raise Refused(
            "availability must be in_stock, out_of_stock, preorder or backorder.", "Use one of the four."
        )
    return value


def check_gender(text: str) -> str:
    if text.lower() not in GENDERS:
        raise Refused(
            "gender must be male, female or unisex; ignored.", "Use one of the three.", Severity.WARNING
        )
    return text.lower()


def check_status(text: str) -> str:
    """Whether the shop offers the product: "active" or "retired"."""
    value = text.lower()
    if value not in ACTIVE | RETIRED:
        raise Refused(
            "status must be active, archived or draft; ignored.", "Use one of the three.", Severity.WARNING
        )
    return "active" if value in ACTIVE else "retired"


def check_category(field: str, limit: int | None, text: str) -> str:
    """``A > B > C`` with one space on either side of ``>``, or Google's number as it is."""
    levels = [level.strip() for level in check_text(field, limit, text).split(">")]
    if not all(levels):
        raise Refused(f"{field} must have no empty level.", "Write it as Apparel & Accessories > Shoes.")
    return " > ".join(levels)


def check_blank(field: str) -> Checked:
    """What a blank cell means: clear the value, unless a product cannot do without it."""
    if field in REQUIRED:
        raise Refused(
            f"{field} must not be blank.", "Fill it in, or leave the column out to keep what is stored."
        )
    return () if field == "additional_image_link" else None


def checkers(
    members: Container[str] | None, lengths: Mapping[str, int], most_images: int, currency: str
) -> dict[str, Checker]:
    """The checker of each field; each takes a text that is neither blank nor padded."""
    made: dict[str, Checker] = {
        name: partial(check_text, name, lengths.get(name)) for name in FIELD_NAMES if name != "variants"
    }
    images = lengths.get("image_link")
    return made | {
        "link": partial(check_url, "link", lengths.get("link")),
        "image_link": partial(check_image, "image_link", images, members),
        "additional_image_link": partial(check_images, most_images, images, members),
        "price": partial(check_price, currency),
        "availability": lru_cache(64)(check_availability),
        "gender": check_gender,
        "status": check_status,
        **{
            name: lru_cache(1024)(partial(check_category, name, lengths.get(name)))
            for name in ("google_product_category", "product_type")
        },
    }
