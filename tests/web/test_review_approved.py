"""What is served can be looked at again and withdrawn, whoever or whatever approved it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from creatives.models import Creative, Merchant, WebhookDelivery
from review.services.decisions import decide
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db
URL = "/review/approved/"


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def signed_in(client: Client, merchant: Merchant) -> Client:
    client.force_login(factories.member(merchant, "reviewer"))
    return client


def shown(client: Client, **query: Any) -> list[Creative]:
    return [item.creative for item, _, _ in client.get(URL, query).context["tiles"]]


def test_only_ones_own_approved_creatives_are_listed(signed_in: Client, merchant: Merchant) -> None:
    for status in ("in_review", "rejected", "retired"):
        creative(merchant, status=status)
    creative(factories.merchant(), status="approved")
    automatic = creative(merchant, status="approved")
    by_hand = creative(merchant)
    decide(factories.member(merchant, "reviewer"), by_hand.pk, Verdict("approve"), uuid.uuid4())
    assert set(shown(signed_in)) == {automatic, by_hand}
    assert shown(signed_in, by="auto") == [automatic]
    assert shown(signed_in, by="person") == [by_hand]
    assert shown(signed_in, merchant="elsewhere") == []


def test_an_automatic_approval_can_be_retired(signed_in: Client, merchant: Merchant) -> None:
    recommender(merchant)
    picture = creative(merchant, status="approved")
    data = {"token": str(uuid.uuid4()), "action": "retire", "reason": "safety", "next": URL}
    response = signed_in.post(reverse("review-decide", args=[picture.pk]), data, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert response.context["tiles"] == []
    picture.refresh_from_db()
    assert (picture.status, picture.reason) == ("retired", "safety")
    assert [row.action for row in picture.decisions.all()] == ["retire"]
    assert [row.event_type for row in WebhookDelivery.objects.all()] == ["creative.retired"]


def test_retiring_needs_a_reason(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(merchant, status="approved")
    data = {"token": str(uuid.uuid4()), "action": "retire", "next": URL}
    response = signed_in.post(reverse("review-decide", args=[picture.pk]), data, follow=True)
    assert [str(message)[:15] for message in response.context["messages"]] == ["Choose a reason"]
    picture.refresh_from_db()
    assert picture.status == "approved"


def test_nothing_approved_says_so(signed_in: Client) -> None:
    assert "Nothing is approved yet" in signed_in.get(URL).content.decode()
