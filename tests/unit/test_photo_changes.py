"""A photo that no product shows any more takes its creatives along; those of the photo in its place are asked for."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from creatives.models import Creative, CreativeRequest, Merchant, Product, ProductImage, WebhookDelivery
from creatives.services import image_fetch
from creatives.services.catalog import add_image, make_primary, remove_image
from creatives.services.creatives import approve
from creatives.services.photo_changes import REASON
from creatives.services.vetoes import veto
from tests import factories, studio
from tests.review_rows import creative as painted

pytestmark = pytest.mark.django_db
URL = "https://s.example/a.png"


def picture(colour: str = "blue") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def merchant() -> Merchant:
    merchant = factories.merchant("shop")
    studio.recommender(merchant)
    return merchant


@pytest.fixture
def product(merchant: Merchant) -> Product:
    product = factories.product(merchant, external_id="A", category=factories.category())
    factories.image(product, sha256="a" * 64, source_url=URL)
    return product


def approved(merchant: Merchant, product: Product) -> Creative:
    creative = painted(merchant, product=product)
    approve(creative.pk)
    return creative


def state(creative: Creative) -> tuple[str, str, str]:
    creative.refresh_from_db()
    return creative.status, creative.reason, creative.retired_from


def fetch(product: Product, monkeypatch: pytest.MonkeyPatch, data: bytes, url: str) -> None:
    """The feed names another address for the main picture, and the worker fetches it."""
    ProductImage.objects.filter(product=product, position=0).update(source_url=url, status="pending")
    monkeypatch.setattr(image_fetch, "fetch", lambda *args, **kwargs: data)
    image_fetch.fetch_pending(product.merchant_id)


def test_creatives_of_a_replaced_photo_retire_and_new_ones_are_asked_for(
    merchant: Merchant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = approved(merchant, product)
    waiting = painted(merchant, product=product)
    fetch(product, monkeypatch, picture(), "https://s.example/b.png")
    assert state(old) == ("retired", REASON, "approved")
    assert state(waiting) == ("retired", REASON, "in_review")
    last = WebhookDelivery.objects.filter(event_type="creative.retired").order_by("pk").first()
    assert last is not None
    assert last.payload["data"]["item"] == {"merchant": "shop", "id": "A"}
    asked = CreativeRequest.objects.filter(image_sha256=digest(picture())).order_by("prompt_version")
    assert [(row.prompt_version_id, row.status) for row in asked] == [
        (old.request.prompt_version_id, "queued"),
        (waiting.request.prompt_version_id, "queued"),
    ]
    sizes = asked[0].renditions.values_list("width", "height")
    assert list(sizes) == list(old.request.renditions.values_list("width", "height"))


def test_they_come_back_with_the_photo(
    merchant: Merchant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = picture("red"), picture("blue")
    ProductImage.objects.update(sha256=digest(first))
    old = approved(merchant, product)
    assert old.request.image_sha256 == digest(first)
    fetch(product, monkeypatch, second, "https://s.example/b.png")
    assert state(old)[0] == "retired"
    fetch(product, monkeypatch, first, URL)
    assert state(old) == ("approved", "", "")


def test_another_product_with_the_photo_keeps_them(
    merchant: Merchant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = approved(merchant, product)
    factories.image(factories.product(merchant), sha256="a" * 64)
    fetch(product, monkeypatch, picture(), "https://s.example/b.png")
    assert state(old)[0] == "approved"
    assert CreativeRequest.objects.filter(image_sha256=digest(picture())).count() == 1


def test_the_same_picture_at_another_address_changes_nothing(
    merchant: Merchant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    ProductImage.objects.update(sha256=digest(picture()))
    old = approved(merchant, product)
    messages = WebhookDelivery.objects.count()
    fetch(product, monkeypatch, picture(), "https://s.example/b.png")
    assert (state(old)[0], WebhookDelivery.objects.count()) == ("approved", messages)


def test_an_unwanted_prompt_is_not_asked_for_again(
    merchant: Merchant, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = approved(merchant, product)
    veto(merchant, old.request.prompt_version.prompt, factories.user(), product=product)
    fetch(product, monkeypatch, picture(), "https://s.example/b.png")
    assert not CreativeRequest.objects.filter(image_sha256=digest(picture())).exists()
    assert state(old)[1] == "prompt not wanted"


def test_another_picture_first_keeps_the_old_ones_creatives(merchant: Merchant, product: Product) -> None:
    old = approved(merchant, product)
    added = add_image(product.pk, image=picture())
    assert not CreativeRequest.objects.filter(image_sha256=digest(picture())).exists()
    make_primary(added.pk, product.pk)
    assert state(old)[0] == "approved"
    assert CreativeRequest.objects.filter(image_sha256=digest(picture()), status="queued").count() == 1


def test_removing_the_photo_retires_its_creatives(merchant: Merchant, product: Product) -> None:
    old = approved(merchant, product)
    main: Any = product.images.get()
    remove_image(main.pk, product.pk)
    assert state(old) == ("retired", REASON, "approved")
