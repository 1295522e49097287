"""Small builders of rows, so that a test says only what matters to it."""

from __future__ import annotations

import itertools
from typing import Any

from creatives.models import (
    Category,
    Membership,
    Merchant,
    Placement,
    Product,
    ProductImage,
    Prompt,
    PromptVersion,
    User,
)

_count = itertools.count(1)


def user(email: str = "", **fields: Any) -> User:
    return User.objects.create_user(email or f"user{next(_count)}@test.example", "demo", **fields)


def admin() -> User:
    return user(is_staff=True, is_superuser=True)


def merchant(slug: str = "", **fields: Any) -> Merchant:
    slug = slug or f"merchant-{next(_count)}"
    return Merchant.objects.create(slug=slug, **({"name": slug.title()} | fields))


def member(of: Merchant, role: str) -> User:
    person = user()
    Membership.objects.create(user=person, merchant=of, role=role)
    return person


def category(path: str = "Home") -> Category:
    """The category ``path`` ("A > B") with its ancestors."""
    node: Category | None = None
    parts = path.split(" > ")
    for depth, name in enumerate(parts, 1):
        node, _ = Category.objects.get_or_create(
            path=" > ".join(parts[:depth]), defaults={"name": name, "parent": node}
        )
    assert node is not None
    return node


def prompt_version(of: Category, text: str = "", **fields: Any) -> PromptVersion:
    number = next(_count)
    prompt = Prompt.objects.create(category=of, name=f"prompt {number}")
    return PromptVersion.objects.create(
        prompt=prompt, version=1, text=text or f"a table, number {number}", **fields
    )


def placement(slug: str = "", width: int = 300, height: int = 250, **fields: Any) -> Placement:
    slug = slug or f"placement-{next(_count)}"
    return Placement.objects.create(slug=slug, **({"name": slug, "width": width, "height": height} | fields))


def product(of: Merchant, **fields: Any) -> Product:
    number = next(_count)
    defaults = {
        "external_id": f"SKU-{number}",
        "title": f"Product {number}",
        "link": f"https://shop.example/p/{number}",
    }
    return Product.objects.create(merchant=of, **(defaults | fields))


def image(of: Product, sha256: str = "", **fields: Any) -> ProductImage:
    """A ready image row; pass ``file`` and ``sha256`` of stored bytes where they are read."""
    sha256 = sha256 or f"{next(_count):064x}"
    defaults = {
        "status": "ready",
        "sha256": sha256,
        "width": 400,
        "height": 400,
        "file": f"images/{sha256}.png",
    }
    return ProductImage.objects.create(merchant=of.merchant, product=of, **(defaults | fields))
