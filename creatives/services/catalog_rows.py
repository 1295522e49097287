"""From a feed's records to the products and pictures to write: decided in memory, one batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from creatives.feeds import ABSENT, FeedRow, Price, Record, RowIssue, Severity, Variant
from creatives.feeds.model import shorten
from creatives.models import Product
from creatives.selectors.arrays import any_id, any_text
from creatives.services.catalog_pictures import (
    Picture,
    PicturePlan,
    Pictures,
    links_of,
    plan_pictures,
    shown_links,
    stored_pictures,
)
from creatives.services.categories import CategoryIndex

TEXT_FIELDS: Final = ("title", "description", "link", "availability", "brand", "color")
ATTRIBUTES: Final = ("size", "gender", "item_group_id", "google_product_category", "product_type")
COLUMNS: Final = (*TEXT_FIELDS, "price", "currency", "category_id", "attributes", "status")
BLANK: Final[dict[str, Any]] = dict.fromkeys(TEXT_FIELDS, "") | {
    "price": None, "currency": "", "category_id": None, "attributes": {}, "status": "active",
}  # fmt: skip
ACTIVE: Final = Product.Status.ACTIVE.value
RETIRED: Final = Product.Status.RETIRED.value
CENT: Final = Decimal("0.01")


@dataclass(slots=True)
class Write:
    """A product to write, with all its values and the pictures that come with it; ``pk`` is None for a new one."""

    pk: int | None
    external_id: str
    values: dict[str, Any]
    digest: str
    pictures: PicturePlan


@dataclass(slots=True)
class Plan:
    """What a batch comes to.

    ``writes`` are new and changed products. ``touched`` are (product id, digest) of rows whose text is new and whose
    values are not. ``pictures`` are those of touched products that are tried again, and ``skipped`` the ids of the
    products whose very text is known. ``retiring`` and ``reviving`` are products whose status changes.
    """

    writes: list[Write] = field(default_factory=list)
    touched: list[tuple[int, str]] = field(default_factory=list)
    pictures: list[tuple[int, PicturePlan]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    retiring: list[int] = field(default_factory=list)
    reviving: list[int] = field(default_factory=list)
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    issues: list[RowIssue] = field(default_factory=list)


class _Shown:
    """The pictures of stored products. Most rows name just what is there, and for those the addresses suffice."""

    def __init__(self, product_ids: Iterable[int], pictures: Pictures) -> None:
        self._ids, self._pictures = list(product_ids), pictures
        self._same: set[int] = set()
        self._stored: dict[int, list[Picture]] = {}

    def look_at(self, rows: Iterable[tuple[int, FeedRow]]) -> None:
        """Read what is needed to plan the pictures of these products (2 queries)."""
        if not self._ids:
            return
        links = {} if self._pictures else shown_links(self._ids)
        self._same = {pk for pk, row in rows if links.get(pk) == links_of(row)}
        self._stored = stored_pictures(pk for pk in self._ids if pk not in self._same)

    def plan(self, pk: int | None, row: FeedRow) -> PicturePlan:
        if pk in self._same:
            return PicturePlan()
        return plan_pictures(self._stored.get(pk, ()) if pk else (), row, self._pictures)


class Planner:
    """Plans batches of one import. With ``lock`` the products looked at are kept from changing by others."""

    def __init__(self, merchant_id: int, categories: CategoryIndex, lock: bool) -> None:
        self._merchant_id, self._categories, self._lock = merchant_id, categories, lock

    def plan(
        self, records: Sequence[Record], pictures: Pictures, broken: dict[str, str], by_digest: bool
    ) -> Plan:
        """Compare ``records`` with what is stored.

        ``pictures`` are those of the ZIP by the name the feed gives them, ``broken`` those that cannot be used, with
        the reason. With ``by_digest`` a record whose text is that of the last import is left alone, unread.
        """
        plan = Plan()
        known = self._known([record.id for record in records])
        fresh = []
        for record in records:
            stored = known.get(record.id) if by_digest else None
            if stored is not None and stored[1] and stored[1] == record.digest:
                plan.skipped.append(stored[0])
                plan.unchanged += 1
            else:
                fresh.append(record)
        rows = [pair for record in fresh if (pair := self._readable(record, broken, plan)) is not None]
        values = self._stored_values([known[record.id][0] for record, _ in rows if record.id in known])
        shown = _Shown(values, pictures)
        shown.look_at((known[record.id][0], row) for record, row in rows if record.id in known)
        for record, row in rows:
            pk = known[record.id][0] if record.id in known else None
            self._add(plan, record, row, pk, values.get(pk, BLANK) if pk else BLANK, shown.plan(pk, row))
        plan.issues.sort(key=lambda issue: issue.line)
        return plan

    def _known(self, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Product id and digest by external id."""
        rows = Product.objects.filter(merchant=self._merchant_id, external_id__in=any_text(ids))
        return {
            name: (pk, digest) for name, pk, digest in rows.values_list("external_id", "pk", "feed_digest")
        }

    def _stored_values(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        if not ids:
            return {}
        rows = Product.objects.filter(pk__in=any_id(ids)).order_by("external_id")
        if self._lock:
            rows = rows.select_for_update(no_key=True, of=("self",))
        found = rows.values_list("pk", *COLUMNS)
        return {pk: dict(zip(COLUMNS, values, strict=True)) for pk, *values in found}

    def _readable(self, record: Record, broken: dict[str, str], plan: Plan) -> tuple[Record, FeedRow] | None:
        """The record with its row, unless it is refused."""
        plan.issues.extend(record.issues)
        row = record.row
        if row is not None and broken:
            damaged = [
                _picture_issue(record, row, name, broken[name]) for name in broken if _names(row, name)
            ]
            plan.issues.extend(damaged)
            row = None if damaged else row
        if row is None:
            plan.refused += 1
            return None
        return record, row

    def _add(
        self,
        plan: Plan,
        record: Record,
        row: FeedRow,
        pk: int | None,
        stored: dict[str, Any],
        shown: PicturePlan,
    ) -> None:
        if pk is None and (missing := [name for name in ("title", "link") if getattr(row, name) is ABSENT]):
            plan.refused += 1
            plan.issues.extend(_missing(record, name) for name in missing)
            return
        values, warning = self._values(record, row, stored)
        plan.issues.extend(warning)
        digest = "" if record.issues or warning else record.digest
        if pk is None:
            plan.created += 1
            plan.writes.append(Write(pk, record.id, values, digest, shown))
            return
        if values["status"] != stored["status"]:
            (plan.reviving if values["status"] == ACTIVE else plan.retiring).append(pk)
        if values != stored:
            plan.changed += 1
            plan.writes.append(Write(pk, record.id, values, digest, shown))
            return
        plan.touched.append((pk, digest))
        if shown.writes or shown.retries or shown.drops:
            plan.pictures.append((pk, shown))
        if shown.writes or shown.drops:
            plan.changed += 1
        else:
            plan.unchanged += 1

    def _values(
        self, record: Record, row: FeedRow, stored: dict[str, Any]
    ) -> tuple[dict[str, Any], list[RowIssue]]:
        """All values of the product: those of the row, and what is stored where the feed has no column."""
        given = row.given()
        values = stored | {name: given[name] or "" for name in TEXT_FIELDS if name in given}
        values["status"] = given.get("status") or ACTIVE
        if "price" in given:
            price = given["price"]
            values["price"] = price.amount.quantize(CENT, ROUND_HALF_UP) if isinstance(price, Price) else None
            values["currency"] = price.currency if isinstance(price, Price) else ""
        values["attributes"] = _attributes(given, stored["attributes"])
        if "google_product_category" not in given and "product_type" not in given:
            return values, []
        texts = [value if isinstance(value := given.get(name), str) else None for name in ATTRIBUTES[3:]]
        values["category_id"] = self._categories.find_id(*texts)
        if values["category_id"] is None and (text := texts[0] or texts[1]):
            column = ATTRIBUTES[3] if texts[0] else ATTRIBUTES[4]
            return values, [_unknown_category(record, column, text)]
        return values, []


def _attributes(given: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in stored.items() if name not in given}
    kept |= {name: given[name] for name in ATTRIBUTES if given.get(name)}
    if variants := given.get("variants"):
        kept["variants"] = [_variant(variant) for variant in variants]
    return kept


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        "sku": variant.sku,
        "options": dict(variant.options),
        "price": variant.price,
        "image": variant.image,
        "is_available": variant.is_available,
    }


def _missing(record: Record, name: str) -> RowIssue:
    return RowIssue(
        record.line, record.id[:50], name, "", f"A new product needs a {name}, and the feed has no such column.",
        f"Add the column {name}.", number=record.number,
    )  # fmt: skip


def _unknown_category(record: Record, column: str, text: str) -> RowIssue:
    return RowIssue(
        record.line, record.id[:50], column, shorten(text),
        "No category of the tree matches, so no prompts apply.",
        "Use a category of the tree, or ask an administrator to add this one.", Severity.WARNING, record.number,
    )  # fmt: skip


def _names(row: FeedRow, picture: str) -> bool:
    more = row.additional_image_link
    return row.image_link == picture or (isinstance(more, tuple) and picture in more)


def _picture_issue(record: Record, row: FeedRow, name: str, problem: str) -> RowIssue:
    column = "image_link" if row.image_link == name else "additional_image_link"
    return RowIssue(
        record.line, record.id[:50], column, name[:80], f"The picture cannot be used: {problem}"[:300],
        "Replace the picture.", number=record.number,
    )  # fmt: skip
