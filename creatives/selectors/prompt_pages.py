"""What the prompt pages show: the tree of categories with their pools, and the history of a prompt."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from creatives.models import Category, Product, Prompt, PromptVersion, User
from creatives.models.base import EDITORS
from creatives.models.catalog import PATH_SEPARATOR
from creatives.selectors.prompts import in_use
from creatives.text_diff import Segment, word_diff


@dataclass(frozen=True)
class TreeNode:
    """A category in the tree: its depth, its prompts in use, its products, and whose pool serves it."""

    category: Category
    depth: int
    prompts: int
    products: int
    serving: Category | None

    @property
    def is_inherited(self) -> bool:
        """Whether an ancestor's pool serves it."""
        return self.serving is not None and self.serving.pk != self.category.pk


@dataclass(frozen=True)
class PoolPrompt:
    """A prompt of a pool with its newest version."""

    pk: int
    name: str
    latest: PromptVersion


@dataclass(frozen=True)
class Change:
    """A version with what it changed in the one before (empty for the first)."""

    version: PromptVersion
    text: list[Segment]
    negative: list[Segment]


def visible_categories(user: User) -> QuerySet[Category]:
    """All of the tree for an admin; else the categories of the person's products, with their ancestors."""
    if user.is_staff:
        return Category.objects.all()
    products = Product.objects.for_member(user, EDITORS).exclude(category=None)
    paths = products.values_list("category__path", flat=True).distinct()
    return Category.objects.filter(path__in={ancestor for path in paths for ancestor in _lineage(path)})


def visible_prompts(user: User) -> QuerySet[Prompt]:
    """The prompts of the categories that ``user`` sees."""
    return Prompt.objects.filter(category__in=visible_categories(user))


def tree(user: User, query: str = "") -> list[TreeNode]:
    """The visible categories in tree order; with ``query`` those whose path contains it (4 queries)."""
    categories = sorted(visible_categories(user), key=lambda node: node.path.split(PATH_SEPARATOR))
    prompts = Counter(dict(in_use().values_list("prompt__category_id").annotate(Count("pk")).order_by()))
    products = Counter(
        dict(
            Product.objects.for_member(user, EDITORS)
            .filter(status=Product.Status.ACTIVE)
            .values_list("category_id")
            .annotate(Count("pk", distinct=True))
            .order_by()
        )
    )
    with_pool = {node.path: node for node in categories if prompts[node.pk]}
    return [
        TreeNode(
            category=node,
            depth=node.path.count(PATH_SEPARATOR),
            prompts=prompts[node.pk],
            products=products[node.pk],
            serving=next((with_pool[path] for path in node.lineage() if path in with_pool), None),
        )
        for node in categories
        if query.casefold() in node.path.casefold()
    ]


def prompts_of(category: Category) -> list[PoolPrompt]:
    """The prompts of a category with their newest versions; those in use first, then by name (1 query)."""
    newest = (
        PromptVersion.objects.filter(prompt__category=category)
        .select_related("prompt", "created_by", "retired_by")
        .order_by("prompt_id", "-version")
        .distinct("prompt_id")
    )
    found = [PoolPrompt(version.prompt_id, version.prompt.name, version) for version in newest]
    return sorted(found, key=lambda entry: (entry.latest.retired_at is not None, entry.name.casefold()))


def history(prompt: Prompt) -> list[Change]:
    """The versions of a prompt, newest first, each with its difference from the one before."""
    versions = list(prompt.versions.select_related("created_by", "retired_by").order_by("version"))
    changes = [Change(versions[0], [], [])] if versions else []
    for before, after in itertools.pairwise(versions):
        changes.append(
            Change(
                after,
                word_diff(before.text, after.text),
                word_diff(before.negative_text, after.negative_text),
            )
        )
    return changes[::-1]


def _lineage(path: str) -> list[str]:
    return Category(path=path).lineage()
