"""What the simulator takes from the database, as an operator would look it up: products, pools, a placement, progress."""

from __future__ import annotations

from collections import Counter

from django.db.models import Prefetch

from bandit.simulation.loop import Shop
from creatives.models import Creative, Merchant, Placement, Product, ProductImage
from creatives.selectors.prompts import Pool, pools_for
from creatives.selectors.serving import serving_states
from creatives.services.creatives import TransitionError, approve
from creatives.services.generation import Want
from creatives.services.sizes import layout_of

REASON = "simulation"


class ShopError(ValueError):
    """There is nothing to simulate with; the message says what is missing."""


def shop_of(merchant: Merchant, placement_slug: str, items: int) -> Shop:
    """``items`` products with a picture and a prompt pool, spread over the pools, and a placement.

    Raises ShopError when there is no such placement or product.
    """
    placements = Placement.objects.filter(is_active=True)
    if placement_slug:
        placements = placements.filter(slug=placement_slug)
    placement = placements.order_by("pk").first()
    if placement is None:
        raise ShopError(
            f"no active placement {placement_slug!r}" if placement_slug else "there is no active placement"
        )
    by_pool: dict[int, list[Product]] = {}
    pools: dict[int, Pool] = {}
    products = list(_with_pictures(merchant))
    found = pools_for({product.category_id for product in products})
    for product in products:
        pool = found.get(product.category_id or 0)
        if pool is not None:
            pools[product.pk] = pool
            by_pool.setdefault(pool.category.pk, []).append(product)
    chosen = _spread(list(by_pool.values()), items)
    if not chosen:
        raise ShopError(f"merchant {merchant.slug} has no active product with a picture and a prompt pool")
    slot = {
        "id": placement.slug,
        "width": placement.width,
        "height": placement.height,
        "features": {"site": "simulated"},
    }
    prompts = {
        product.external_id: sorted(version.prompt_id for version in pools[product.pk].versions)
        for product in chosen
    }
    return Shop(merchant.slug, [product.external_id for product in chosen], prompts, slot)


def states(merchant: Merchant, shop: Shop) -> Counter[str]:
    """How many of the shop's pictures are ready, queued, in review, rejected or failed."""
    placement = Placement.objects.get(slug=shop.placement["id"])
    products = [row for row in _with_pictures(merchant) if row.external_id in shop.pools]
    pools = pools_for({product.category_id for product in products})
    wants = [
        Want(
            product.images.all()[0].sha256,
            version.pk,
            placement.width,
            placement.height,
            layout_of(placement),
        )
        for product in products
        for version in pools[product.category_id or 0].versions
    ]
    return Counter(state.state.replace("_", " ") for state in serving_states(merchant.pk, wants).values())


def approve_waiting(merchant: Merchant) -> int:
    """Turn on automatic approval and approve what waits; how many were approved."""
    Merchant.objects.filter(pk=merchant.pk).update(auto_approve=True)
    count = 0
    waiting = Creative.objects.filter(merchant=merchant, status=Creative.Status.IN_REVIEW)
    for pk in waiting.values_list("pk", flat=True):
        try:
            approve(pk, REASON)
        except TransitionError:
            continue  # a reviewer was quicker
        count += 1
    return count


def _with_pictures(merchant: Merchant) -> list[Product]:
    ready = ProductImage.objects.filter(status=ProductImage.Status.READY).order_by("position")
    rows = Product.objects.filter(
        merchant=merchant, status=Product.Status.ACTIVE, images__in=ready
    ).distinct()
    return list(rows.prefetch_related(Prefetch("images", ready)).order_by("pk"))


def _spread(groups: list[list[Product]], count: int) -> list[Product]:
    """``count`` products, one of each group in turn."""
    depth = max((len(group) for group in groups), default=0)
    return [group[rank] for rank in range(depth) for group in groups if rank < len(group)][:count]
