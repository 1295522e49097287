"""Reading the catalogue: products with their pictures and creatives, imports with their progress."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Prefetch, Q, QuerySet
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from creatives.models import (
    CatalogImport,
    Creative,
    CreativeRequest,
    Merchant,
    Placement,
    Product,
    ProductImage,
    PromptVersion,
    Rendition,
)

STEPS: Final = (
    ("mask", "Mask"),
    ("placed", "Placed"),
    ("edges", "Edges"),
    ("generated", "Generated"),
    ("final", "Final"),
)


CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product of the gallery, its first picture, and how many living creatives show any of its pictures."""

    product: Product
    image: ProductImage | None
    approved: int = 0
    in_review: int = 0


@dataclass(frozen=True, slots=True)
class CreativeCard:
    """A creative with its five steps (label, file) and the placements (or bare sizes) it serves."""

    creative: Creative
    sizes: tuple[str, ...]
    steps: tuple[tuple[str, FieldFile], ...]


@dataclass(slots=True)
class PromptGroup:
    """What was painted, or is to be, with one version of a prompt."""

    version: PromptVersion
    cards: list[CreativeCard] = field(default_factory=list)
    waiting: list[CreativeRequest] = field(default_factory=list)
    failed: list[CreativeRequest] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import has come. ``seconds_left`` is an estimate, ``None`` before there is anything to go by."""

    done: int
    total: int | None
    is_over: bool
    seconds_left: int | None
    errors: int
    warnings: int
    pictures_pending: int
    pictures_failed: int
    pictures_done: int = 0
    pictures_seconds: int | None = None

    @property
    def pictures_total(self) -> int:
        """Pictures that are fetched since the import began, or still to be."""
        return self.pictures_done + self.pictures_pending

    @property
    def is_open(self) -> bool:
        """Whether something is still going on."""
        return not self.is_over or bool(self.pictures_pending)


def products_of(merchant: Merchant) -> QuerySet[Product]:
    """The merchant's products with their pictures at hand."""
    pictures = Prefetch("images", ProductImage.objects.order_by("position"))
    rows: QuerySet[Product] = Product.objects.filter(merchant=merchant)
    return rows.select_related("category").prefetch_related(pictures)


def product_cards(products: Iterable[Product]) -> list[ProductCard]:
    """Gallery cards for one page of products (1 query)."""
    products = list(products)
    pictures = {product.pk: list(product.images.all()) for product in products}
    hashes = {image.sha256 for images in pictures.values() for image in images if image.sha256}
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    rows = (
        Creative.objects.filter(
            merchant__in={product.merchant_id for product in products}, request__image_sha256__in=hashes
        )
        .values_list("request__image_sha256", "status")
        .annotate(n=Count("pk"))
    )
    for sha256, status, count in rows:
        counts[sha256, status] += count
    return [
        ProductCard(
            product,
            next(iter(images), None),
            *(
                sum(counts[sha256, status] for sha256 in {image.sha256 for image in images})
                for status in (Creative.Status.APPROVED, Creative.Status.IN_REVIEW)
            ),
        )
        for product, images in ((product, pictures[product.pk]) for product in products)
    ]


EXPORT: Final = (
    "id", "title", "description", "link", "image_link", "price", "availability", "brand", "color", "product_type", "status",
    "approved", "in_review",
)  # fmt: skip
"""The columns of the catalogue's export: a feed that can be imported again, and two counts."""


def product_rows(products: QuerySet[Product]) -> Iterator[tuple[object, ...]]:
    """The cells of EXPORT, some products at a time (3 queries for each CHUNK)."""
    for start in itertools.count(0, CHUNK):
        cards = product_cards(products[start : start + CHUNK])
        for card in cards:
            row, image = card.product, card.image
            yield (
                row.external_id, row.title, row.description, row.link, image.source_url if image else "",
                f"{row.price} {row.currency}" if row.price is not None else "", row.availability, row.brand, row.color,
                row.category.path if row.category else "", row.status, card.approved, card.in_review,
            )  # fmt: skip
        if len(cards) < CHUNK:
            return


