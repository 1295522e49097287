"""What a decision reads, each in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, Q

from bandit.models import Experiment, ExperimentArm, PausedPrompt, PoolControl
from bandit.services import ensure_default_experiments
from creatives.models import Product, ProductImage

ItemKey = tuple[int, str]
"""(merchant id, the merchant's own id of the product)."""


@dataclass(frozen=True)
class ProductCard:
    """A product with its first image that is ready, or that will be."""

    product: Product
    image: ProductImage | None

    @property
    def is_ready(self) -> bool:
        return self.image is not None and self.image.status == ProductImage.Status.READY


def product_cards(keys: Collection[ItemKey]) -> dict[ItemKey, ProductCard]:
    """The active products among ``keys`` (2 queries)."""
    by_merchant: dict[int, list[str]] = {}
    for merchant_id, external_id in keys:
        by_merchant.setdefault(merchant_id, []).append(external_id)
    wanted = Q(pk__in=[])
    for merchant_id, ids in by_merchant.items():
        wanted |= Q(merchant_id=merchant_id, external_id__in=ids)
    products = {
        product.pk: product
        for product in Product.objects.filter(wanted, status=Product.Status.ACTIVE).select_related("category")
    }
    images = _first_images(products)
    return {(p.merchant_id, p.external_id): ProductCard(p, images.get(p.pk)) for p in products.values()}


def _first_images(product_ids: Iterable[int]) -> dict[int, ProductImage]:
    """By product: the ready image of the lowest position, else the first that is pending and has an address."""
    chosen: dict[int, ProductImage] = {}
    rows = ProductImage.objects.filter(product_id__in=list(product_ids)).order_by("product_id", "position")
    for image in rows:
        held = chosen.get(image.product_id)
        if image.status == ProductImage.Status.READY:
            if held is None or held.status != ProductImage.Status.READY:
                chosen[image.product_id] = image
        elif image.source_url:
            chosen.setdefault(image.product_id, image)
    return chosen


def running_experiments(merchant_ids: Iterable[int]) -> dict[int, Experiment]:
    """The running experiment of each merchant, with its arms (2 queries).

    A merchant that never had any gets its default one here, once.
    """
    wanted = set(merchant_ids)
    found = _running(wanted)
    if (missing := wanted - found.keys()) and ensure_default_experiments(missing):
        found = _running(wanted)
    return found


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


def _running(merchant_ids: set[int]) -> dict[int, Experiment]:
    rows = Experiment.objects.filter(merchant_id__in=merchant_ids, status=Experiment.Status.RUNNING)
    arms = Prefetch("arms", ExperimentArm.objects.order_by("id"))
    return {experiment.merchant_id: experiment for experiment in rows.prefetch_related(arms)}
