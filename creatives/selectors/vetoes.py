"""Which prompts a merchant does not want for which products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from creatives.models import Category, Product, PromptVeto

NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Vetoes:
    """A merchant's vetoes: prompt ids by product id, and by the path of a category, which counts for all below it."""

    products: dict[int, frozenset[int]] = field(default_factory=dict)
    categories: dict[str, frozenset[int]] = field(default_factory=dict)

    def of(self, product_id: int, category: Category | None) -> frozenset[int]:
        """The prompts that are not for a product of ``category``."""
        found = self.products.get(product_id, NONE)
        if category is not None and self.categories:
            for path in category.lineage():
                found |= self.categories.get(path, NONE)
        return found


def vetoes_of(merchant_ids: Iterable[int]) -> dict[int, Vetoes]:
    """The vetoes of each merchant (1 query)."""
    wanted = set(merchant_ids)
    products: dict[int, dict[int, frozenset[int]]] = {pk: {} for pk in wanted}
    categories: dict[int, dict[str, frozenset[int]]] = {pk: {} for pk in wanted}
    rows = PromptVeto.objects.filter(merchant__in=wanted)
    for merchant_id, prompt_id, product_id, path in rows.values_list(
        "merchant_id", "prompt_id", "product_id", "category__path"
    ):
        if product_id is not None:
            mine = products[merchant_id]
            mine[product_id] = mine.get(product_id, NONE) | {prompt_id}
        else:
            ours = categories[merchant_id]
            ours[path] = ours.get(path, NONE) | {prompt_id}
    return {pk: Vetoes(products[pk], categories[pk]) for pk in wanted}


def welcomes(product: Product, prompt_id: int, vetoes: Vetoes) -> bool:
    """Whether a prompt may be used for a product (which comes with its category)."""
    return prompt_id not in vetoes.of(product.pk, product.category)
