"""A product that retires takes its creatives along, and brings them back when it returns."""

from __future__ import annotations

from typing import Any

import pytest

from creatives.models import (
    Creative,
    CreativeRequest,
    Merchant,
    OutboxEntry,
    Product,
    PromptVersion,
    WebhookDelivery,
)
from creatives.selectors.creatives import CreativeFilter, list_creatives
from creatives.services.catalog import set_status
from creatives.services.creatives import approve, retire
from creatives.services.painting import paint_bucket
from creatives.services.prompts import retire as retire_prompt
from tests import factories, studio
from tests.review_rows import creative as painted

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    merchant = factories.merchant("shop")
    studio.recommender(merchant)
    return merchant


@pytest.fixture
def product(merchant: Merchant) -> Product:
    product = factories.product(merchant, external_id="A", category=factories.category())
    factories.image(product, sha256="a" * 64)
    return product


def states(*creatives: Creative) -> list[tuple[str, str, str]]:
    rows = Creative.objects.in_bulk([creative.pk for creative in creatives])
    return [
        (row.status, row.reason, row.retired_from) for row in (rows[creative.pk] for creative in creatives)
    ]


def messages() -> list[tuple[str, int, Any]]:
    rows = WebhookDelivery.objects.order_by("pk").values_list("event_type", "payload")
    return [(event, payload["data"]["id"], payload["data"]["item"]) for event, payload in rows]


def approved(merchant: Merchant, product: Product, **fields: Any) -> Creative:
    creative = painted(merchant, product=product, **fields)
    approve(creative.pk)
    WebhookDelivery.objects.update(status="delivered")
    return creative


def test_living_creatives_retire_with_the_product_and_recommenders_are_told(
    merchant: Merchant, product: Product
) -> None:
    served, waiting = approved(merchant, product), painted(merchant, product=product)
    rejected = painted(merchant, product=product, status="rejected", reason="cut off")
    other = approved(merchant, factories.product(merchant, external_id="B"))
    WebhookDelivery.objects.all().delete()
    assert set_status(product.pk, "retired") == 2
    assert states(served, waiting, rejected, other) == [
        ("retired", "product retired", "approved"), ("retired", "product retired", "in_review"),
        ("rejected", "cut off", ""), ("approved", "", ""),
    ]  # fmt: skip
    item = {"merchant": "shop", "id": "A"}
    assert messages() == [("creative.retired", served.pk, item), ("creative.retired", waiting.pk, item)]
    page = list_creatives([merchant.pk], CreativeFilter(status="approved"))
    assert [found.pk for found in page.creatives] == [other.pk]
    assert set_status(product.pk, "retired") == 0
    assert WebhookDelivery.objects.count() == 2


def test_a_photo_that_another_active_product_shows_keeps_its_creatives(
    merchant: Merchant, product: Product
) -> None:
    creative = approved(merchant, product)
    twin = factories.product(merchant, external_id="B")
    factories.image(twin, sha256="a" * 64)
    assert set_status(product.pk, "retired") == 0
    assert states(creative) == [("approved", "", "")]
    assert set_status(twin.pk, "retired") == 1
    assert states(creative) == [("retired", "product retired", "approved")]


def test_what_is_still_to_be_painted_is_given_up_and_asked_for_again(
    merchant: Merchant, product: Product
) -> None:
    (image,) = product.images.all()
    (waiting,) = studio.requested(merchant, studio.want(image, studio.version()))
    set_status(product.pk, "retired")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error) == ("failed", "given up: product retired")
    assert [event for event, _, _ in messages()] == ["creative.failed"]
    OutboxEntry.objects.all().delete()
    set_status(product.pk, "active")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error, waiting.attempts) == ("queued", "", 0)
    assert OutboxEntry.objects.get().job == "generate"


def test_a_product_that_returns_brings_its_creatives_back_to_where_they_were(
    merchant: Merchant, product: Product
) -> None:
    served, waiting = approved(merchant, product), painted(merchant, product=product)
    set_status(product.pk, "retired")
    WebhookDelivery.objects.all().delete()
    assert set_status(product.pk, "active") == 2
    assert states(served, waiting) == [("approved", "", ""), ("in_review", "", "")]
    assert messages() == [("creative.approved", served.pk, {"merchant": "shop", "id": "A"})]
    served.refresh_from_db()
    waiting.refresh_from_db()
    assert served.decided_at is not None
    assert waiting.decided_at is None


def test_what_retired_for_another_reason_stays_retired(merchant: Merchant, product: Product) -> None:
    creative = approved(merchant, product)
    retire(creative.pk, "ugly")
    set_status(product.pk, "retired")
    set_status(product.pk, "active")
    assert states(creative) == [("retired", "ugly", "")]


def test_a_prompt_that_retired_meanwhile_brings_nothing_back(merchant: Merchant, product: Product) -> None:
    creative = approved(merchant, product)
    set_status(product.pk, "retired")
    version = PromptVersion.objects.get(requests__creatives=creative)
    retire_prompt(version.prompt_id, version.version, factories.admin())
    assert set_status(product.pk, "active") == 0
    assert states(creative)[0][0] == "retired"


def test_a_request_that_was_painted_again_meanwhile_keeps_the_new_picture(
    merchant: Merchant, product: Product
) -> None:
    old = approved(merchant, product)
    set_status(product.pk, "retired")
    new = Creative.objects.get(pk=old.pk)
    new.pk, new.seed, new.status, new.retired_from, new.reason = None, 99, "in_review", "", ""
    new.save()
    assert set_status(product.pk, "active") == 0
    assert [state for state, _, _ in states(old, new)] == ["retired", "in_review"]


def test_of_two_that_retired_with_the_product_the_latest_returns(
    merchant: Merchant, product: Product
) -> None:
    old = approved(merchant, product)
    set_status(product.pk, "retired")
    new = Creative.objects.get(pk=old.pk)
    new.pk, new.seed = None, 99
    new.save()
    assert set_status(product.pk, "active") == 1
    assert [state for state, _, _ in states(old, new)] == ["retired", "approved"]


def test_a_picture_painted_while_its_product_retired_is_not_kept(merchant: Merchant) -> None:
    class Retiring(studio.FlatPainter):
        def paint(self, jobs: Any, on_step: Any = None) -> Any:
            set_status(Product.objects.get().pk, "retired")
            return super().paint(jobs, on_step)

    image = studio.photo(merchant)
    (request,) = studio.requested(merchant, studio.want(image, studio.version()))
    assert paint_bucket(Retiring(), studio.key()) == 0
    request.refresh_from_db()
    assert (request.status, request.error, Creative.objects.count()) == (
        "failed",
        "given up: product retired",
        0,
    )
    set_status(image.product_id, "active")
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1


def test_a_constant_number_of_queries(
    merchant: Merchant, product: Product, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        approved(merchant, product)
    with django_assert_max_num_queries(24):
        set_status(product.pk, "retired")
    with django_assert_max_num_queries(28):
        set_status(product.pk, "active")
    assert Creative.objects.filter(status="approved").count() == 12
    assert CreativeRequest.objects.count() == 12
