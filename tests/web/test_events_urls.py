"""The pixel and the click of a decision, as browsers, crawlers and forgers open them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bandit.models import Click, Impression
from bandit.tokens import DecisionToken, seal
from creatives.models import Product
from tests import factories
from tests.bandit_rows import pool, token

pytestmark = pytest.mark.django_db
LINK = "https://shop.example/lamp?ref=studio"


@pytest.fixture
def decided() -> DecisionToken:
    merchant = factories.merchant()
    product = factories.product(merchant, link=LINK)
    version = pool(factories.category("Home"), 1)[0]
    return token(merchant, version, product_id=product.pk, issued_at=timezone.now() - timedelta(minutes=1))


def pixel(of: DecisionToken | str, **headers: str) -> Any:
    return Client().get(f"/e/{of if isinstance(of, str) else seal(of)}", headers=headers)


def follow(of: DecisionToken | str, **headers: str) -> Any:
    return Client().get(f"/c/{of if isinstance(of, str) else seal(of)}", headers=headers)


def is_pixel(response: Any) -> bool:
    return (
        response.status_code == 200
        and response["Content-Type"] == "image/gif"
        and "no-store" in response["Cache-Control"]
        and response.content[:10] == b"GIF89a\x01\x00\x01\x00"
    )


def test_a_pixel_records_one_impression(decided: DecisionToken) -> None:
    before = timezone.now()
    assert is_pixel(pixel(decided))
    assert is_pixel(pixel(decided))
    row = Impression.objects.get()
    assert row.pk == decided.decision_id
    assert before <= row.occurred_at <= timezone.now()
    assert not Click.objects.exists()


def test_a_click_leads_to_the_product_and_counts_once(decided: DecisionToken) -> None:
    for _ in range(2):
        response = follow(decided)
        assert (response.status_code, response["Location"]) == (302, LINK)
        assert "no-store" in response["Cache-Control"]
    assert Click.objects.get().pk == decided.decision_id


def test_the_target_comes_from_the_database_alone(decided: DecisionToken) -> None:
    response = Client().get(f"/c/{seal(decided)}?url=https://evil.example&link=//evil.example&next=x")
    assert response["Location"] == LINK
    Product.objects.update(link="https://shop.example/moved")
    assert follow(decided)["Location"] == "https://shop.example/moved"


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"])
@pytest.mark.parametrize("value", ["prefetch", "prefetch;prerender", "preview"])
def test_looking_ahead_counts_for_nothing(decided: DecisionToken, header: str, value: str) -> None:
    assert is_pixel(pixel(decided, **{header: value}))
    assert follow(decided, **{header: value})["Location"] == LINK
    assert not Impression.objects.exists()
    assert not Click.objects.exists()


def test_head_counts_for_nothing(decided: DecisionToken) -> None:
    text = seal(decided)
    assert Client().head(f"/e/{text}").status_code == 200
    assert Client().head(f"/c/{text}")["Location"] == LINK
    assert not Impression.objects.exists()
    assert not Click.objects.exists()


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_other_methods_are_refused(decided: DecisionToken, method: str) -> None:
    text = seal(decided)
    for path in (f"/e/{text}", f"/c/{text}"):
        assert getattr(Client(), method)(path).status_code == 405
    assert not Impression.objects.exists()
    assert not Click.objects.exists()


def test_an_expired_decision_redirects_and_counts_for_nothing() -> None:
    merchant = factories.merchant()
    product = factories.product(merchant, link=LINK)
    old = token(merchant, None, product_id=product.pk, issued_at=timezone.now() - timedelta(days=2))
    assert is_pixel(pixel(old))
    assert follow(old)["Location"] == LINK
    assert not Impression.objects.exists()
    assert not Click.objects.exists()


@pytest.mark.parametrize("text", ["x", "A" * 300, "A" * 4000, "%00", "%F0%9F"])
def test_a_forged_token_is_a_blank_pixel_and_no_link(text: str) -> None:
    assert is_pixel(pixel(text))
    assert follow(text).status_code == 404
    assert not Impression.objects.exists()
    assert not Click.objects.exists()


def test_a_changed_token_is_forged(decided: DecisionToken) -> None:
    text = seal(decided)
    changed = text[:60] + ("A" if text[60] != "A" else "B") + text[61:]
    assert is_pixel(pixel(changed))
    assert follow(changed).status_code == 404
    assert not Impression.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_product_or_merchant_that_is_gone(decided: DecisionToken) -> None:
    text = seal(decided)
    factories.Product.objects.all().delete()
    assert follow(text).status_code == 404
    factories.Merchant.objects.all().delete()
    assert is_pixel(pixel(text))
    assert not Impression.objects.exists()
