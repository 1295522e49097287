"""A product's gallery: by prompt and placement, pausing, another picture, prompts not wanted, a ZIP, layouts."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from creatives.models import (
    AuditEntry,
    Creative,
    CreativeRequest,
    Merchant,
    MerchantPlacement,
    Product,
    PromptVeto,
    Rendition,
    User,
)
from creatives.services import creative_zip
from tests import factories
from tests.review_rows import creative as painted

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def page(client: Client, merchant: Merchant) -> Client:
    client.force_login(factories.member(merchant, "editor"))
    return client


@pytest.fixture
def product(merchant: Merchant) -> Product:
    product = factories.product(merchant, external_id="A/1", category=factories.category("Home > Kitchen"))
    factories.image(product, sha256="a" * 64)
    return product


def text(response: Any) -> str:
    return str(response.content.decode())


def show(page: Client, product: Product, query: str = "") -> str:
    return text(page.get(reverse("product", args=[product.pk]) + query))


def act(page: Client, product: Product, creative: Creative, action: str) -> str:
    page.post(reverse("creative-action", args=[product.pk, creative.pk, action]))
    creative.refresh_from_db()
    return creative.status


def with_file(creative: Creative, data: bytes = b"picture", size: tuple[int, int] = (300, 250)) -> Rendition:
    row, _ = Rendition.objects.get_or_create(request=creative.request, width=size[0], height=size[1])
    row.creative, row.file = creative, default_storage.save("gallery/x.png", ContentFile(data))
    row.save()
    return row


def test_creatives_by_placement(page: Client, merchant: Merchant, product: Product) -> None:
    factories.placement("home-top", 300, 250, name="Home top")
    row = with_file(painted(merchant, product=product))
    foreign = with_file(painted(factories.merchant()))
    body = show(page, product, "?by=placement")
    assert "Home top" in body
    assert row.file.url in body
    assert foreign.file.url not in body


def test_the_slider_lies_over_the_creative(page: Client, merchant: Merchant, product: Product) -> None:
    creative = painted(merchant, product=product)
    body = show(page, product)
    assert f'class="compare-original" src="{creative.placed.url}"' in body
    assert "js/compare.js" in body


def test_pausing_and_going_on(page: Client, merchant: Merchant, product: Product) -> None:
    creative = painted(merchant, product=product, status="approved")
    assert act(page, product, creative, "pause") == "paused"
    assert "Go on" in show(page, product)
    assert act(page, product, creative, "resume") == "approved"
    editor = User.objects.get(memberships__merchant=merchant)
    noted = AuditEntry.objects.order_by("pk").values_list("by", "area", "action")
    assert list(noted) == [(editor.pk, "products", "paused"), (editor.pk, "products", "went on with")]


def test_what_cannot_be_done_says_why_and_changes_nothing(
    page: Client, merchant: Merchant, product: Product
) -> None:
    creative = painted(merchant, product=product)
    assert act(page, product, creative, "pause") == "in_review"
    assert "it cannot become paused" in show(page, product)
    assert not AuditEntry.objects.exists()
    assert page.post(reverse("creative-action", args=[product.pk, creative.pk, "explode"])).status_code == 404


def test_another_picture(page: Client, merchant: Merchant, product: Product) -> None:
    creative = painted(merchant, product=product)
    assert act(page, product, creative, "another") == "retired"
    assert CreativeRequest.objects.get().status == "queued"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.merchant) == ("asked for another picture in place of", merchant)
    page.force_login(factories.admin())
    assert f"creative {creative.pk} (" in text(page.get("/changes/"))


def test_a_creative_of_another_product_is_not_reached_through_ones_own(
    page: Client, merchant: Merchant, product: Product
) -> None:
    for other in (painted(merchant, status="approved"), painted(factories.merchant(), status="approved")):
        url = reverse("creative-action", args=[product.pk, other.pk, "pause"])
        assert page.post(url).status_code == 404
        other.refresh_from_db()
        assert other.status == "approved"


@pytest.mark.parametrize("scope", ["product", "category", "parent"])
def test_a_prompt_is_not_wanted_and_wanted_again(
    page: Client, merchant: Merchant, product: Product, scope: str
) -> None:
    creative = painted(merchant, product=product, status="approved")
    prompt = creative.request.prompt_version.prompt
    assert product.category is not None
    assert product.category.parent is not None
    value = {"product": "product", "category": product.category.pk, "parent": product.category.parent.pk}[
        scope
    ]
    page.post(reverse("veto-add", args=[product.pk]), {"prompt": prompt.pk, "scope": value})
    creative.refresh_from_db()
    assert (creative.status, creative.reason) == ("retired", "prompt not wanted")
    assert "Prompts that are not used here" in show(page, product)
    page.post(reverse("veto-lift", args=[product.pk, PromptVeto.objects.get().pk]))
    creative.refresh_from_db()
    assert creative.status == "approved"
    assert "Prompts that are not used here" not in show(page, product)


@pytest.mark.parametrize("changes", [{"prompt": "x"}, {"prompt": "9" * 30}, {"scope": "all"}, {"scope": "0"}])
def test_a_veto_of_nothing_is_not_found(
    page: Client, merchant: Merchant, product: Product, changes: dict[str, str]
) -> None:
    prompt = factories.prompt_version(factories.category("Home")).prompt
    factories.category("Elsewhere")
    data = {"prompt": str(prompt.pk), "scope": "product"} | changes
    assert page.post(reverse("veto-add", args=[product.pk]), data).status_code == 404
    assert not PromptVeto.objects.exists()


def test_the_approved_ones_as_a_zip(page: Client, merchant: Merchant, product: Product) -> None:
    approved = painted(merchant, product=product, status="approved")
    with_file(approved, b"approved")
    with_file(painted(merchant, product=product), b"in review")
    with_file(painted(factories.merchant(), status="approved"), b"foreign")
    response = page.get(reverse("product-zip", args=[product.pk]))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    prompt = approved.request.prompt_version.prompt.name.replace(" ", "-")
    name = f"A-1/300x250/{prompt}-v1-{approved.pk}.png"
    assert sorted(archive.namelist()) == sorted([name, "creatives.csv"])
    assert archive.read(name) == b"approved"
    (row,) = csv.DictReader(io.StringIO(archive.read("creatives.csv").decode()))
    assert (row["file"], row["item"], row["creative"]) == (name, "A/1", str(approved.pk))


def test_a_zip_that_would_be_too_large_says_so(
    page: Client, merchant: Merchant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creative_zip, "MAX_BYTES", 5)
    with_file(painted(merchant, product=product, status="approved"))
    assert page.get(reverse("product-zip", args=[product.pk])).status_code == 302
    assert "have more than 0 MB" in show(page, product)


def test_a_layout_of_ones_own_and_back(page: Client, merchant: Merchant) -> None:
    factories.placement("home-top", name="Home top")
    url = reverse("layout", args=["home-top"])
    own = {"merchant": "shop", "scale": "50", "anchor": "e", "margin": "20"}
    assert page.post(url, own | {"scale": "5"}).status_code == 422
    assert not MerchantPlacement.objects.exists()
    assert page.post(url, own).status_code == 302
    row = MerchantPlacement.objects.get()
    assert (row.merchant, row.scale, row.anchor, row.margin) == (merchant, 50, "e", 20)
    assert "Your own" in text(page.get(reverse("layouts")))
    page.post(url, {"merchant": "shop", "reset": "1"})
    assert not MerchantPlacement.objects.exists()