def creatives_of(product: Product) -> list[PromptGroup]:
    """Everything painted or asked for from the product's pictures, by prompt version, newest creatives first."""
    hashes = [image.sha256 for image in product.images.all() if image.sha256]
    requests = (
        CreativeRequest.objects.filter(merchant=product.merchant_id, image_sha256__in=hashes)
        .select_related("prompt_version__prompt")
        .prefetch_related("renditions", Prefetch("creatives", Creative.objects.order_by("-pk")))
        .order_by("prompt_version__prompt__name", "-prompt_version__version", "bucket", "pk")
    )
    names = _placement_names()
    groups: dict[int, PromptGroup] = {}
    for request in requests:
        group = groups.setdefault(request.prompt_version_id, PromptGroup(request.prompt_version))
        if request.status == CreativeRequest.Status.FAILED:
            group.failed.append(request)
        elif request.status != CreativeRequest.Status.DONE:
            group.waiting.append(request)
        sizes = _sizes(request.renditions.all(), names)
        group.cards.extend(
            CreativeCard(creative, sizes, tuple((label, getattr(creative, name)) for name, label in STEPS))
            for creative in request.creatives.all()
        )
    return list(groups.values())


def _placement_names() -> dict[tuple[int, int], list[str]]:
    names: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for placement in Placement.objects.filter(is_active=True):
        names[placement.width, placement.height].append(placement.name)
    return names


def _sizes(renditions: Iterable[Rendition], names: dict[tuple[int, int], list[str]]) -> tuple[str, ...]:
    sizes = sorted({(rendition.width, rendition.height) for rendition in renditions})
    return tuple(f"{' / '.join(names.get(size, [])) or 'Other'} {size[0]}×{size[1]}" for size in sizes)


def import_progress(upload: CatalogImport) -> ImportProgress:
    """Where the import stands (2 queries)."""
    issues: dict[str, Any] = upload.issues.aggregate(
        errors=Count("pk", filter=Q(severity="error")), warnings=Count("pk", filter=Q(severity="warning"))
    )
    pictures: dict[str, Any] = ProductImage.objects.filter(
        merchant=upload.merchant_id, status__in=["pending", "failed"]
    ).aggregate(
        pictures_pending=Count("pk", filter=Q(status="pending")),
        pictures_failed=Count("pk", filter=Q(status="failed")),
    )
    if pictures["pictures_pending"]:
        pictures |= _fetched(upload, pictures["pictures_pending"])
    is_over = upload.status in (CatalogImport.Status.DONE, CatalogImport.Status.FAILED)
    return ImportProgress(
        upload.rows_done,
        upload.rows_total,
        is_over,
        None if is_over else _seconds_left(upload),
        **issues,
        **pictures,
    )


def _fetched(upload: CatalogImport, pending: int) -> dict[str, Any]:
    """Pictures fetched since the import began, and at the pace of the last minute the seconds until all are (1 query)."""
    since = upload.started_at or upload.queued_at
    a_minute_ago = timezone.now() - timedelta(minutes=1)
    done = ProductImage.objects.filter(merchant=upload.merchant_id, fetched_at__gte=since).aggregate(
        all=Count("pk"), lately=Count("pk", filter=Q(fetched_at__gte=a_minute_ago))
    )
    pace = done["lately"] / min(60.0, max((timezone.now() - since).total_seconds(), 1.0))
    left = round(pending / pace) if pace else None
    return {"pictures_done": done["all"], "pictures_seconds": left}


def _seconds_left(upload: CatalogImport) -> int | None:
    if not (upload.started_at and upload.rows_total and upload.rows_done):
        return None
    elapsed: timedelta = timezone.now() - upload.started_at
    return round(elapsed.total_seconds() / upload.rows_done * (upload.rows_total - upload.rows_done))


def counts_of(upload: CatalogImport) -> Sequence[tuple[str, int]]:
    """Label and number of what became of the rows; of a dry run, what would."""
    counts = [
        ("New", upload.created),
        ("Changed", upload.changed),
        ("Unchanged", upload.unchanged),
        ("Retiring" if upload.dry_run else "Retired", upload.retired),
        ("Refused", upload.refused),
    ]
    return [*counts, ("Held back", upload.held_back)] if upload.held_back else counts
