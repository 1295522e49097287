"""A photo that no product shows any more takes its creatives along, and those of the photo in its place are asked for.

The rule. A creative of a photo that was replaced or removed shows a product that is not sold like that any more: it retires
in the same transaction (reason "photo replaced"), recommenders are told, and the plain new photo is served until new
creatives are approved. These are asked for at once, for the same prompts and sizes, so that nobody has to come back.
When a product shows the photo again, its creatives return to where they were, as with retired products.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from django.db import connection
from django.db.models import QuerySet

from creatives.models import Merchant, Product, ProductImage, PromptVeto, Rendition
from creatives.selectors.vetoes import vetoes_of, welcomes
from creatives.services.generation import Want, request_creatives
from creatives.services.suspension import Suspension, lock_catalogue, revive, suspend
from creatives.services.vetoes import enforce

REASON: Final = "photo replaced"


@dataclass
class PhotoChange:
    """A change of products' pictures under way: ``begin`` before the rows change, ``settle`` after, in one transaction."""

    merchant_id: int
    products: frozenset[int]
    before: dict[int, str] = field(default_factory=dict)
    retired: int = 0

    @classmethod
    def begin(
        cls, merchant_id: int, products: Iterable[int], leaving: Collection[int], coming: Collection[str] = ()
    ) -> Self:
        """Retire the creatives of photos that go with the pictures ``leaving`` (ids) and no active product keeps.

        ``coming`` are photos (SHA-256) that the change itself puts in place. Waits for ``lock_catalogue``.
        """
        lock_catalogue(merchant_id)
        change = cls(merchant_id, frozenset(products))
        change.before = dict(change._main_pictures().values_list("product_id", "sha256"))
        gone = [photo for photo in _gone(merchant_id, leaving) if photo not in set(coming)]
        change.retired = suspend(Suspension(merchant_id, REASON), gone)
        return change

    def settle(self) -> int:
        """Bring back creatives of photos that are shown again, and ask for those of new ones; how many live again."""
        ready = self._main_pictures().filter(status=ProductImage.Status.READY)
        after = dict(ready.values_list("product_id", "sha256"))
        new = {pk: photo for pk, photo in after.items() if photo != self.before.get(pk)}
        back = revive(Suspension(self.merchant_id, REASON), sorted(set(new.values())))
        if new and PromptVeto.objects.filter(merchant=self.merchant_id).exists():
            back -= enforce(self.merchant_id, new)
        self._ask_for(new)
        return back

    def _main_pictures(self) -> QuerySet[ProductImage]:
        """Those with a photo: one whose successor is still to be fetched counts until then."""
        return ProductImage.objects.filter(product__in=self.products, position=0).exclude(sha256="")

    def _ask_for(self, new: dict[int, str]) -> None:
        """The new photo of each active product with the prompts and sizes in which its old one was wanted."""
        pairs = {pk: photo for pk, photo in new.items() if pk in self.before}
        if not pairs:
            return
        products = Product.objects.filter(pk__in=pairs, status=Product.Status.ACTIVE)
        vetoes = vetoes_of([self.merchant_id])[self.merchant_id]
        wants: list[Want] = []
        for product in products.select_related("category"):
            for prompt_id, want in _wanted(self.merchant_id, self.before[product.pk], pairs[product.pk]):
                if welcomes(product, prompt_id, vetoes):
                    wants.append(want)
        if wants:
            request_creatives(Merchant.objects.get(pk=self.merchant_id), wants)


def _wanted(merchant_id: int, old: str, new: str) -> list[tuple[int, Want]]:
    """Prompt id and want for each size in which the old photo was asked for, with prompts that are still in use."""
    rows = Rendition.objects.filter(
        request__merchant=merchant_id,
        request__image_sha256=old,
        request__prompt_version__retired_at=None,
    ).values_list(
        "request__prompt_version__prompt", "request__prompt_version", "width", "height", "request__layout"
    )
    return [
        (prompt_id, Want(new, version_id, width, height, layout))
        for prompt_id, version_id, width, height, layout in rows.distinct()
    ]


def _gone(merchant_id: int, leaving: Collection[int]) -> list[str]:
    """The photos of these pictures that no other picture of an active product shows."""
    if not leaving:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT i.sha256 FROM creatives_productimage i
            WHERE i.id = ANY (%(ids)s) AND i.sha256 <> '' AND NOT EXISTS (
                SELECT 1 FROM creatives_productimage other JOIN creatives_product p ON p.id = other.product_id
                WHERE other.merchant_id = %(merchant)s AND other.sha256 = i.sha256 AND p.status = 'active'
                    AND other.id <> ALL (%(ids)s))
            ORDER BY 1
            """,
            {"ids": list(leaving), "merchant": merchant_id},
        )
        return [sha256 for (sha256,) in cursor.fetchall()]
