"""Creatives as programs list them: filtered, in pages, with their items and sizes, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from creatives.models import Creative, Product, ProductImage, Rendition

ItemKey = tuple[int, str]
"""(merchant id, photo's SHA-256): products that share a photo share its creatives."""


@dataclass(frozen=True)
class CreativeFilter:
    """What a list is narrowed to; None leaves a field open. ``since`` is about the latest change of state."""

    merchant: str | None = None
    item: str | None = None
    status: str | None = None
    prompt: int | None = None
    width: int | None = None
    height: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class CreativePage:
    """Newest first; ``next_before`` is the ``before`` of the next page, None on the last one."""

    creatives: list[Creative]
    next_before: int | None


def list_creatives(
    merchant_ids: Iterable[int], wanted: CreativeFilter, before: int | None = None, limit: int = 50
) -> CreativePage:
    """Up to ``limit`` creatives of the merchants, with ids below ``before``."""
    rows = _narrowed(_with_parts(merchant_ids), wanted)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    page = found[:limit]
    return CreativePage(page, page[-1].pk if len(found) > limit else None)


def find_creative(merchant_ids: Iterable[int], creative_id: int) -> Creative | None:
    """One creative of the merchants, or None."""
    return _with_parts(merchant_ids).filter(pk=creative_id).first()


def items_of(creatives: Iterable[Creative]) -> dict[ItemKey, list[str]]:
    """External ids of the active products of each creative's photo (1 query)."""
    keys = {(creative.merchant_id, creative.request.image_sha256) for creative in creatives}
    rows = (
        ProductImage.objects.filter(
            merchant__in={merchant for merchant, _ in keys},
            sha256__in={sha256 for _, sha256 in keys},
            product__status=Product.Status.ACTIVE,
        )
        .order_by("product_id")
        .values_list("merchant_id", "sha256", "product__external_id")
    )
    found: dict[ItemKey, list[str]] = {key: [] for key in keys}
    for merchant_id, sha256, external_id in rows:
        if external_id not in found.get((merchant_id, sha256), [external_id]):
            found[merchant_id, sha256].append(external_id)
    return found


def _with_parts(merchant_ids: Iterable[int]) -> QuerySet[Creative]:
    rendered = Rendition.objects.exclude(file="").order_by("pk")
    rows: QuerySet[Creative] = Creative.objects.filter(merchant__in=list(merchant_ids))
    return rows.select_related("merchant", "request__prompt_version").prefetch_related(
        Prefetch("renditions", queryset=rendered)
    )


def _narrowed(rows: QuerySet[Creative], wanted: CreativeFilter) -> QuerySet[Creative]:
    if wanted.merchant is not None:
        rows = rows.filter(merchant__slug=wanted.merchant)
    if wanted.status is not None:
        rows = rows.filter(status=wanted.status)
    if wanted.prompt is not None:
        rows = rows.filter(request__prompt_version__prompt=wanted.prompt)
    if wanted.item is not None:
        images = ProductImage.objects.filter(product__external_id=wanted.item).exclude(sha256="")
        if wanted.merchant is not None:
            images = images.filter(merchant__slug=wanted.merchant)
        rows = rows.filter(request__image_sha256__in=images.values("sha256"))
    size = {name: value for name in ("width", "height") if (value := getattr(wanted, name)) is not None}
    if size:
        rows = rows.filter(pk__in=Rendition.objects.filter(**size, creative__isnull=False).values("creative"))
    if wanted.since is not None:
        rows = rows.filter(
            Q(decided_at__gte=wanted.since) | Q(decided_at__isnull=True, created_at__gte=wanted.since)
        )
    return rows
