"""Which prompts a product may be painted with: the pool of its category, or of its nearest ancestor with one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from creatives.models import Category, PromptVersion


@dataclass(frozen=True)
class Pool:
    """The versions in use of ``category``, in a stable order (by version id)."""

    category: Category
    versions: tuple[PromptVersion, ...]

    @property
    def version_ids(self) -> tuple[int, ...]:
        """The arms of the pool."""
        return tuple(version.pk for version in self.versions)


def in_use() -> QuerySet[PromptVersion]:
    """Versions that are not retired."""
    return PromptVersion.objects.filter(retired_at__isnull=True)


def pool_category(category: Category) -> Category | None:
    """The nearest of ``category`` and its ancestors with a prompt version in use, or None (1 query)."""
    lineage = category.lineage()
    with_pool = in_use().filter(prompt__category=OuterRef("pk"))
    found = {node.path: node for node in Category.objects.filter(Exists(with_pool), path__in=lineage)}
    return next((found[path] for path in lineage if path in found), None)


def pool(category: Category) -> list[PromptVersion]:
    """The versions in use of exactly this category, by id."""
    return list(in_use().filter(prompt__category=category).select_related("prompt").order_by("pk"))


def pools_for(category_ids: Iterable[int | None]) -> dict[int, Pool]:
    """The pool that serves each category, its own or inherited; categories without one are left out (2 queries)."""
    wanted = list(Category.objects.filter(pk__in={pk for pk in category_ids if pk is not None}))
    paths = {path for category in wanted for path in category.lineage()}
    versions: dict[str, list[PromptVersion]] = {}
    rows = in_use().filter(prompt__category__path__in=paths).select_related("prompt__category").order_by("pk")
    for version in rows:
        versions.setdefault(version.prompt.category.path, []).append(version)
    return {
        category.pk: Pool(versions[path][0].prompt.category, tuple(versions[path]))
        for category in wanted
        if (path := next((path for path in category.lineage() if path in versions), None)) is not None
    }
