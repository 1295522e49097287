"""Writing a planned batch: rows go in by COPY, and one statement for each kind of row puts them in place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from django.db import connection

from creatives.feeds import RowIssue
from creatives.models import ProductImage
from creatives.services import catalog_pictures
from creatives.services.catalog_pictures import PENDING, READY, Picture, PicturePlan
from creatives.services.catalog_rows import COLUMNS, Plan, Write
from creatives.services.photo_changes import PhotoChange
from creatives.services.product_status import retire_with_products, revive_with_products
from creatives.services.wakeups import wake_fetch

_STAGE_PRODUCTS: Final = """
CREATE TEMP TABLE feed_product (
    external_id text, title text, description text, link text, availability text, brand text, color text,
    price numeric, currency text, category_id bigint, attributes jsonb, status text, feed_digest text
) ON COMMIT DROP
"""
_NAMES: Final = ("external_id", *COLUMNS, "feed_digest")
_VALUES: Final = itemgetter(*COLUMNS)
_JSON: Final = COLUMNS.index("attributes")
_PUT_PRODUCTS: Final = f"""
INSERT INTO creatives_product (merchant_id, {", ".join(_NAMES)}, created_at, updated_at)
SELECT %s, {", ".join(_NAMES)}, now(), now() FROM feed_product ORDER BY external_id
ON CONFLICT (merchant_id, external_id) DO UPDATE
SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES[1:])}, updated_at = EXCLUDED.updated_at
RETURNING external_id, id
"""  # noqa: S608 - names of our own
_STAGE_PICTURES: Final = """
CREATE TEMP TABLE feed_picture (
    product_id bigint, position smallint, source_url text, status text, error text, file text, sha256 text,
    width integer, height integer, fetched_at timestamptz
) ON COMMIT DROP
"""
_PICTURE_NAMES: Final = ("product_id", *catalog_pictures.COLUMNS)
_PUT_PICTURES: Final = f"""
INSERT INTO creatives_productimage (merchant_id, {", ".join(_PICTURE_NAMES)}, attempts, due_at)
SELECT %s, {", ".join(_PICTURE_NAMES)}, 0, now() FROM feed_picture ORDER BY product_id, position
ON CONFLICT (product_id, position) DO UPDATE
SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _PICTURE_NAMES[2:])}, attempts = 0, due_at = now()
"""  # noqa: S608
_TOUCH: Final = """
UPDATE creatives_product SET feed_digest = seen.digest
FROM unnest(%s::bigint[], %s::text[]) AS seen (id, digest)
WHERE creatives_product.id = seen.id AND feed_digest <> seen.digest
"""
_RETRY: Final = """
UPDATE creatives_productimage SET status = 'pending', error = '', attempts = 0, due_at = now()
WHERE product_id = ANY(%s) AND status = 'failed' AND source_url LIKE 'http%%'
"""
_ISSUE_NAMES: Final = (
    "catalog_import_id", "severity", "number", "line", "record", '"column"', "value", "rule", "fix",
)  # fmt: skip


def write_plan(merchant_id: int, plan: Plan) -> None:
    """Write what ``plan`` says. The caller's transaction holds the merchant's lock and the products that change."""
    if plan.retiring:
        retire_with_products(merchant_id, plan.retiring)
    ids = _put_products(merchant_id, plan.writes)
    shown = [(ids[write.external_id], write.pictures) for write in plan.writes] + plan.pictures
    drops = [pk for _, pictures in shown for pk in pictures.drops]
    pictures = [(pk, picture) for pk, found in shown for picture in (*found.writes, *found.retries)]
    ready = [picture for _, picture in pictures if picture.status == READY]
    leaving = [*drops, *(picture.pk for picture in ready if picture.pk)]
    coming = {picture.sha256 for picture in ready}
    change = PhotoChange.begin(merchant_id, _owners(shown), leaving, coming) if leaving else None
    if drops:
        ProductImage.objects.filter(pk__in=drops).delete()
    _put_pictures(merchant_id, pictures)
    if change:
        change.settle()
    has_retries = _touch(plan)
    if plan.reviving:
        revive_with_products(merchant_id, plan.reviving)
    if has_retries or any(picture.status == PENDING for _, picture in pictures):
        wake_fetch(merchant_id)


def _owners(shown: Iterable[tuple[int, PicturePlan]]) -> set[int]:
    """The products some of whose pictures go or get another content."""
    return {pk for pk, found in shown if found.drops or any(picture.pk for picture in found.writes)}


def save_issues(import_id: int, issues: Iterable[RowIssue]) -> None:
    """Store issues of an import."""
    rows = (
        (
            import_id, issue.severity.value, issue.number, issue.line, issue.record_id[:120], issue.column[:120],
            issue.value[:200], issue.rule[:300], issue.fix[:300],
        )
        for issue in issues
    )  # fmt: skip
    _copy("creatives_importissue", _ISSUE_NAMES, rows)


def _put_products(merchant_id: int, writes: Sequence[Write]) -> dict[str, int]:
    """Insert or update products; their ids by external id."""
    if not writes:
        return {}
    rows = ((write.external_id, *_cells(write.values), write.digest) for write in writes)
    with connection.cursor() as cursor:
        cursor.execute(_STAGE_PRODUCTS)
        _copy("feed_product", _NAMES, rows)
        cursor.execute(_PUT_PRODUCTS, [merchant_id])
        ids = dict(cursor.fetchall())
        cursor.execute("DROP TABLE feed_product")
    return ids


def _put_pictures(merchant_id: int, pictures: Sequence[tuple[int, Picture]]) -> None:
    if not pictures:
        return
    with connection.cursor() as cursor:
        cursor.execute(_STAGE_PICTURES)
        _copy("feed_picture", _PICTURE_NAMES, ((pk, *picture.row()) for pk, picture in pictures))
        cursor.execute(_PUT_PICTURES, [merchant_id])
        cursor.execute("DROP TABLE feed_picture")


def _touch(plan: Plan) -> bool:
    """Note the digests of rows without news, and try their failed pictures again; whether there were any."""
    with connection.cursor() as cursor:
        if plan.touched:
            cursor.execute(_TOUCH, [list(column) for column in zip(*plan.touched, strict=True)])
        if not plan.skipped:
            return False
        cursor.execute(_RETRY, [plan.skipped])
        return bool(cursor.rowcount)


def _copy(table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _cells(values: dict[str, Any]) -> tuple[Any, ...]:
    """The values of COLUMNS, as COPY takes them."""
    cells = _VALUES(values)
    return (*cells[:_JSON], json.dumps(cells[_JSON]), *cells[_JSON + 1 :])
