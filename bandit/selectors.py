"""What a decision reads, each in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from bandit.models import PausedPrompt, PoolControl
from creatives.models import Category, ProductImage

ItemKey = tuple[int, str]
"""(merchant id, the merchant's own id of the product)."""

# The ready image of the lowest position, else the first that is pending and has an address. Plain SQL: building the
# query would take longer than running it.
_CARDS = """
SELECT p.id, p.merchant_id, p.external_id, p.price, p.brand, p.color, c.id, c.path,
       i.sha256, i.status, i.file, i.width, i.height, i.source_url
FROM unnest(%(merchants)s::bigint[], %(ids)s::text[]) AS wanted (merchant_id, external_id)
JOIN creatives_product p ON p.merchant_id = wanted.merchant_id AND p.external_id = wanted.external_id
LEFT JOIN creatives_category c ON c.id = p.category_id
LEFT JOIN LATERAL (
    SELECT * FROM creatives_productimage i
    WHERE i.product_id = p.id AND (i.status = 'ready' OR i.source_url <> '')
    ORDER BY i.status <> 'ready', i.position LIMIT 1
) i ON true
WHERE p.status = 'active'
"""


class CardImage(NamedTuple):
    """A product's picture: ``file`` is its name in the store once it ``is_ready``; size in pixels, None if not measured."""

    sha256: str
    is_ready: bool
    file: str
    width: int | None
    height: int | None
    source_url: str


@dataclass(frozen=True, slots=True)
class ProductCard:
    """What a decision needs of a product, with its first image that is ready, or that will be."""

    product_id: int
    price: Decimal | None
    brand: str
    color: str
    category: Category | None
    image: CardImage | None

    @property
    def is_ready(self) -> bool:
        return self.image is not None and self.image.is_ready


def product_cards(keys: Collection[ItemKey]) -> dict[ItemKey, ProductCard]:
    """The active products among ``keys`` (1 query)."""
    if not keys:
        return {}
    ordered = sorted(keys)
    with connection.cursor() as cursor:
        cursor.execute(_CARDS, {"merchants": [pk for pk, _ in ordered], "ids": [key for _, key in ordered]})
        return {(row[1], row[2]): _card(row) for row in cursor.fetchall()}


def _card(row: tuple[Any, ...]) -> ProductCard:
    pk, _, _, price, brand, color, category_id, path, sha256, status, *rest = row
    category = Category(pk=category_id, path=path) if category_id is not None else None
    ready = status == ProductImage.Status.READY
    return ProductCard(pk, price, brand, color, category, CardImage(sha256, ready, *rest) if status else None)


@dataclass(frozen=True)
class Controls:
    """What people and the safety cap have decided for a merchant: by pool category, and the prompts that are paused."""

    pools: dict[int, PoolControl]
    paused: frozenset[int]

    def of(self, merchant_id: int, category_id: int) -> PoolControl:
        """The control of a pool; the defaults where nobody has decided anything."""
        found = self.pools.get(category_id)
        return found or PoolControl(merchant_id=merchant_id, category_id=category_id)


def controls(merchant_ids: Iterable[int]) -> dict[int, Controls]:
    """The controls of each merchant (2 queries)."""
    wanted = set(merchant_ids)
    pools: dict[int, dict[int, PoolControl]] = {merchant_id: {} for merchant_id in wanted}
    for row in PoolControl.objects.filter(merchant_id__in=wanted):
        pools[row.merchant_id][row.category_id] = row
    paused: dict[int, set[int]] = {merchant_id: set() for merchant_id in wanted}
    rows = PausedPrompt.objects.filter(merchant_id__in=wanted, resumed_at__isnull=True)
    for merchant_id, version_id in rows.values_list("merchant_id", "prompt_version_id"):
        paused[merchant_id].add(version_id)
    return {pk: Controls(pools[pk], frozenset(paused[pk])) for pk in wanted}
