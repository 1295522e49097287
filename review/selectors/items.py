"""All that the desk shows of creatives, in a fixed number of queries however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from creatives.models import Creative, Product, ProductImage

LOOK_BACK = 400  # the latest creatives that are looked through for siblings
STEPS = (("mask", "Mask"), ("placed", "Placed"), ("edges", "Edges"), ("generated", "Painted"))


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the pipeline as a picture."""

    name: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """A creative, its photo, products and steps, what the quality gate measured, and what the steps warn of."""

    creative: Creative
    original: ProductImage | None
    products: tuple[Product, ...]
    steps: tuple[Step, ...]
    scores: tuple[tuple[str, float], ...]
    verdict: str
    findings: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def product(self) -> Product | None:
        """The first of its products; another merchant's product never appears, a deleted one is None."""
        return self.products[0] if self.products else None

    def step_url(self, name: str) -> str:
        """URL of a step's picture; empty when it was not kept."""
        return next((step.url for step in self.steps if step.name == name), "")

    @property
    def is_wide(self) -> bool:
        """Whether the creative is a banner that needs the larger part of the screen: twice as wide as high or more."""
        width, _, height = self.creative.request.bucket.partition("x")
        return width.isdigit() and height.isdigit() and int(width) >= 2 * int(height)

    @property
    def mask_url(self) -> str:
        """URL of the product's mask, of the photo's size."""
        return self.step_url("mask")

    @property
    def placed_url(self) -> str:
        """URL of the product alone, of the creative's size."""
        return self.step_url("placed")

    @property
    def edges_url(self) -> str:
        """URL of the edges that the painting had to honour, of the creative's size."""
        return self.step_url("edges")

    @property
    def final_url(self) -> str:
        """URL of the finished picture."""
        return str(self.creative.final.url) if self.creative.final else ""

    @property
    def original_url(self) -> str:
        """URL of the product photo; empty when the photo is gone."""
        return str(self.original.file.url) if self.original and self.original.file else ""


def items(creative_ids: Sequence[int]) -> list[Item]:
    """The creatives of these ids, in this order; ids that do not exist are left out."""
    return with_details(Creative.objects.filter(pk__in=creative_ids), order=creative_ids)


def with_details(creatives: QuerySet[Creative], order: Sequence[int] | None = None) -> list[Item]:
    """Items of ``creatives``, in the order of the ids in ``order`` or that of the queryset. Two queries."""
    rows = list(creatives.select_related("merchant", "request__prompt_version__prompt__category"))
    if order is not None:
        place = {creative_id: index for index, creative_id in enumerate(order)}
        rows.sort(key=lambda creative: place[creative.pk])
    images = _images(rows)
    return [_item(creative, images[creative.merchant_id, creative.request.image_sha256]) for creative in rows]


def siblings(of: Sequence[Item], limit: int = 8) -> dict[int, list[Creative]]:
    """Other creatives of each item's products and photo, latest first; retired ones are left out. Two queries."""
    photos: dict[int, set[str]] = defaultdict(set)
    products = {product.pk for item in of for product in item.products}
    for product_id, sha256 in ProductImage.objects.filter(product__in=products).values_list(
        "product", "sha256"
    ):
        photos[product_id].add(sha256)
    wanted = {item.creative.pk: _photos_of(item, photos) for item in of}
    rows = (
        Creative.objects.filter(
            merchant__in={item.creative.merchant_id for item in of},
            request__image_sha256__in=set().union(*wanted.values()),
        )
        .exclude(status=Creative.Status.RETIRED)
        .select_related("request__prompt_version")
        .order_by("-pk")[:LOOK_BACK]
    )
    found = list(rows) if of else []
    return {
        item.creative.pk: [
            row
            for row in found
            if row.merchant_id == item.creative.merchant_id
            and row.pk != item.creative.pk
            and row.request.image_sha256 in wanted[item.creative.pk]
        ][:limit]
        for item in of
    }


def _photos_of(item: Item, photos: dict[int, set[str]]) -> set[str]:
    own = {item.creative.request.image_sha256}
    return own.union(*(photos[product.pk] for product in item.products)) - {""}


def _images(creatives: Iterable[Creative]) -> dict[tuple[int, str], list[ProductImage]]:
    wanted = {(creative.merchant_id, creative.request.image_sha256) for creative in creatives}
    found: dict[tuple[int, str], list[ProductImage]] = defaultdict(list)
    rows = ProductImage.objects.filter(
        merchant__in={merchant for merchant, _ in wanted}, sha256__in={sha256 for _, sha256 in wanted}
    )
    for image in rows.select_related("product__category").order_by("product_id", "position"):
        found[image.merchant_id, image.sha256].append(image)
    return found


def _item(creative: Creative, images: list[ProductImage]) -> Item:
    record = creative.record if isinstance(creative.record, dict) else {}
    steps = ((name, label, getattr(creative, name)) for name, label in STEPS)
    return Item(
        creative=creative,
        original=images[0] if images else None,
        products=tuple({image.product_id: image.product for image in images}.values()),
        steps=tuple(Step(name, label, file.url) for name, label, file in steps if file),
        scores=_scores(record),
        verdict=str(record.get("verdict") or ""),
        findings=tuple(map(str, record.get("reasons") or ())),
        warnings=tuple(map(str, record.get("warnings") or ())),
    )


def _scores(record: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    quality = record.get("quality")
    if not isinstance(quality, dict):
        return ()
    return tuple(
        (name.replace("_", " "), float(value))
        for name, value in quality.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
