"""The page of a product: its pictures and creatives, editing it, asking for more."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from creatives.models import CreativeRequest, Merchant, Product, ProductImage, Rendition
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db


def png() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "PNG")
    return SimpleUploadedFile("a.png", out.getvalue())


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def product(merchant: Merchant) -> Product:
    return factories.product(merchant, title="Red shoe", external_id="A", category=factories.category("Home"))


@pytest.fixture
def page(client: Client, merchant: Merchant) -> Client:
    client.force_login(factories.member(merchant, "editor"))
    return client


def body(response: Any) -> str:
    return str(response.content.decode())


def fields(**changes: str) -> dict[str, Any]:
    values = {
        "external_id": "N1",
        "title": "New hat",
        "link": "https://s.example/n1",
        "price": "9.50",
        "currency": "eur",
    }
    return {"merchant": "shop"} | values | changes


def test_the_original_and_every_creative_with_its_steps(
    page: Client, product: Product, merchant: Merchant
) -> None:
    factories.image(product)
    factories.placement("home-top", 300, 250, name="Home top")
    version = factories.prompt_version(factories.category("Home"), "on a beach")
    made = creative(merchant, product=product, prompt=version)
    Rendition.objects.get_or_create(request=made.request, width=300, height=250)
    foreign = creative(factories.merchant(), prompt=version)
    text = body(page.get(reverse("product", args=[product.pk])))
    assert "“on a beach”" in text
    assert "Home top 300×250" in text
    for step in (made.mask, made.placed, made.edges, made.generated, made.final):
        assert step.url in text
    assert foreign.final.url not in text


def test_what_waits_and_what_failed_is_in_sight(page: Client, product: Product, merchant: Merchant) -> None:
    image = factories.image(product)
    version = factories.prompt_version(factories.category("Home"))
    common = {
        "merchant": merchant,
        "image_sha256": image.sha256,
        "prompt_version": version,
        "pipeline_version": "1",
    }
    CreativeRequest.objects.create(**common, bucket="320x256", layout="a")
    CreativeRequest.objects.create(**common, bucket="256x320", layout="a", status="failed", error="no memory")
    text = body(page.get(reverse("product", args=[product.pk])))
    assert "1 being painted" in text
    assert "no memory" in text
    assert 'hx-trigger="every 3s"' in text


def test_asking_for_creatives_is_idempotent(page: Client, product: Product) -> None:
    factories.image(product)
    for _ in range(2):
        factories.prompt_version(factories.category("Home"))
    factories.placement(width=300, height=250)
    url = reverse("product-creatives", args=[product.pk])
    first = page.post(url, follow=True)
    assert "2 pictures are being painted" in body(first)
    assert "has been asked for already" in body(page.post(url, follow=True))
    assert CreativeRequest.objects.count() == 2


@pytest.mark.parametrize("reason", ["picture", "category"])
def test_asking_in_vain_says_why(page: Client, merchant: Merchant, reason: str) -> None:
    product = factories.product(
        merchant, category=factories.category("Home") if reason == "picture" else None
    )
    if reason == "category":
        factories.image(product)
    text = body(page.post(reverse("product-creatives", args=[product.pk]), follow=True))
    assert ("There is no picture to paint from yet." in text) == (reason == "picture")
    assert ("No prompts apply" in text) == (reason == "category")
    assert not CreativeRequest.objects.exists()


def test_a_product_is_added_by_hand_with_a_picture(page: Client, merchant: Merchant) -> None:
    response = page.post(reverse("product-add"), fields() | {"image": png()})
    added = Product.objects.get()
    assert response["Location"] == reverse("product", args=[added.pk])
    assert (added.merchant, added.external_id, str(added.price), added.currency) == (
        merchant,
        "N1",
        "9.50",
        "EUR",
    )
    assert ProductImage.objects.get().status == "ready"


def test_a_product_is_added_with_a_pictures_address(page: Client) -> None:
    page.post(reverse("product-add"), fields(image_url="https://s.example/a.png"))
    assert list(ProductImage.objects.values_list("status", "source_url")) == [
        ("pending", "https://s.example/a.png")
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": ""}, "This field is required."),
        ({"external_id": "A"}, "There is a product with the id A already."),
        ({"link": "ftp://s.example/x"}, "A product page is an http or https address."),
        ({"currency": "XXX"}, "XXX is not an ISO 4217 currency code."),
        ({"currency": ""}, "A price needs its currency."),
        ({"price": "-1"}, "A price is 0 or more."),
        ({"image": SimpleUploadedFile("a.png", b"no picture")}, "not an image of a known format"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_added(
    page: Client, product: Product, changes: dict[str, Any], message: str
) -> None:
    response = page.post(reverse("product-add"), fields() | changes)
    assert response.status_code == 422
    assert message in body(response)
    assert list(Product.objects.all()) == [product]
    assert not ProductImage.objects.exists()


def test_a_product_is_edited(page: Client, product: Product) -> None:
    shoes = factories.category("Apparel > Shoes")
    url = reverse("product-edit", args=[product.pk])
    assert 'value="Red shoe"' in body(page.get(url))
    response = page.post(url, fields(external_id="A", title="Blue shoe", category=str(shoes.pk)))
    assert response["Location"] == reverse("product", args=[product.pk])
    product.refresh_from_db()
    assert (product.title, product.category) == ("Blue shoe", shoes)


def test_an_edit_cannot_take_anothers_id(page: Client, product: Product, merchant: Merchant) -> None:
    factories.product(merchant, external_id="B")
    response = page.post(reverse("product-edit", args=[product.pk]), fields(external_id="B"))
    assert response.status_code == 422
    assert "There is a product with the id B already." in body(response)
    product.refresh_from_db()
    assert product.external_id == "A"


def test_a_product_retires_and_comes_back(page: Client, product: Product) -> None:
    url = reverse("product-status", args=[product.pk])
    for status in ("retired", "active"):
        assert page.post(url, {"status": status}).status_code == 302
        product.refresh_from_db()
        assert product.status == status
    assert page.post(url, {"status": "gone"}).status_code == 404


def test_pictures_are_added_moved_and_removed(page: Client, product: Product) -> None:
    url = reverse("image-add", args=[product.pk])
    page.post(url, {"image": png()})
    page.post(url, {"image_url": "https://s.example/b.png", "primary": "on"})
    second, first = product.images.all()
    assert (second.source_url, first.source_url) == ("https://s.example/b.png", "")
    page.post(reverse("image-action", args=[product.pk, first.pk, "primary"]))
    assert product.images.get(position=0) == first
    page.post(reverse("image-action", args=[product.pk, first.pk, "remove"]))
    assert [image.pk for image in product.images.all()] == [second.pk]
    assert page.post(reverse("image-action", args=[product.pk, second.pk, "burn"])).status_code == 404


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "Choose a file or give an address."),
        ({"image_url": "https://s.example/a.png", "image": True}, "Give a file or an address, not both."),
        ({"image_url": "not an address"}, "Enter a valid URL."),
    ],
)
def test_a_picture_is_a_file_or_an_address(
    page: Client, product: Product, data: dict[str, Any], message: str
) -> None:
    data = {name: png() if value is True else value for name, value in data.items()}
    response = page.post(reverse("image-add", args=[product.pk]), data)
    assert response.status_code == 422
    assert message in body(response)
    assert not product.images.exists()


def test_a_reviewer_looks_and_does_not_touch(client: Client, product: Product, merchant: Merchant) -> None:
    client.force_login(factories.member(merchant, "reviewer"))
    text = body(client.get(reverse("product", args=[product.pk])))
    assert "Red shoe" in text
    assert "Ask for creatives" not in text
    assert client.post(reverse("product-status", args=[product.pk]), {"status": "retired"}).status_code == 403
    product.refresh_from_db()
    assert product.status == "active"


def test_an_image_of_another_product_is_not_reached_through_ones_own(page: Client, product: Product) -> None:
    foreign = factories.image(factories.product(factories.merchant()))
    assert page.post(reverse("image-action", args=[product.pk, foreign.pk, "remove"])).status_code == 404
    assert ProductImage.objects.filter(pk=foreign.pk).exists()
