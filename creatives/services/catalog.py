"""Products by hand, uploads of feeds, and the sweep that no upload or picture is forgotten."""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final, Protocol

from django.conf import settings
from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from creatives.models import CatalogImport, Merchant, Product, ProductImage, User
from creatives.services.images import StoredImage, store_image
from creatives.services.product_status import lock_catalogue, retire_with_products, revive_with_products
from creatives.services.wakeups import wake_fetch, wake_import

CHUNK: Final = 1 << 20
PRODUCT_FIELDS: Final = (
    "external_id", "title", "description", "category", "link", "price", "currency", "availability", "brand", "color",
)  # fmt: skip
GIVE_UP_AFTER: Final = timedelta(days=1)
WAKE_AGAIN_AFTER: Final = timedelta(minutes=1)


class CatalogError(ValueError):
    """What a person asked for cannot be done; the message says why."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def start_import(
    merchant: Merchant,
    source: Readable,
    filename: str,
    *,
    mode: str = CatalogImport.Mode.UPSERT,
    dry_run: bool = False,
    strict: bool = False,
    user: User | None = None,
    queue: bool = True,
) -> CatalogImport:
    """Store an upload and, with ``queue``, have a worker import it; without, the caller runs ``run_import``.

    Raises CatalogError for an unknown mode, an empty upload, and one over ``CATALOG_MAX_UPLOAD_BYTES``.
    """
    if mode not in CatalogImport.Mode.values:
        raise CatalogError(f"mode is {' or '.join(CatalogImport.Mode.values)}, not {mode!r}.")
    with tempfile.TemporaryFile() as spool:
        _copy_capped(source, spool.write)
        spool.seek(0)
        upload = CatalogImport(
            merchant=merchant, created_by=user, filename=_plain_name(filename)[-255:], mode=mode,
            dry_run=dry_run, strict=strict,
        )  # fmt: skip
        name = f"imports/{uuid.uuid4().hex}/{_plain_name(filename)[-80:]}"
        upload.file.save(name, File(spool), save=False)
    with transaction.atomic():
        upload.save()
        if queue:
            wake_import(upload.pk)
    return upload


def apply_dry_run(upload: CatalogImport, user: User) -> CatalogImport:
    """Import for real the file of a dry run. Raises CatalogError for an import that was none, or that failed."""
    if not upload.dry_run or upload.status != CatalogImport.Status.DONE:
        raise CatalogError("Only a dry run that is done can be imported for real.")
    with upload.file.open("rb") as stored:
        return start_import(
            upload.merchant, stored, upload.filename, mode=upload.mode, strict=upload.strict, user=user
        )


def _copy_capped(source: Readable, write: Callable[[bytes], Any]) -> None:
    limit = settings.CATALOG_MAX_UPLOAD_BYTES
    total = 0
    while chunk := source.read(CHUNK):
        total += len(chunk)
        if total > limit:
            raise CatalogError(f"The upload has more than {limit >> 20} MB; split it.")
        write(chunk)
    if not total:
        raise CatalogError("The upload is empty.")


def _plain_name(filename: str) -> str:
    base = re.split(r"[/\\]", filename)[-1]
    return re.sub(r"[^\w.-]+", "_", base).strip("._") or "feed"


def add_product(
    merchant: Merchant, values: dict[str, Any], *, image: bytes | None = None, image_url: str = ""
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
    except IntegrityError as error:
        raise CatalogError(f"There is a product with the id {values['external_id']} already.") from error
    return product


@transaction.atomic
def edit_product(product_id: int, values: dict[str, Any]) -> Product:
    """Change the given fields of a product. Raises CatalogError when another product has the new id."""
    product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
    for name, value in values.items():
        setattr(product, name, value)
    try:
        with transaction.atomic():
            product.save(update_fields=[*values, "updated_at"])
    except IntegrityError as error:
        raise CatalogError(f"There is a product with the id {product.external_id} already.") from error
    return product


@transaction.atomic
def set_status(product_id: int, status: str) -> int:
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
    return count if wanted == Product.Status.RETIRED else revive_with_products(merchant_id, [product_id])


def add_image(
    product_id: int, *, image: bytes | None = None, image_url: str = "", primary: bool = False
) -> ProductImage:
    """Add a picture by bytes or by address, as the product's first one if ``primary``. Raises ImageError."""
    stored = store_image(image) if image is not None else None
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
        last = product.images.aggregate(last=Max("position"))["last"]
        position = 0 if last is None else last + 1
        if primary and position:
            product.images.filter(position=0).update(position=position)
            position = 0
        return _insert_image(product, stored, image_url, position)


@transaction.atomic
def make_primary(image_id: int, product_id: int) -> None:
    """Show and paint this picture of the product instead of the present one."""
    product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
    image = product.images.get(pk=image_id)
    if image.position == 0:
        return
    free = (product.images.aggregate(last=Max("position"))["last"] or 0) + 1
    product.images.filter(position=0).update(position=free)
    product.images.filter(pk=image.pk).update(position=0)


@transaction.atomic
def remove_image(image_id: int, product_id: int) -> None:
    """Remove a picture; the next one takes the first place. Creatives made from it stay what they are."""
    product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
    product.images.filter(pk=image_id).delete()
    if not product.images.filter(position=0).exists() and (following := product.images.first()) is not None:
        product.images.filter(pk=following.pk).update(position=0)


@transaction.atomic
def retry_images(images: Iterable[int], merchant_id: int) -> int:
    """Fetch failed pictures again; how many."""
    failed = ProductImage.objects.filter(
        pk__in=list(images),
        merchant_id=merchant_id,
        status=ProductImage.Status.FAILED,
        source_url__startswith="http",
    )
    count = failed.update(status=ProductImage.Status.PENDING, error="")
    if count:
        wake_fetch(merchant_id)
    return count


def _insert_image(product: Product, stored: StoredImage | None, url: str, position: int) -> ProductImage:
    image = ProductImage(merchant_id=product.merchant_id, product=product, position=position, source_url=url)
    if stored is not None:
        image.status, image.file, image.sha256 = ProductImage.Status.READY, stored.name, stored.sha256
        image.width, image.height, image.fetched_at = stored.width, stored.height, timezone.now()
    image.save()
    if stored is None:
        wake_fetch(product.merchant_id)
    return image


def sweep() -> int:
    """Wake whatever waits without a live job: imports whose worker is gone, pictures still to be fetched.

    An import that nobody managed to finish within a day fails, in sight. Returns how many were woken.
    """
    now = timezone.now()
    open_imports = CatalogImport.objects.filter(status__in=["queued", "running"])
    open_imports.filter(queued_at__lt=now - GIVE_UP_AFTER).update(
        status=CatalogImport.Status.FAILED, error="The import did not finish within a day.", finished_at=now
    )
    waiting = set(
        open_imports.filter(status="queued", queued_at__lt=now - WAKE_AGAIN_AFTER).values_list(
            "pk", flat=True
        )
    ) | set(open_imports.filter(status="running", lease_until__lt=now).values_list("pk", flat=True))
    for import_id in sorted(waiting):
        wake_import(import_id)
    merchants = set(
        ProductImage.objects.filter(status=ProductImage.Status.PENDING).values_list("merchant_id", flat=True)
    )
    wake_fetch(*merchants)
    return len(waiting) + len(merchants)
