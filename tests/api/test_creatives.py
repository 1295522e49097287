"""Listing creatives and asking for them ahead of traffic, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from creatives.models import ApiKey, Creative, CreativeRequest, Merchant, Product, Recommender, Rendition
from creatives.services.creatives import approve, reject
from tests import factories, studio

pytestmark = pytest.mark.django_db

URL = "/api/v1/creatives"


def client_of(*, merchant: Merchant | None = None, recommender: Recommender | None = None) -> Client:
    _, secret = ApiKey.issue(merchant=merchant, recommender=recommender)
    return Client(headers={"authorization": f"Bearer {secret}"})


def post(client: Client, **body: Any) -> Any:
    return client.post(URL, body, content_type="application/json")


def shop(prompts: int = 2) -> tuple[Merchant, Product, list[Any]]:
    """A merchant with a product that has a photo and a pool."""
    merchant, category = factories.merchant("shop"), factories.category("Home > Vases")
    image = studio.photo(merchant)
    product = image.product
    product.category = category
    product.save()
    return merchant, product, [factories.prompt_version(category) for _ in range(prompts)]


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["creatives"]]


def test_a_merchant_lists_its_own_creatives_newest_first_and_nobody_else_s() -> None:
    mine, other = factories.merchant(), factories.merchant()
    first, second = studio.painted(mine), studio.painted(mine)
    foreign = studio.painted(other)
    client = client_of(merchant=mine)
    assert ids(client.get(URL)) == [second.pk, first.pk]
    assert client.get(f"{URL}/{first.pk}").json()["id"] == first.pk
    refused = client.get(f"{URL}/{foreign.pk}")
    assert (refused.status_code, refused["content-type"]) == (404, "application/problem+json")


def test_what_one_creative_says() -> None:
    merchant = factories.merchant("shop")
    creative = studio.painted(merchant)
    approve(creative.pk)
    row = client_of(merchant=merchant).get(f"{URL}/{creative.pk}").json()
    image = {
        "width": 300,
        "height": 250,
        "url": f"http://127.0.0.1:8000/media/{creative.renditions.get().file.name}",
    }
    assert row["image"] == image
    assert row["renditions"] == [image]
    assert row["item"] == {"merchant": "shop", "id": merchant.products.get().external_id}
    assert row["prompt"] == {"id": creative.request.prompt_version.prompt_id, "version": 1}
    assert (row["status"], row["bucket"], row["layout"]) == ("approved", "320x256", "s72-s-m8")
    assert row["url"] == f"http://testserver{URL}/{creative.pk}"


def test_a_recommender_sees_no_picture_that_is_not_approved() -> None:
    merchant = factories.merchant()
    creative = studio.painted(merchant)
    client = client_of(recommender=studio.recommender(merchant))
    row = client.get(f"{URL}/{creative.pk}").json()
    assert (row["status"], row["image"], row["renditions"]) == ("in_review", None, [])
    assert client_of(merchant=merchant).get(f"{URL}/{creative.pk}").json()["image"] is not None
    approve(creative.pk)
    assert client.get(f"{URL}/{creative.pk}").json()["image"]["width"] == 300


def test_filters() -> None:
    one, other = factories.merchant("one"), factories.merchant("other")
    first, second, third = (
        studio.painted(one),
        studio.painted(one, width=250, height=300),
        studio.painted(other),
    )
    approve(first.pk)
    reject(second.pk, "ugly")
    client = client_of(recommender=studio.recommender(one, other))
    sku = Product.objects.filter(images__sha256=second.request.image_sha256, merchant=one)[0].external_id
    decided = Creative.objects.get(pk=second.pk).decided_at
    assert decided is not None
    for query, expected in (
        ({"merchant": "other"}, [third.pk]),
        ({"status": "approved"}, [first.pk]),
        ({"prompt": second.request.prompt_version.prompt_id}, [second.pk]),
        ({"merchant": "one", "item": sku}, [second.pk, first.pk]),
        ({"width": 250, "height": 300}, [second.pk]),
        ({"width": 250, "height": 250}, []),
        ({"since": decided.isoformat()}, [second.pk]),
    ):
        assert ids(client.get(URL, query)) == expected, query


def test_pages_are_walked_by_next() -> None:
    merchant = factories.merchant()
    made = [studio.painted(merchant).pk for _ in range(3)]
    client = client_of(merchant=merchant)
    first = client.get(URL, {"limit": 2, "status": "in_review"})
    assert ids(first) == made[:0:-1]
    rest = client.get(first.json()["next"])
    assert (ids(rest), rest.json()["next"]) == (made[:1], None)


@pytest.mark.parametrize(
    "query",
    [
        {"status": "fine"},
        {"limit": 0},
        {"limit": 201},
        {"since": "today"},
        {"width": 0},
        {"item": "a\x00"},
        {"prompt": 2**63},
    ],
)
def test_bad_filters_are_refused(query: dict[str, Any]) -> None:
    response = client_of(merchant=factories.merchant()).get(URL, query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == next(iter(query))


def test_the_list_takes_a_constant_number_of_queries(django_assert_max_num_queries: Any) -> None:
    merchant = factories.merchant()
    for _ in range(4):
        studio.painted(merchant)
    with django_assert_max_num_queries(5):
        client_of(merchant=merchant).get(URL)


def test_asking_ahead_is_idempotent_and_shows_how_far_things_are() -> None:
    merchant, product, versions = shop()
    factories.placement("top", 300, 250)
    factories.placement("side", 336, 280)
    factories.placement("off", 250, 300, is_active=False)
    client = client_of(merchant=merchant)
    body = {"items": [{"merchant": "shop", "id": product.external_id}], "prompts": "all"}
    response = post(client, **body)
    assert response.status_code == 202
    assert response.json()["requested"] == {"generations": 2, "sizes": 4}
    (item,) = response.json()["items"]
    assert item["item"] == body["items"][0]
    assert {(row["prompt"]["id"], row["placement"]) for row in item["creatives"]} == {
        (version.prompt_id, slug) for version in versions for slug in ("top", "side")
    }
    assert {row["state"] for row in item["creatives"]} == {"queued"}
    again = post(client, **body)
    assert again.json() == response.json() | {"requested": {"generations": 0, "sizes": 0}}
    assert (CreativeRequest.objects.count(), Rendition.objects.count()) == (2, 4)


def test_prompts_and_placements_narrow_what_is_asked_for() -> None:
    merchant, product, versions = shop()
    factories.placement("top", 300, 250)
    items = [{"merchant": "shop", "id": product.external_id}]
    response = post(
        client_of(merchant=merchant),
        items=items,
        prompts=[versions[0].prompt_id],
        placements=[
            "top",
            {"id": "top", "width": 600, "height": 500},
            {"id": "new", "width": 250, "height": 300},
        ],
    )
    assert response.json()["requested"] == {"generations": 2, "sizes": 3}
    assert set(CreativeRequest.objects.values_list("prompt_version", flat=True)) == {versions[0].pk}
    sizes = {
        (row["size"]["width"], row["size"]["height"]) for row in response.json()["items"][0]["creatives"]
    }
    assert sizes == {(300, 250), (600, 500), (250, 300)}


def test_items_that_cannot_be_painted_are_answered_in_their_place() -> None:
    merchant, product, _ = shop()
    bare = factories.product(merchant, category=product.category)
    odd = studio.photo(merchant, (1, 2, 3)).product
    foreign = studio.photo(factories.merchant("rival")).product
    factories.placement("top")
    names = [product.external_id, bare.external_id, odd.external_id, "nothing"]
    items = [{"merchant": "shop", "id": name} for name in names] + [
        {"merchant": "rival", "id": foreign.external_id}
    ]
    response = post(client_of(merchant=merchant), items=items)
    answers = response.json()["items"]
    assert [answer["item"] for answer in answers] == items
    assert len(answers[0]["creatives"]) == 2
    assert [answer["error"]["status"] for answer in answers[1:]] == [409, 409, 404, 404]
    assert CreativeRequest.objects.filter(merchant__slug="rival").count() == 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"prompts": [424242]}, "no prompt in use with id 424242"),
        ({"placements": ["nowhere"]}, "placements.0: no placement 'nowhere'"),
        ({"placements": [{"id": "top", "width": 2000, "height": 20}]}, "placements.0: size 2000x20"),
        ({"items": []}, "items"),
        ({"items": [{"merchant": "shop", "id": "a\x00"}]}, "items.0.id"),
        ({"prompts": [2**63]}, "prompts"),
        ({"placements": ["a\x00"]}, "placements.0"),
        ({"prompts": "some"}, "prompts"),
    ],
)
def test_a_wrong_question_asks_for_nothing(change: dict[str, Any], text: str) -> None:
    merchant, product, _ = shop()
    factories.placement("top")
    body = {"items": [{"merchant": "shop", "id": product.external_id}]} | change
    response = post(client_of(merchant=merchant), **body)
    assert response.status_code == 422
    assert text in response.json()["detail"]
    assert CreativeRequest.objects.count() == 0


def test_too_many_triplets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant, product, _ = shop(prompts=3)
    factories.placement("top")
    monkeypatch.setattr("creatives.services.ahead.MAX_TRIPLETS", 2)
    response = post(client_of(merchant=merchant), items=[{"merchant": "shop", "id": product.external_id}])
    assert response.status_code == 422
    assert "3 triplets are asked for; the limit is 2" in response.json()["detail"]
    assert CreativeRequest.objects.count() == 0


def test_without_a_key_nothing_is_told() -> None:
    for response in (Client().get(URL), Client().get(f"{URL}/1"), post(Client(), items=[])):
        assert (response.status_code, response["content-type"]) == (401, "application/problem+json")
