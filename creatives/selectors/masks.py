"""Reading masks: the one in force for a picture, and those that a person should look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from creatives.models import ImageMask, Merchant, ProductImage
from creatives.pipeline.segment import DOUBTFUL

SHOWN: Final = {"doubtful": "To be checked", "fixed": "Fixed or confirmed", "all": "All"}


@dataclass(frozen=True, slots=True)
class MaskCard:
    """A photo's mask in force, and one product picture that shows the photo."""

    mask: ImageMask
    image: ProductImage


def mask_in_force(image: ProductImage) -> ImageMask | None:
    """The latest revision of the mask of a picture; None before the segmenter has looked at it."""
    rows = ImageMask.objects.filter(merchant=image.merchant_id, image_sha256=image.sha256)
    return rows.order_by("-revision").select_related("created_by").first()


def masks_of(merchant: Merchant, shown: str = "doubtful") -> QuerySet[ImageMask]:
    """The masks in force of photos that the catalogue still shows, the least sure first."""
    pictures = ProductImage.objects.filter(merchant=merchant, status=ProductImage.Status.READY)
    rows = ImageMask.objects.filter(merchant=merchant).in_force()
    rows = rows.filter(image_sha256__in=pictures.values("sha256"))
    if shown == "doubtful":
        rows = rows.filter(source=ImageMask.Source.SEGMENTER, confidence__lt=DOUBTFUL)
    elif shown == "fixed":
        rows = rows.filter(revision__gt=0)
    return rows.order_by("confidence", "pk")


def mask_cards(merchant: Merchant, masks: Iterable[ImageMask]) -> list[MaskCard]:
    """Cards for one page of masks (1 query)."""
    masks = list(masks)
    pictures = ProductImage.objects.filter(
        merchant=merchant, sha256__in=[mask.image_sha256 for mask in masks]
    )
    by_photo: dict[str, ProductImage] = {}
    for image in pictures.select_related("product").order_by("-pk"):
        by_photo[image.sha256] = image
    return [MaskCard(mask, by_photo[mask.image_sha256]) for mask in masks if mask.image_sha256 in by_photo]
