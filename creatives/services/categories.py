"""Which category of the tree a feed means."""

from __future__ import annotations

import hashlib

from creatives.feeds.taxonomy import category_path
from creatives.models import Category
from creatives.models.catalog import PATH_SEPARATOR

MOST_REMEMBERED = 10_000


class CategoryIndex:
    """The tree in memory, for looking up many paths."""

    def __init__(self) -> None:
        self._by_path = {path.casefold(): pk for pk, path in Category.objects.values_list("pk", "path")}
        self._found: dict[tuple[str | None, ...], int | None] = {}

    @property
    def digest(self) -> bytes:
        """What stands for the tree: the same feed may mean other categories once it has changed."""
        return hashlib.sha256(repr(sorted(self._by_path.items())).encode()).digest()

    def find_id(self, *texts: str | None) -> int | None:
        """The id of the deepest category on the path that the first of ``texts`` to match gives; case does not matter.

        Feeds are often more particular than the tree, which belongs to the admins: ``Apparel &
        Accessories > Shoes > Boots`` is ``Apparel & Accessories > Shoes`` where there are no boots.
        """
        if texts not in self._found:
            if len(self._found) >= MOST_REMEMBERED:
                self._found.clear()
            self._found[texts] = self._look_up(texts)
        return self._found[texts]

    def _look_up(self, texts: tuple[str | None, ...]) -> int | None:
        for text in texts:
            levels = category_path(text or "").split(PATH_SEPARATOR)
            for depth in range(len(levels), 0, -1):
                if (found := self._by_path.get(PATH_SEPARATOR.join(levels[:depth]).casefold())) is not None:
                    return found
        return None


def ensure_category(path: str) -> Category:
    """The category ``path``, made with its ancestors where missing."""
    node: Category | None = None
    levels = path.split(PATH_SEPARATOR)
    for depth, name in enumerate(levels, 1):
        node, _ = Category.objects.get_or_create(
            path=PATH_SEPARATOR.join(levels[:depth]), defaults={"name": name, "parent": node}
        )
    assert node is not None
    return node
