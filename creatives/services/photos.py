"""The product photos that requests are about."""

from __future__ import annotations

from creatives.models import ProductImage
from creatives.services.files import load


class PhotoMissingError(ValueError):
    """The photo has left the catalogue since it was asked for."""


def photo_of(merchant_id: int, sha256: str) -> bytes:
    """The encoded photo of the merchant with this content. Raises PhotoMissingError."""
    image = (
        ProductImage.objects.filter(merchant=merchant_id, sha256=sha256, status=ProductImage.Status.READY)
        .exclude(file="")
        .order_by("pk")
        .first()
    )
    if image is None:
        raise PhotoMissingError(f"the photo {sha256[:12]}… is no longer in the catalogue")
    try:
        return load(str(image.file.name))
    except FileNotFoundError as error:
        raise PhotoMissingError(f"the file of photo {sha256[:12]}… is gone from the storage") from error
