"""POST /decisions refuses what is not well formed, says where, and then does nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha512
from typing import Any

import pytest
from django.test import Client

from bandit.models import Experiment
from creatives.models import CreativeRequest
from tests.bandit_rows import Shop

pytestmark = pytest.mark.django_db
PLACEMENT = {"id": "home-top", "width": 300, "height": 250}
USER = {"id": "u1"}


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"user": {}}, "user.id", "required"),
        ({"user": {"id": ""}}, "user.id", "at least 1"),
        ({"user": {"id": "u" * 201}}, "user.id", "at most 200"),
        ({"user": {"id": 7}}, "user.id", "string"),
        ({"user": {"id": "a\x00b"}}, "user.id", "NUL"),
        ({"placement": PLACEMENT | {"width": 31}}, "placement.width", "greater than or equal to 32"),
        ({"placement": PLACEMENT | {"height": 2049}}, "placement.height", "less than or equal to 2048"),
        ({"placement": PLACEMENT | {"width": "300"}}, "placement.width", "integer"),
        ({"placement": {"id": "x", "height": 32}}, "placement.width", "required"),
        ({"items": []}, "items", "at least 1"),
        ({"items": [{"merchant": "m", "id": "x"}] * 101}, "items", "at most 100"),
        ({"items": [{"merchant": "m"}]}, "items.0.id", "required"),
        ({"user": USER | {"features": {"age": "31"}}}, "user.features.age", "must be a number"),
        ({"user": USER | {"features": {"tags": ["a"]}}}, "user.features.tags", "must be a number"),
        ({"user": USER | {"features": {"a": {"b": 1}}}}, "user.features.a", "must be a number"),
        ({"user": USER | {"features": {"bio": "x" * 257}}}, "user.features.bio", "at most 256"),
        ({"user": USER | {"features": {f"f{n}": n for n in range(65)}}}, "user.features", "at most 64"),
        (
            {"user": USER | {"features": {f"f{n}": "y" * 100 for n in range(10)}}},
            "user.features",
            "at most 1000",
        ),
        ({"user": USER | {"features": {"": 1}}}, "user.features", "1 to 64 characters"),
        ({"user": USER | {"features": {"n" * 65: 1}}}, "user.features", "1 to 64 characters"),
        ({"user": USER | {"features": {"city": "a\x00"}}}, "user.features", "NUL"),
        ({"user": USER | {"features": [1]}}, "user.features", "dictionary"),
        ({"placement": PLACEMENT | {"features": {"x": []}}}, "placement.features.x", "must be a number"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str, message: str) -> None:
    shop = Shop()
    response = shop.ask(**change)
    assert response.status_code == 422, response.content
    assert response["Content-Type"] == "application/problem+json"
    errors = response.json()["errors"]
    assert [error["field"] for error in errors] == [field]
    assert message in errors[0]["message"]
    assert not CreativeRequest.objects.exists()
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    "features", ['{"x": NaN}', '{"x": Infinity}', '{"x": 1e999}', '{"x": "\\ud800"}', '{"\\udc00": 1}']
)
def test_json_that_is_none(features: str) -> None:
    shop = Shop()
    body = json.dumps(shop.body(user={"id": "u", "features": "HERE"})).replace('"HERE"', features)
    headers = {"Authorization": f"Bearer {shop.key}"}
    response = Client().post("/api/v1/decisions", body, "application/json", headers=headers)
    assert response.status_code in (400, 422)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "null"])
def test_no_object_at_all(body: str) -> None:
    headers = {"Authorization": f"Bearer {Shop().key}"}
    response = Client().post("/api/v1/decisions", body, "application/json", headers=headers)
    assert response.status_code in (400, 422)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "features", [{}, {"age": None}, {"new": None, "x": -1.5, "y": "", "z": False, "big": 10**30}]
)
def test_features_that_are_fine(features: dict[str, Any]) -> None:
    assert Shop().ask(user={"id": "u", "features": features}).status_code == 200


def test_the_most_that_is_allowed_fits_a_url() -> None:
    shop = Shop()
    product = shop.product(brand="Ж" * 120, color="Щ" * 120)
    product.category.path = "Я" * 700
    product.category.save()
    digits = "".join(sha512(bytes([n])).hexdigest() for n in range(20))
    noise = {
        digits[n * 10 : n * 10 + 10]: b64encode(sha512(bytes([n])).digest()).decode()[:20] for n in range(27)
    }
    some = dict(list(noise.items())[:13])
    placement = {"id": "p" * 60, "width": 2048, "height": 2048, "features": some}
    response = shop.ask(product, user={"id": "u" * 200, "features": noise}, placement=placement)
    assert response.status_code == 200, response.content
    assert len(response.json()["decisions"][0]["impression_url"]) < 3600
