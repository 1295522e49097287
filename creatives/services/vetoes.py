"""A merchant's word that a prompt is not for a product, or for a category with all below it.

Its creatives retire at once (reason "prompt not wanted"), unless another product for which the prompt is wanted shows the
same photo; what was still to be painted is given up. When the veto is lifted they come back as what they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from creatives.models import Category, Merchant, Product, ProductImage, Prompt, PromptVeto, User
from creatives.models.catalog import PATH_SEPARATOR
from creatives.selectors.vetoes import vetoes_of, welcomes
from creatives.services import audit
from creatives.services.suspension import Suspension, lock_catalogue, revive, suspend

REASON: Final = "prompt not wanted"


@transaction.atomic
def veto(
    merchant: Merchant,
    prompt: Prompt,
    by: User,
    *,
    product: Product | None = None,
    category: Category | None = None,
) -> int:
    """Use a prompt no more for a product, or for a category and all below it; how many creatives retire.

    Exactly one of ``product`` (of the merchant) and ``category`` is given. Saying it twice changes nothing.
    """
    lock_catalogue(merchant.pk)
    _, is_new = PromptVeto.objects.get_or_create(
        merchant=merchant, prompt=prompt, product=product, category=category, defaults={"created_by": by}
    )
    if not is_new:
        return 0
    _note(by, "said no to", prompt, merchant, product, category)
    concerned = _concerned(merchant.pk, product, category).values_list("pk", flat=True)
    return _enforce(merchant.pk, prompt.pk, set(concerned))


@transaction.atomic
def lift(veto_id: int, by: User | None = None) -> int:
    """Take a veto back; how many creatives return."""
    found = PromptVeto.objects.select_related("product", "category", "prompt", "merchant").get(pk=veto_id)
    lock_catalogue(found.merchant_id)
    found.delete()
    _note(by, "said yes again to", found.prompt, found.merchant, found.product, found.category)
    vetoes = vetoes_of([found.merchant_id])[found.merchant_id]
    products = _concerned(found.merchant_id, found.product, found.category).select_related("category")
    free = [row.pk for row in products if welcomes(row, found.prompt_id, vetoes)]
    photos = sorted(_photos(found.merchant_id, free))
    return revive(Suspension(found.merchant_id, REASON, found.prompt_id), photos)


def enforce(merchant_id: int, product_ids: Iterable[int]) -> int:
    """Retire what the merchant's vetoes say of these products; how many creatives.

    The caller's transaction holds ``lock_catalogue``.
    """
    vetoes = vetoes_of([merchant_id])[merchant_id]
    unwanted: dict[int, set[int]] = {}
    for product in Product.objects.filter(pk__in=set(product_ids)).select_related("category"):
        for prompt_id in vetoes.of(product.pk, product.category):
            unwanted.setdefault(prompt_id, set()).add(product.pk)
    return sum(_enforce(merchant_id, prompt_id, ids) for prompt_id, ids in sorted(unwanted.items()))


def _enforce(merchant_id: int, prompt_id: int, product_ids: set[int]) -> int:
    """Retire the prompt's creatives of these products' photos, but for photos of products that want it."""
    shown = _photos(merchant_id, product_ids)
    vetoes = vetoes_of([merchant_id])[merchant_id]
    images = ProductImage.objects.filter(merchant=merchant_id, sha256__in=shown)
    others = Product.objects.filter(pk__in=images.values("product"), status=Product.Status.ACTIVE)
    wanting = [row.pk for row in others.select_related("category") if welcomes(row, prompt_id, vetoes)]
    unwanted = sorted(shown - _photos(merchant_id, wanting))
    return suspend(Suspension(merchant_id, REASON, prompt_id), unwanted)


def _note(
    by: User | None,
    action: str,
    prompt: Prompt,
    merchant: Merchant,
    product: Product | None,
    category: Category | None,
) -> None:
    url = reverse("product", args=[product.pk]) if product else ""
    audit.note(by, "products", action, f"{prompt} for {product or category}", url=url, merchant=merchant)


def _concerned(merchant_id: int, product: Product | None, category: Category | None) -> QuerySet[Product]:
    """The active products that a veto is about."""
    rows: QuerySet[Product] = Product.objects.filter(merchant=merchant_id, status=Product.Status.ACTIVE)
    if product is not None:
        return rows.filter(pk=product.pk)
    assert category is not None
    below = Q(category__path__startswith=f"{category.path}{PATH_SEPARATOR}")
    return rows.filter(Q(category=category) | below)


def _photos(merchant_id: int, product_ids: Iterable[int]) -> set[str]:
    images = ProductImage.objects.filter(merchant=merchant_id, product__in=set(product_ids)).exclude(
        sha256=""
    )
    return set(images.values_list("sha256", flat=True))
