"""Keys and webhook secrets: shown once, revoked for good, rotated with an overlap."""

from __future__ import annotations

import base64
import re

import pytest
from django.test import Client

from creatives.models import ApiKey, Recommender
from tests import factories

pytestmark = pytest.mark.django_db


def _shown(page: str) -> str:
    found = re.search(r'id="secret" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_new_key_is_shown_once_and_works(client: Client) -> None:
    shop = factories.merchant("shop")
    client.force_login(factories.member(shop, "owner"))

    response = client.post("/keys/add/", {"merchant": "shop"})

    secret = _shown(response.content.decode())
    key = ApiKey.objects.get()
    assert (key.merchant, key.digest) == (shop, ApiKey.digest_of(secret))
    assert "no-store" in response["Cache-Control"]
    assert secret not in client.get("/keys/").content.decode()


def test_a_revoked_key_stays_revoked(client: Client) -> None:
    shop = factories.merchant()
    client.force_login(factories.member(shop, "owner"))
    key, secret = ApiKey.issue(merchant=shop)

    client.post(f"/keys/{key.pk}/revoke/")
    key.refresh_from_db()
    first = key.revoked_at
    client.post(f"/keys/{key.pk}/revoke/")

    key.refresh_from_db()
    assert first is not None
    assert key.revoked_at == first
    answer = client.post(
        "/api/v1/events", "[]", "application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 401


def test_an_owner_cannot_revoke_the_key_of_another_merchant(client: Client) -> None:
    client.force_login(factories.member(factories.merchant(), "owner"))
    key, _ = ApiKey.issue(merchant=factories.merchant())

    assert client.post(f"/keys/{key.pk}/revoke/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_webhook_secret_is_rotated_with_an_overlap(client: Client) -> None:
    client.force_login(factories.admin())
    shop = Recommender.objects.create(name="shop")
    url = f"/recommenders/{shop.pk}/secret/"

    first = _shown(client.post(url).content.decode())
    second = _shown(client.post(url).content.decode())

    shop.refresh_from_db()
    assert (shop.webhook_secret, shop.webhook_secret_previous) == (second, first)
    assert second.startswith("whsec_")
    assert len(base64.b64decode(second.removeprefix("whsec_"))) == 32
    client.post(url, {"end": ""})
    shop.refresh_from_db()
    assert (shop.webhook_secret, shop.webhook_secret_previous) == (second, "")
