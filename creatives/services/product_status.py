"""A product's creatives retire with it, and come back with it as what they were.

The rule. When the last active product that shows a photo retires, every living creative of that photo retires with the
reason "product retired", recommenders are told, and what was still to be painted is given up. When a product comes back
with the same photo, its creatives return to where they were (approved ones are served and announced again, those in
review go back to the queue) unless their prompt has retired or is not wanted any more, or their request has been painted
again meanwhile; what was given up is asked for again. Creatives that retired for any other reason stay retired.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import QuerySet

from creatives.models import Product, ProductImage, PromptVeto
from creatives.selectors.vetoes import vetoes_of, welcomes
from creatives.services import suspension
from creatives.services.suspension import Suspension, lock_catalogue
from creatives.services.vetoes import enforce

REASON: Final = "product retired"
GIVEN_UP: Final = f"given up: {REASON}"

__all__ = [
    "GIVEN_UP",
    "REASON",
    "is_offered",
    "lock_catalogue",
    "retire_with_products",
    "revive_with_products",
]


def is_offered(merchant_id: int, image_sha256: str, prompt_id: int, lock: bool = False) -> bool:
    """Whether an active product of the merchant shows the photo, and the prompt is wanted for it.

    With ``lock`` one that does stays active until the caller's transaction ends.
    """
    vetoes = vetoes_of([merchant_id])[merchant_id]
    shown = ProductImage.objects.filter(merchant=merchant_id, sha256=image_sha256).values("product")
    rows = Product.objects.filter(pk__in=shown, status=Product.Status.ACTIVE).select_related("category")
    wanting = (product.pk for product in rows.order_by("pk") if welcomes(product, prompt_id, vetoes))
    return any(not lock or _stays(product_id) for product_id in wanting)


def _stays(product_id: int) -> bool:
    """Whether the product is still active once nobody else is changing it; it is ours then."""
    rows = Product.objects.select_for_update(no_key=True).filter(pk=product_id, status=Product.Status.ACTIVE)
    return rows.first() is not None


def retire_with_products(merchant_id: int, product_ids: Iterable[int]) -> int:
    """Retire the creatives of products that are about to retire; how many.

    Call it before the products' status changes, in the same transaction and under ``lock_catalogue``: messages still
    name the products.
    """
    leaving = set(product_ids)
    shown = _photos(ProductImage.objects.filter(merchant=merchant_id, product__in=leaving))
    gone = sorted(shown - _photos_of_others(merchant_id, shown, leaving))
    return suspension.suspend(Suspension(merchant_id, REASON), gone)


def revive_with_products(merchant_id: int, product_ids: Iterable[int]) -> int:
    """Bring back what retired with products that have become active again; how many creatives live again.

    Call it after the products' status has changed, in the same transaction and under ``lock_catalogue``.
    """
    returning = set(product_ids)
    photos = sorted(_photos(ProductImage.objects.filter(merchant=merchant_id, product__in=returning)))
    count = suspension.revive(Suspension(merchant_id, REASON), photos)
    if photos and PromptVeto.objects.filter(merchant=merchant_id).exists():
        count -= enforce(merchant_id, returning)
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
