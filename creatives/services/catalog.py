"""Products and pictures by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from creatives.models import Merchant, Product, ProductImage, User
from creatives.services import audit
from creatives.services.images import StoredImage, store_image
from creatives.services.photo_changes import PhotoChange
from creatives.services.product_status import lock_catalogue, retire_with_products, revive_with_products
from creatives.services.wakeups import wake_fetch

PRODUCT_FIELDS: Final = (
    "external_id", "title", "description", "category", "link", "price", "currency", "availability", "brand", "color",
)  # fmt: skip


class CatalogError(ValueError):
    """What a person asked for cannot be done; the message says why."""


def add_product(
    merchant: Merchant,
    values: dict[str, Any],
    *,
    image: bytes | None = None,
    image_url: str = "",
    by: User | None = None,
) -> Product:
    """Add a product of ``values`` (PRODUCT_FIELDS) with a picture by bytes or by address.

    Raises CatalogError when the merchant has the id already, ImageError for a picture that cannot be used.
    """
    stored = store_image(image) if image is not None else None
    try:
        with transaction.atomic():
            product = Product.objects.create(merchant=merchant, **values)
            if stored is not None or image_url:
                _insert_image(product, stored, image_url, position=0)
            _note(product, "added", by)
    except IntegrityError as error:
        raise CatalogError(f"There is a product with the id {values['external_id']} already.") from error
    return product


@transaction.atomic
def edit_product(product_id: int, values: dict[str, Any], by: User | None = None) -> Product:
    """Change the given fields of a product. Raises CatalogError when another product has the new id."""
    product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
    changes = {}
    for name, value in values.items():
        if (before := getattr(product, name)) != value:
            changes[name] = [audit.plain(before), audit.plain(value)]
        setattr(product, name, value)
    product.feed_digest = ""
    try:
        with transaction.atomic():
            product.save(update_fields=[*values, "feed_digest", "updated_at"])
    except IntegrityError as error:
        raise CatalogError(f"There is a product with the id {product.external_id} already.") from error
    if changes:
        _note(product, "changed", by, changes)
    return product


def _note(product: Product, action: str, by: User | None, changes: dict[str, Any] | None = None) -> None:
    url = reverse("product", args=[product.pk])
    audit.note(by, "products", action, product, url=url, merchant=product.merchant, changes=changes)


@transaction.atomic
def set_status(product_id: int, status: str, by: User | None = None) -> int:
    """Retire a product, and its creatives with it, or bring both back; how many creatives went along.

    See ``product_status`` for the rule. Doing it twice changes nothing.
    """
    wanted = Product.Status(status)
    merchant_id = Product.objects.values_list("merchant", flat=True).get(pk=product_id)
    lock_catalogue(merchant_id)
    product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
    if product.status == wanted:
        return 0
    count = retire_with_products(merchant_id, [product_id]) if wanted == Product.Status.RETIRED else 0
    product.status, product.feed_digest = wanted, ""
    product.save(update_fields=["status", "feed_digest", "updated_at"])
    _note(product, "retired" if wanted == Product.Status.RETIRED else "brought back", by)
    return count if wanted == Product.Status.RETIRED else revive_with_products(merchant_id, [product_id])


def add_image(
    product_id: int,
    *,
    image: bytes | None = None,
    image_url: str = "",
    primary: bool = False,
    by: User | None = None,
) -> ProductImage:
    """Add a picture by bytes or by address, as the product's first one if ``primary``. Raises ImageError."""
    stored = store_image(image) if image is not None else None
    with transaction.atomic():
        product = _for_change(product_id)
        last = product.images.aggregate(last=Max("position"))["last"]
        position = 0 if last is None else last + 1
        change = PhotoChange.begin(product.merchant_id, [product_id], ())
        if primary and position:
            product.images.filter(position=0).update(position=position)
            position = 0
        added = _insert_image(product, stored, image_url, position)
        _note(product, "added a photo to", by)
        change.settle()
        return added


@transaction.atomic
def make_primary(image_id: int, product_id: int, by: User | None = None) -> None:
    """Show and paint this picture of the product instead of the present one."""
    product = _for_change(product_id)
    image = product.images.get(pk=image_id)
    if image.position == 0:
        return
    change = PhotoChange.begin(product.merchant_id, [product_id], ())
    free = (product.images.aggregate(last=Max("position"))["last"] or 0) + 1
    product.images.filter(position=0).update(position=free)
    product.images.filter(pk=image.pk).update(position=0)
    _note(product, "chose another photo for", by)
    change.settle()


@transaction.atomic
def remove_image(image_id: int, product_id: int, by: User | None = None) -> None:
    """Remove a picture; the next one takes the first place. What becomes of its creatives: ``photo_changes``."""
    product = _for_change(product_id)
    change = PhotoChange.begin(product.merchant_id, [product_id], [image_id])
    if product.images.filter(pk=image_id).delete()[0]:
        _note(product, "removed a photo of", by)
    if not product.images.filter(position=0).exists() and (following := product.images.first()) is not None:
        product.images.filter(pk=following.pk).update(position=0)
    change.settle()


@transaction.atomic
def retry_images(images: Iterable[int], merchant_id: int) -> int:
    """Fetch failed pictures again; how many."""
    failed = ProductImage.objects.filter(
        pk__in=list(images),
        merchant_id=merchant_id,
        status=ProductImage.Status.FAILED,
        source_url__startswith="http",
    )
    count = failed.update(status=ProductImage.Status.PENDING, error="", attempts=0, due_at=Now())
    if count:
        wake_fetch(merchant_id)
    return count


def _for_change(product_id: int) -> Product:
    """The product, locked; the next import will look at its row again, whatever the row says.

    Imports lock the catalogue before its products, so this does too.
    """
    lock_catalogue(Product.objects.values_list("merchant", flat=True).get(pk=product_id))
    product: Product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
    Product.objects.filter(pk=product_id).update(feed_digest="")
    return product


def _insert_image(product: Product, stored: StoredImage | None, url: str, position: int) -> ProductImage:
    image = ProductImage(merchant_id=product.merchant_id, product=product, position=position, source_url=url)
    if stored is not None:
        image.status, image.file, image.sha256 = ProductImage.Status.READY, stored.name, stored.sha256
        image.width, image.height, image.fetched_at = stored.width, stored.height, timezone.now()
    image.save()
    if stored is None:
        wake_fetch(product.merchant_id)
    return image
