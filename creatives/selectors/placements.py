"""How products stand in placements: a merchant's own way, or the placement's."""

from __future__ import annotations

from collections.abc import Collection

from creatives.models import MerchantPlacement, Placement
from creatives.services.sizes import layout_of

LayoutKey = tuple[int, str]
"""(merchant id, slug of the placement)."""


def layouts(keys: Collection[LayoutKey]) -> dict[LayoutKey, str]:
    """The layout of each merchant and placement; the default one for placements that are not known (2 queries)."""
    merchants, slugs = {merchant for merchant, _ in keys}, {slug for _, slug in keys}
    known = {placement.slug: placement for placement in Placement.objects.filter(slug__in=slugs)}
    rows = MerchantPlacement.objects.filter(merchant__in=merchants, placement__slug__in=slugs)
    own = {(row.merchant_id, row.placement.slug): row for row in rows.select_related("placement")}
    return {key: layout_of(own.get(key) or known.get(key[1])) for key in keys}
