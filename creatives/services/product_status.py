"""A product's creatives retire with it, and come back with it as what they were.

The rule. When the last active product that shows a photo retires, every living creative of that photo retires with the
reason "product retired", recommenders are told, and what was still to be painted is given up. When a product comes back
with the same photo, its creatives return to where they were (approved ones are served and announced again, those in
review go back to the queue) unless their prompt has retired or their request has been painted again meanwhile; what was
given up is asked for again. Creatives that retired for any other reason stay retired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now
from django.utils import timezone

from creatives.models import Creative, CreativeRequest, Merchant, Product, ProductImage
from creatives.outbox import wake
from creatives.services.delivery import announce_all
from creatives.services.generation import bucket_key
from creatives.services.retries import fail

REASON: Final = "product retired"
GIVEN_UP: Final = f"given up: {REASON}"
BATCH: Final = 500


def is_offered(merchant_id: int, image_sha256: str, lock: bool = False) -> bool:
    """Whether an active product of the merchant shows the photo.

    With ``lock`` one that does stays active until the caller's transaction ends.
    """
    rows = Product.objects.filter(
        pk__in=ProductImage.objects.filter(merchant=merchant_id, sha256=image_sha256).values("product"),
        status=Product.Status.ACTIVE,
    )
    if not lock:
        return rows.exists()
    while (product_id := rows.order_by("pk").values_list("pk", flat=True).first()) is not None:
        one = Product.objects.select_for_update(no_key=True).filter(
            pk=product_id, status=Product.Status.ACTIVE
        )
        if one.first() is not None:
            return True  # else it has retired while we waited for its row: is there another?
    return False


def lock_catalogue(merchant_id: int) -> None:
    """Wait for whoever else changes the merchant's products in bulk or retires some; for the caller's transaction."""
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)


def retire_with_products(merchant_id: int, product_ids: Iterable[int]) -> int:
    """Retire the creatives of products that are about to retire; how many.

    Call it before the products' status changes, in the same transaction and under ``lock_catalogue``: messages still
    name the products.
    """
    leaving = set(product_ids)
    shown = _photos(ProductImage.objects.filter(merchant=merchant_id, product__in=leaving))
    gone = sorted(shown - _photos_of_others(merchant_id, shown, leaving))
    count = 0
    for start in range(0, len(gone), BATCH):
        photos = gone[start : start + BATCH]
        _give_up(merchant_id, photos)
        count += _retire(merchant_id, photos)
    return count


def revive_with_products(merchant_id: int, product_ids: Iterable[int]) -> int:
    """Bring back what retired with products that have become active again; how many creatives live again.

    Call it after the products' status has changed, in the same transaction and under ``lock_catalogue``.
    """
    photos = sorted(_photos(ProductImage.objects.filter(merchant=merchant_id, product__in=set(product_ids))))
    count = 0
    for start in range(0, len(photos), BATCH):
        some = photos[start : start + BATCH]
        count += _revive(merchant_id, some)
        _ask_again(merchant_id, some)
    return count


def _photos(images: QuerySet[ProductImage]) -> set[str]:
    return set(images.exclude(sha256="").values_list("sha256", flat=True))


def _photos_of_others(merchant_id: int, photos: set[str], leaving: set[int]) -> set[str]:
    """Those of ``photos`` that active products which stay show as well; these products are kept from changing."""
    images = ProductImage.objects.filter(merchant=merchant_id, sha256__in=photos).exclude(product__in=leaving)
    staying = (
        Product.objects.select_for_update(no_key=True)
        .filter(pk__in=images.values("product"), status=Product.Status.ACTIVE)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return _photos(images.filter(product__in=list(staying)))


def _give_up(merchant_id: int, photos: Sequence[str]) -> None:
    waiting = CreativeRequest.objects.select_for_update(of=("self",)).filter(
        merchant=merchant_id, image_sha256__in=photos, status=CreativeRequest.Status.QUEUED
    )
    for request in waiting.select_related("merchant", "prompt_version").order_by("pk"):
        fail(request, GIVEN_UP, told=REASON)


def _retire(merchant_id: int, photos: Sequence[str]) -> int:
    living = _creatives(merchant_id, photos).filter(status__in=Creative.ALIVE)
    ids = list(living.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    Creative.objects.filter(pk__in=ids).update(
        retired_from=F("status"), status=Creative.Status.RETIRED, reason=REASON, decided_at=timezone.now()
    )
    _announce(ids, "retired")
    return len(ids)


def _revive(merchant_id: int, photos: Sequence[str]) -> int:
    """The latest creative of each request that retired with the product, where nothing has taken its place."""
    asleep = _creatives(merchant_id, photos).filter(
        status=Creative.Status.RETIRED, reason=REASON, request__prompt_version__retired_at=None
    )
    requests = CreativeRequest.objects.filter(pk__in=asleep.exclude(retired_from="").values("request"))
    locked = list(requests.select_for_update().order_by("pk").values_list("pk", flat=True))
    taken = Creative.objects.filter(request__in=locked, status__in=Creative.ALIVE).values("request")
    latest = (
        asleep.filter(request__in=locked)
        .exclude(retired_from="")
        .exclude(request__in=taken)
        .order_by("request", "-pk")
        .distinct("request")
    )
    ids = list(latest.values_list("pk", flat=True))
    rows = Creative.objects.filter(pk__in=ids)
    undecided = Q(retired_from=Creative.Status.IN_REVIEW)
    rows.update(
        decided_at=Case(When(undecided, then=None), default=Now()),
        status=F("retired_from"),
        retired_from="",
        reason="",
    )
    _announce(list(rows.filter(status=Creative.Status.APPROVED).values_list("pk", flat=True)), "approved")
    return len(ids)


def _ask_again(merchant_id: int, photos: Sequence[str]) -> None:
    given_up = CreativeRequest.objects.filter(
        merchant=merchant_id,
        image_sha256__in=photos,
        status=CreativeRequest.Status.FAILED,
        error=GIVEN_UP,
        prompt_version__retired_at=None,
    )
    rows = list(given_up.select_for_update(of=("self",)).order_by("pk"))
    CreativeRequest.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=CreativeRequest.Status.QUEUED, attempts=0, due_at=Now(), error="", finished_at=None
    )
    wake("generate", {bucket_key(row.pipeline_version, row.bucket) for row in rows})


def _creatives(merchant_id: int, photos: Sequence[str]) -> QuerySet[Creative]:
    rows: QuerySet[Creative] = Creative.objects.filter(merchant=merchant_id)
    return rows.filter(request__merchant=merchant_id, request__image_sha256__in=photos)


def _announce(ids: Sequence[int], event: str) -> None:
    rows = Creative.objects.select_related("request__merchant", "request__prompt_version")
    announce_all(list(rows.filter(pk__in=ids).prefetch_related("renditions").order_by("pk")), event)
