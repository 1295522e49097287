"""A product's creatives as its page shows them: by prompt or by placement, and what the merchant has said of prompts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from creatives.models import (
    Category,
    Creative,
    CreativeRequest,
    Placement,
    Product,
    PromptVersion,
    PromptVeto,
    Rendition,
)

OPEN: Final = ("queued", "running")
PACE_OF: Final = 20
PACE_SPAN: Final = timedelta(minutes=15)
"""The pace of painting is that of the last so many pictures within the last so many minutes."""


@dataclass(frozen=True, slots=True)
class SizedCreative:
    """A creative at the exact size of a placement; ``rendition`` is that size's file."""

    creative: Creative
    rendition: Rendition
    version: PromptVersion


@dataclass(slots=True)
class PlacementGroup:
    """The creatives of one exact size: ``name`` is that of the placements that have it, or the size itself."""

    name: str
    width: int
    height: int
    cards: list[SizedCreative] = field(default_factory=list)


def by_placement(product: Product) -> list[PlacementGroup]:
    """The product's rendered creatives by exact size, living ones first, then newest (2 queries)."""
    hashes = [image.sha256 for image in product.images.all() if image.sha256]
    rows = Rendition.objects.filter(
        creative__merchant=product.merchant_id, creative__request__image_sha256__in=hashes
    ).exclude(file="")
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for placement in Placement.objects.filter(is_active=True):
        names[placement.width, placement.height].append(placement.name)
    groups: dict[tuple[int, int], PlacementGroup] = {}
    related = rows.select_related("creative__request__prompt_version__prompt")
    for row in sorted(related, key=_order):
        size = (row.width, row.height)
        name = " / ".join(names.get(size, [])) or "Other size"
        group = groups.setdefault(size, PlacementGroup(name, *size))
        if row.creative is not None:
            group.cards.append(SizedCreative(row.creative, row, row.creative.request.prompt_version))
    return [groups[size] for size in sorted(groups)]


def _order(row: Rendition) -> tuple[bool, int]:
    assert row.creative is not None
    return row.creative.status not in Creative.ALIVE, -row.creative.pk


@dataclass(frozen=True, slots=True)
class PaintingProgress:
    """Pictures of a product that are painted of those asked for, and in about how many seconds the rest will be.

    The estimate counts what is ahead in the queue, at the pace of the last pictures; None before there is one.
    """

    done: int
    total: int
    seconds_left: int | None


def painting_progress(product: Product) -> PaintingProgress | None:
    """How far the product's open requests have come; None without any (4 queries)."""
    hashes = [image.sha256 for image in product.images.all() if image.sha256]
    mine = CreativeRequest.objects.filter(merchant=product.merchant_id, image_sha256__in=hashes)
    waiting = mine.filter(status__in=OPEN).aggregate(
        count=Count("pk"), first=Min("created_at"), last=Max("pk")
    )
    if not waiting["count"]:
        return None
    done = mine.filter(status="done", finished_at__gte=waiting["first"]).count()
    ahead = CreativeRequest.objects.filter(status__in=OPEN, pk__lte=waiting["last"]).count()
    since = timezone.now() - PACE_SPAN
    latest = CreativeRequest.objects.filter(status="done", finished_at__gte=since).order_by("-finished_at")
    ends = [at for at in latest.values_list("finished_at", flat=True)[:PACE_OF] if at is not None]
    span = (ends[0] - ends[-1]).total_seconds() if len(ends) > 1 else 0.0
    left = round(ahead * span / (len(ends) - 1)) if span else None
    return PaintingProgress(done, done + waiting["count"], left)


def vetoes_for(product: Product) -> QuerySet[PromptVeto]:
    """The merchant's vetoes that keep prompts from this product, by prompt."""
    paths = product.category.lineage() if product.category else []
    rows: QuerySet[PromptVeto] = PromptVeto.objects.filter(
        Q(product=product) | Q(category__path__in=paths), merchant=product.merchant_id
    )
    return rows.select_related("prompt", "product", "category").order_by("prompt__name", "pk")


def approved_files(products: Sequence[Product]) -> QuerySet[Rendition]:
    """Files of the approved creatives of any picture of these products of one merchant, in a stable order."""
    hashes = {image.sha256 for product in products for image in product.images.all() if image.sha256}
    merchants = {product.merchant_id for product in products}
    rows: QuerySet[Rendition] = Rendition.objects.filter(
        creative__merchant__in=merchants,
        creative__request__image_sha256__in=hashes,
        creative__status=Creative.Status.APPROVED,
    ).exclude(file="")
    return rows.select_related("creative__request__prompt_version__prompt").order_by("creative_id", "pk")


def category_choices(product: Product) -> list[Category]:
    """The product's category and those above it, nearest first: what a veto may be about."""
    if product.category is None:
        return []
    found = {
        category.path: category for category in Category.objects.filter(path__in=product.category.lineage())
    }
    return [found[path] for path in product.category.lineage() if path in found]
