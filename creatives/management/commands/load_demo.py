"""`manage.py load_demo`: a merchant with products, prompts, placements and people, to try everything on."""

from __future__ import annotations

import csv
import io
import json
import secrets
import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from creatives.models import (
    CatalogImport,
    Membership,
    Merchant,
    Placement,
    Product,
    Prompt,
    Recommender,
    Role,
    User,
)
from creatives.services.ahead import ask_ahead, slots_for
from creatives.services.catalog_import import run_import
from creatives.services.categories import ensure_category
from creatives.services.imports import start_import
from creatives.services.prompts import add_prompt

DEMO: Final = Path(__file__).resolve().parents[2] / "demo"
PASSWORD: Final = "demo"  # noqa: S105 - public, and therefore refused in production
PEOPLE: Final = (
    ("merchant@demo.test", "Mara Merchant", Role.OWNER),
    ("reviewer@demo.test", "Rolf Reviewer", Role.REVIEWER),
)
ADMIN: Final = ("admin@demo.test", "Ada Admin")
PLACEMENTS: Final = (
    ("home-top", "Home page, top", 300, 250, {"scale": 78, "anchor": "s", "margin": 8}),
    ("hero", "Hero banner", 1200, 628, {"scale": 80, "anchor": "s", "margin": 8}),
    ("square", "Square", 600, 600, {"scale": 72, "anchor": "s", "margin": 10}),
    ("story", "Story", 1080, 1350, {"scale": 72, "anchor": "s", "margin": 10}),
    ("skyscraper", "Skyscraper", 160, 600, {"scale": 84, "anchor": "c", "margin": 8}),
    ("leaderboard", "Leaderboard", 728, 90, {"scale": 88, "anchor": "w", "margin": 6}),
)
FIRST_PLACEMENTS: Final = ("home-top", "square")


class Command(BaseCommand):
    """Idempotent: what is there already is left as it is."""

    help = "Load the demo merchant, its people, prompts, placements and products."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ALLOW_DEMO:
            raise CommandError(
                "demo accounts have a public password; set ALLOW_DEMO=1 to have them", returncode=2
            )
        merchant, _ = Merchant.objects.get_or_create(
            slug="demo", defaults={"name": "Demo shop", "attribution_minutes": 1}
        )
        admin = _people(merchant)
        _recommender(merchant)
        _placements()
        _prompts(admin)
        if merchant.products.exists():
            self.stdout.write("The demo merchant is there already.")
            return
        done = _products(merchant, admin)
        if done.status == CatalogImport.Status.FAILED:
            raise CommandError(f"{DEMO.name}/products.tsv: {done.error}", returncode=2)
        for issue in done.issues.filter(severity="error"):
            self.stderr.write(
                f"{DEMO.name}/products.tsv:{issue.line}: {issue.record} {issue.column}: {issue.rule}"
            )
        items = [(merchant.slug, product.external_id) for product in _first_products(merchant)]
        slots = slots_for([(slug, None, None) for slug in FIRST_PLACEMENTS])
        asked = ask_ahead({merchant.slug: merchant}, items, None, slots)
        self.stdout.write(
            f"Demo merchant: {done.created} products; {asked.generations} pictures are to be painted."
        )


def _people(merchant: Merchant) -> User:
    for email, name, role in PEOPLE:
        person = User.objects.filter(email=email).first() or User.objects.create_user(
            email, PASSWORD, name=name
        )
        Membership.objects.get_or_create(user=person, merchant=merchant, role=role)
    email, name = ADMIN
    return User.objects.filter(email=email).first() or User.objects.create_superuser(
        email, PASSWORD, name=name
    )


def _recommender(merchant: Merchant) -> None:
    """One that takes no webhooks until it is given an address: a dead one would fill the page of failures."""
    secret = f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"
    recommender, _ = Recommender.objects.get_or_create(
        name="Demo recommender", defaults={"webhook_secret": secret}
    )
    recommender.merchants.add(merchant)


def _placements() -> None:
    for slug, name, width, height, layout in PLACEMENTS:
        Placement.objects.get_or_create(
            slug=slug, defaults={"name": name, "width": width, "height": height, **layout}
        )


def _prompts(admin: User) -> None:
    for path, prompts in json.loads((DEMO / "prompts.json").read_text()).items():
        category = ensure_category(path)
        if Prompt.objects.filter(category=category).exists():
            continue
        for prompt in prompts:
            add_prompt(category, prompt["name"], prompt["text"], prompt.get("negative_text", ""), admin)


def _products(merchant: Merchant, admin: User) -> CatalogImport:
    """Import the demo feed with its pictures as the ZIP that a merchant would upload."""
    feed = (DEMO / "products.tsv").read_text()
    for row in csv.DictReader(io.StringIO(feed, newline=""), delimiter="\t"):
        ensure_category(row["google_product_category"])
    upload = io.BytesIO()
    with zipfile.ZipFile(upload, "w") as archive:
        archive.writestr("products.tsv", feed)
        for picture in sorted((DEMO / "images").iterdir()):
            archive.write(picture, picture.name)
    upload.seek(0)
    done = run_import(start_import(merchant, upload, "demo.zip", user=admin, queue=False).pk)
    assert done is not None  # nobody else knows of this import
    return done


def _first_products(merchant: Merchant) -> list[Product]:
    """One product of each top-level category: a first look that a CPU paints in minutes."""
    found: dict[str, Product] = {}
    for product in merchant.products.select_related("category").order_by("pk"):
        if product.category is not None:
            found.setdefault(product.category.lineage()[-1], product)
    return list(found.values())
