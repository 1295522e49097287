"""Which pictures of a product a feed's row adds, changes, tries again or drops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Min, Q

from creatives.feeds import ABSENT, FeedRow
from creatives.models import ProductImage
from creatives.selectors.arrays import any_id
from creatives.services.images import StoredImage

ZIP_PREFIX: Final = "zip:"
PENDING: Final = ProductImage.Status.PENDING.value
READY: Final = ProductImage.Status.READY.value
FAILED: Final = ProductImage.Status.FAILED.value
COLUMNS: Final = (
    "position", "source_url", "status", "error", "file", "sha256", "width", "height", "fetched_at",
)  # fmt: skip

Pictures = Mapping[str, StoredImage]


@dataclass(slots=True)
class Picture:
    """A picture of a product, stored (``pk``) or to be."""

    pk: int | None = None
    position: int = 0
    source_url: str = ""
    status: str = PENDING
    error: str = ""
    file: str = ""
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    fetched_at: datetime | None = None

    def show(self, source: str, stored: StoredImage | None, known: Picture | None = None) -> None:
        """Show ``source``: bytes of the ZIP, a picture known already, or one still to be fetched."""
        self.source_url, self.error = source, ""
        if stored is not None:
            self.status, self.file, self.sha256 = READY, stored.name, stored.sha256
            self.width, self.height = stored.width, stored.height
        elif known is not None:
            for name in COLUMNS[2:]:
                setattr(self, name, getattr(known, name))
        else:
            self.status = PENDING

    def row(self) -> tuple[object, ...]:
        """The values of COLUMNS."""
        return _VALUES(self)


_VALUES: Final = attrgetter(*COLUMNS)


@dataclass(slots=True)
class PicturePlan:
    """Pictures to write, failed ones to try again (no change of the product), and ids of those to drop."""

    writes: list[Picture] = field(default_factory=list)
    retries: list[Picture] = field(default_factory=list)
    drops: list[int] = field(default_factory=list)


def stored_pictures(product_ids: Iterable[int]) -> dict[int, list[Picture]]:
    """The pictures of each product by position (1 query); products without any are left out."""
    found: dict[int, list[Picture]] = {}
    rows = ProductImage.objects.filter(product__in=any_id(product_ids)).order_by("product_id", "position")
    for product_id, *values in rows.values_list("product_id", "pk", *COLUMNS):
        found.setdefault(product_id, []).append(Picture(*values))
    return found


def shown_links(product_ids: Iterable[int]) -> dict[int, list[str]]:
    """The addresses of each product's pictures by position, the main one first (1 query).

    Left out are products without any, with a failed one, with one by hand, and those without a main one.
    """
    rows = (
        ProductImage.objects.filter(product__in=any_id(product_ids))
        .order_by()
        .values_list("product_id")
        .annotate(
            links=ArrayAgg("source_url", order_by="position"),
            first=Min("position"),
            specials=Count("pk", filter=Q(status=FAILED) | Q(source_url="")),
        )
    )
    return {pk: links for pk, links, first, specials in rows if not first and not specials}


def links_of(row: FeedRow) -> list[str]:
    """The pictures that a row names, the main one first, each once."""
    more = row.additional_image_link if isinstance(row.additional_image_link, tuple) else ()
    return list(dict.fromkeys([row.image_link, *more] if isinstance(row.image_link, str) else more))


def plan_pictures(existing: Sequence[Picture], row: FeedRow, pictures: Pictures) -> PicturePlan:
    """Compare the pictures that a row names with those of the product.

    A picture added by hand (without ``source_url``) is never touched; one the feed already brought stays
    where it is.
    """
    links = links_of(row)
    if not existing:  # without a main picture the first place is kept free for one
        start = 0 if isinstance(row.image_link, str) else 1
        return PicturePlan([_new(link, position, pictures) for position, link in enumerate(links, start)])
    return _compared(existing, row, links, pictures)


def _new(link: str, position: int, pictures: Pictures) -> Picture:
    picture = Picture(None, position, link)
    if (stored := pictures.get(link)) is not None:
        picture.show(f"{ZIP_PREFIX}{link}", stored)
    return picture


def _compared(existing: Sequence[Picture], row: FeedRow, links: list[str], pictures: Pictures) -> PicturePlan:
    plan = PicturePlan()
    by_source = {picture.source_url: picture for picture in existing if picture.source_url}
    main = next((picture for picture in existing if picture.position == 0), None)
    free = max(picture.position for picture in existing) + 1
    wanted = set()
    for link in links:
        stored = pictures.get(link)
        source = f"{ZIP_PREFIX}{link}" if stored else link
        wanted.add(source)
        picture = by_source.get(source)
        is_main = link == row.image_link
        if is_main and main is not None and main.source_url and main is not picture:
            by_source.pop(main.source_url, None)
            if picture is not None and picture.pk is not None:
                plan.drops.append(picture.pk)
            main.show(source, stored, picture)
            plan.writes.append(main)
        elif picture is None:
            picture = Picture(position=0 if is_main and main is None else free)
            free = max(free, picture.position + 1)
            picture.show(source, stored)
            plan.writes.append(picture)
        elif stored is not None and picture.sha256 != stored.sha256:
            picture.show(source, stored)
            plan.writes.append(picture)
        elif picture.status == FAILED:
            picture.show(source, stored)
            plan.retries.append(picture)
    if row.additional_image_link is not ABSENT:
        gone = [found for source, found in by_source.items() if source not in wanted and found is not main]
        plan.drops.extend(found.pk for found in gone if found.pk is not None)
    return plan
