"""Shopify's product CSV: several rows per product, and two generations of headers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .columns import normalised
from .formats import FeedOptions, MissingOptionError, RawFeed
from .model import RawRecord, RowIssue, Variant
from .table import Row, Table
from .values import META_LENGTHS

MOST_IMAGES: Final = 20
MOST_CHARS: Final = 2_000
MOST_ROWS: Final = 5_000
"""Rows of one product; Shopify itself allows 2,048 variants and 250 pictures."""

CURRENT: Final = {
    "url_handle": "handle", "title": "title", "description": "description", "vendor": "brand",
    "product_category": "category", "type": "type", "published_on_online_store": "published", "status": "status",
    "sku": "sku", "option1_name": "name1", "option1_value": "value1", "option2_name": "name2",
    "option2_value": "value2", "option3_name": "name3", "option3_value": "value3", "price": "price",
    "inventory_tracker": "tracker", "inventory_quantity": "quantity",
    "continue_selling_when_out_of_stock": "oversell", "product_image_url": "image", "image_position": "position",
    "variant_image_url": "variant_image", "google_shopping_/_google_product_category": "google_category",
    "google_shopping_/_gender": "gender",
}  # fmt: skip
LEGACY: Final = CURRENT | {
    "handle": "handle", "body_(html)": "description", "published": "published", "variant_sku": "sku",
    "variant_price": "price", "variant_inventory_tracker": "tracker", "variant_inventory_qty": "quantity",
    "variant_inventory_policy": "oversell", "image_src": "image", "variant_image": "variant_image",
}  # fmt: skip
COLOURS: Final = ("color", "colour", "farbe", "couleur")
SIZES: Final = ("size", "größe", "taille")
_OWN: Final = frozenset({"url_handle", "handle"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TAG: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def is_column(header: str) -> bool:
    """Whether a header is one of Shopify's that are read."""
    return normalised(header) in LEGACY


def matches(names: Sequence[str]) -> bool:
    """Whether a header is Shopify's, of either generation: a handle, no id, and something that others do not have."""
    found = {normalised(name) for name in names}
    return bool(found & _OWN) and "id" not in found and len(found & set(LEGACY)) >= 2


def open_feed(table: Table, options: FeedOptions) -> RawFeed:
    """Rows of one handle become one record. Raises MissingOptionError without the shop's pages and currency."""
    columns: dict[str, int] = {}
    headers: dict[str, str] = {}
    for position, name in enumerate(table.names):
        if (role := LEGACY.get(normalised(name))) and role not in columns:
            columns[role], headers[role] = position, name
    missing = [] if "{id}" in options.link_template else ["link_template"]
    if "price" in columns and not options.currency:
        missing.append("currency")
    if missing:
        raise MissingOptionError(missing, _MISSING, table.names)
    fields = _fields(columns)
    return RawFeed(
        format="shopify-csv",
        details=table.details,
        names=table.names,
        columns=tuple(fields),
        ignored=(),  # what a shop has besides is no mistake
        records=_records(table, columns, fields),
        issues=table.issues,
        lengths=META_LENGTHS | {"brand": 120},
        most_images=MOST_IMAGES,
        is_snapshot=False,
        headers={name: headers[role] for name, role in _FIELD_ROLES.items() if role in headers},
        text=table.text,
    )


_MISSING: Final = (
    "Shopify's files say neither where the products' pages are nor in which currency the prices are: give the shop's "
    "address and currency."
)
_FIELD_ROLES: Final = {
    "id": "handle", "title": "title", "description": "description", "image_link": "image", "price": "price",
    "brand": "brand", "product_type": "type", "google_product_category": "category", "gender": "gender",
    "status": "status", "availability": "quantity", "additional_image_link": "variant_image",
}  # fmt: skip


def _fields(columns: Mapping[str, int]) -> list[str]:
    """The fields that a file with these columns manages."""
    needs = {
        "id": ("handle",), "title": ("title",), "description": ("description",), "brand": ("brand",),
        "product_type": ("type",), "google_product_category": ("category", "google_category"),
        "gender": ("gender",), "status": ("status", "published"), "price": ("price",),
        "availability": ("quantity",), "image_link": ("image",),
        "additional_image_link": ("image", "variant_image"), "color": ("value1",), "size": ("value1",),
    }  # fmt: skip
    return [name for name, roles in needs.items() if any(role in columns for role in roles)]


@dataclass(slots=True)
class _Product:
    """The rows of one handle so far: the first text that each product column gives, pictures, variants."""

    handle: str
    line: int
    texts: dict[str, str] = field(default_factory=dict)
    pictures: list[tuple[int, str]] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    rows: int = 0


