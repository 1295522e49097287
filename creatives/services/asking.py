"""Asking for creatives of products, ahead of traffic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from creatives.models import Merchant, Placement, Product, ProductImage
from creatives.selectors.prompts import pools_for
from creatives.services.generation import RequestSummary, Want, request_creatives
from creatives.services.sizes import layout_of


def ask_for_creatives(
    merchant: Merchant,
    products: Iterable[Product],
    placements: Sequence[Placement] | None = None,
    prompt_versions: Iterable[int] | None = None,
) -> RequestSummary:
    """Ask for every product × prompt of its pool × placement; idempotent.

    ``placements`` are the active ones unless given; ``prompt_versions`` (ids) narrows the pools. Products
    without a ready picture, or in a category without prompts, ask for nothing.
    """
    products = [product for product in products if product.merchant_id == merchant.pk]
    if placements is None:
        placements = list(Placement.objects.filter(is_active=True))
    only = None if prompt_versions is None else set(prompt_versions)
    pools = pools_for(product.category_id for product in products)
    pictures = dict(
        ProductImage.objects.filter(
            product__in=[product.pk for product in products], position=0, status=ProductImage.Status.READY
        ).values_list("product_id", "sha256")
    )
    sizes = [(placement.width, placement.height, layout_of(placement)) for placement in placements]
    wants = [
        Want(pictures[product.pk], version, *size)
        for product in products
        if product.pk in pictures and product.category_id in pools
        for version in pools[product.category_id].version_ids
        if only is None or version in only
        for size in sizes
    ]
    return request_creatives(merchant, wants)
