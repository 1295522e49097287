"""One checker per field: text in, value out, or Refused with the rule and the fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from .model import Absent, Price, Severity
from .prices import PriceError, parse_price

LENGTHS: Final = {
    "id": 50, "title": 150, "description": 5000, "link": 2000, "image_link": 2000, "brand": 70, "color": 100,
    "size": 100, "google_product_category": 750, "product_type": 750, "item_group_id": 50,
}  # fmt: skip
REQUIRED: Final = frozenset({"id", "title", "link", "image_link"})  # a creative cannot do without them
MAX_ADDITIONAL_IMAGES: Final = 10
AVAILABILITIES: Final = ("in_stock", "out_of_stock", "preorder", "backorder")
GENDERS: Final = ("male", "female", "unisex")
NOT_PICTURES: Final = frozenset(
    {"svg", "pdf", "htm", "html", "mp4", "mov", "psd", "ai", "eps", "heic", "zip"}
)

Checked: TypeAlias = str | Price | tuple[str, ...] | Absent | None
Checker: TypeAlias = Callable[[str], Checked]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Refused(Exception):  # noqa: N818 - says what happened to the value
    """A value that is not taken. ``value`` is the part at fault where that is not the whole cell."""

    def __init__(
        self, rule: str, fix: str, severity: Severity = Severity.ERROR, value: str | None = None
    ) -> None:
        super().__init__(rule)
        self.rule, self.fix, self.severity, self.value = rule, fix, severity, value


def check_text(field: str, text: str) -> str:
    """``text`` within the field's length and without control characters (PostgreSQL stores no NUL)."""
    if control := _CONTROL.search(text):
        raise Refused(
            f"{field} must hold no control characters (this has U+{ord(control[0]):04X}).", "Remove it."
        )
    limit = LENGTHS.get(field)
    if limit is not None and len(text) > limit:
        raise Refused(f"{field} must have at most {limit} characters (this has {len(text)}).", "Shorten it.")
    return text


def check_url(field: str, text: str) -> str:
    check_text(field, text)
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or re.search(r"\s", text):
        raise Refused(
            f"{field} must be a web address.", "Write it in full: https://shop.example/…, spaces as %20."
        )
    if parts.username is not None:
        raise Refused(
            f"{field} must hold no user name or password.", "Use an address that is open to all.", value="…@…"
        )
    return text


def check_image(field: str, text: str, members: Container[str] | None) -> str:
    """A web address, or with ``members`` (the files of a ZIP) the name of one of them."""
    if members is None or re.match(r"[a-z][a-z0-9+.-]*:", text, re.IGNORECASE):
        check_url(field, text)
        name = urlsplit(text).path.rpartition("/")[2]
    else:
        name = check_text(field, text)
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


def check_images(text: str, members: Container[str] | None) -> tuple[str, ...]:
    """Pictures separated by commas; commas inside a web address are left alone."""
    parts = re.split(r",\s*(?=https?:)" if members is None else r",", text)
    links = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for link in links:
        try:
            check_text("image_link", link)
            check_image("additional_image_link", link, members)
        except Refused as refused:
            raise Refused(refused.rule, refused.fix, refused.severity, refused.value or link) from None
    if len(links) > MAX_ADDITIONAL_IMAGES:
        raise Refused(
            f"additional_image_link must have at most {MAX_ADDITIONAL_IMAGES} pictures (this has {len(links)}).",
            "Keep the best ones.",
        )
    return links


def check_price(text: str) -> Price:
    try:
        return parse_price(text)
    except PriceError as error:
        raise Refused(error.rule, error.fix) from None


def check_availability(text: str) -> str:
    value = re.sub(r"[\s\-_]+", "_", text.lower())
    value = {"pre_order": "preorder", "back_order": "backorder"}.get(value, value)
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


def check_category(field: str, text: str) -> str:
    """``A > B > C`` with one space on either side of ``>``, or Google's number as it is."""
    levels = [level.strip() for level in check_text(field, text).split(">")]
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


def checkers(members: Container[str] | None) -> dict[str, Checker]:
    """The checkers, by field, that do more than ``check_text``. Each takes a text that is not blank."""
    return {
        "link": lambda text: check_url("link", text),
        "image_link": lambda text: check_image("image_link", text, members),
        "additional_image_link": lambda text: check_images(text, members),
        "price": check_price,
        "availability": check_availability,
        "gender": check_gender,
        "google_product_category": lambda text: check_category("google_product_category", text),
        "product_type": lambda text: check_category("product_type", text),
    }