class _Reader:
    """Reads cells by role."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self._columns = columns

    def text(self, row: Row, role: str) -> str:
        position = self._columns.get(role)
        return "" if position is None else row.cells[position].strip()

    def add(self, product: _Product, row: Row) -> None:
        product.rows += 1
        for role in _TEXTS:
            if role not in product.texts and (text := self.text(row, role)):
                product.texts[role] = text
        if image := self.text(row, "image"):
            position = self.text(row, "position")
            product.pictures.append((int(position) if position.isdecimal() else MOST_ROWS, image))
        if variant := self._variant(product, row):
            product.variants.append(variant)

    def _variant(self, product: _Product, row: Row) -> Variant | None:
        """The variant of a row; None for a row that only adds a picture."""
        values = [_clean(self.text(row, f"value{number}")) for number in (1, 2, 3)]
        sku, price = _clean(self.text(row, "sku")), _clean(self.text(row, "price"))
        if not (any(values) or sku or price):
            return None
        for number in (1, 2, 3):  # names stand in the product's first row only
            if name := _clean(self.text(row, f"name{number}")):
                product.texts.setdefault(f"name{number}", name)
        names = [product.texts.get(f"name{number}", "") for number in (1, 2, 3)]
        options = tuple(
            (name, value)
            for name, value in zip(names, values, strict=True)
            if name and value and (name, value) != ("Title", "Default Title")
        )
        image = _clean(self.text(row, "variant_image"))
        return Variant(sku, options, price, image, self._is_available(row))

    def _is_available(self, row: Row) -> bool:
        quantity, oversell = self.text(row, "quantity"), self.text(row, "oversell").lower()
        untracked = "tracker" in self._columns and not self.text(row, "tracker")
        in_stock = not quantity.lstrip("-").isdecimal() or int(quantity) > 0
        return untracked or oversell in ("continue", "true", "yes") or in_stock


def _clean(text: str) -> str:
    """Without control characters and not longer than an address may be: variants are stored as they come."""
    return text if text.isprintable() and len(text) <= MOST_CHARS else _CONTROL.sub("", text)[:MOST_CHARS]


_TEXTS: Final = (
    "title", "description", "brand", "type", "category", "google_category", "gender", "status", "published",
)  # fmt: skip


def _records(table: Table, columns: Mapping[str, int], fields: Sequence[str]) -> Iterator[RawRecord]:
    reader = _Reader(columns)
    product: _Product | None = None
    for row in table.rows(columns.get("handle", 0)):
        if row.issue is not None:
            yield RawRecord(row.line, {}, (row.issue,))
            continue
        handle = reader.text(row, "handle")
        if product is None or handle != product.handle or not handle:
            if product is not None:
                yield _record(product, fields)
            product = _Product(handle, row.line)
        reader.add(product, row)
    if product is not None:
        yield _record(product, fields)


def _record(product: _Product, fields: Sequence[str]) -> RawRecord:
    if product.rows > MOST_ROWS:
        issue = RowIssue(
            product.line, product.handle[:50], "", f"{product.rows} rows",
            f"A product has at most {MOST_ROWS} rows.", "Split the product.",
        )  # fmt: skip
        return RawRecord(product.line, {}, (issue,))
    cells = dict.fromkeys(fields, "") | {
        name: text for name, text in _cells(product).items() if name in fields
    }
    return RawRecord(product.line, cells, (), tuple(product.variants))


def _cells(product: _Product) -> dict[str, str]:
    texts = product.texts
    first, *more = _pictures(product) or [""]
    return {
        "id": product.handle,
        "title": texts.get("title", ""),
        "description": plain_text(texts.get("description", "")),
        "brand": texts.get("brand", ""),
        "product_type": texts.get("type", ""),
        "google_product_category": texts.get("category") or texts.get("google_category", ""),
        "gender": texts.get("gender", ""),
        "status": _status(texts),
        "price": _lowest_price(product.variants),
        "availability": "in_stock" if any(v.is_available for v in product.variants) else "out_of_stock",
        "image_link": first,
        "additional_image_link": ",".join(more[:MOST_IMAGES]),
        "color": _only(product.variants, COLOURS),
        "size": _only(product.variants, SIZES),
    }


def _pictures(product: _Product) -> list[str]:
    """The product's pictures by position, then those that only variants have; each once."""
    own = [address for _, address in sorted(product.pictures, key=lambda picture: picture[0])]
    return list(dict.fromkeys([*own, *(variant.image for variant in product.variants if variant.image)]))


def _status(texts: Mapping[str, str]) -> str:
    """Active only when neither the status nor the online store says otherwise."""
    status, published = texts.get("status", ""), texts.get("published", "")
    return published if status.lower() in ("", "active") and published else status


def _lowest_price(variants: Sequence[Variant]) -> str:
    """The lowest of the prices that are plain numbers; else the first, whose text will be refused."""
    prices = [variant.price for variant in variants if variant.price]
    plain = [price for price in prices if re.fullmatch(r"\d{1,10}(\.\d{1,2})?", price)]
    return min(plain, key=float) if plain and len(plain) == len(prices) else next(iter(prices), "")


def _only(variants: Sequence[Variant], names: Sequence[str]) -> str:
    """The one value that all variants have for an option of these names; blank when they differ."""
    values = {value for variant in variants for name, value in variant.options if name.lower() in names}
    return values.pop() if len(values) == 1 else ""


def plain_text(markup: str) -> str:
    """The text of a piece of HTML, as words on one line."""
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())
