"""POST /decisions: what is shown, and what comes with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from bandit import pictures
from bandit.experiments import (
    ArmSpec,
    create_experiment,
    ensure_default_experiments,
    start_experiment,
    stop_experiment,
)
from bandit.models import Click, Experiment, Impression, Policy
from bandit.schemas import DecisionsOut
from creatives.models import ApiKey, CreativeRequest, OutboxEntry, PositionedRendition, Product, Recommender
from tests import factories
from tests.bandit_rows import Shop, post, token_in

pytestmark = pytest.mark.django_db


def only(shop: Shop, kind: str) -> Experiment:
    """Everybody in one arm."""
    return start_experiment(create_experiment(shop.merchant, kind, [ArmSpec(kind, kind, 100)]).pk)


def test_a_first_request_shows_the_original_and_asks_for_the_creative() -> None:
    shop = Shop()
    response = shop.ask()
    assert response.status_code == 200
    DecisionsOut.model_validate(response.json())
    decision = response.json()["decisions"][0]
    product, request = shop.products[0], CreativeRequest.objects.get()
    prompt = request.prompt_version.prompt
    assert decision["item"] == {"merchant": shop.merchant.slug, "id": product.external_id}
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "original",
        True,
        "queued",
    )
    assert decision["image"]["url"].endswith(f"/media/{product.images.get().file.name}")
    assert (decision["image"]["width"], decision["image"]["height"]) == (400, 400)
    assert decision["prompt"] == {"id": prompt.pk, "version": 1}
    assert decision["propensity"] == pytest.approx(1 / 3)
    assert decision["policy_version"] == 0
    assert request.merchant == shop.merchant
    assert request.renditions.get().width == 300


def test_an_approved_creative_is_served_at_its_size() -> None:
    shop = Shop(prompts=1)
    creative = shop.approve(shop.products[0], shop.versions[0])
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "generated",
        False,
        "ready",
    )
    assert decision["image"]["url"].endswith(f"/media/creatives/{creative.pk}.png")
    assert (decision["image"]["width"], decision["image"]["height"]) == (300, 250)
    assert decision["propensity"] == 1.0
    assert token_in(decision["impression_url"]).creative_id == creative.pk


@pytest.mark.parametrize(
    ("status", "generation"), [("in_review", "in_review"), ("rejected", "rejected"), ("retired", "rejected")]
)
def test_nothing_unapproved_is_served(status: str, generation: str) -> None:
    shop = Shop(prompts=1)
    shop.approve(shop.products[0], shop.versions[0], status)
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "original",
        True,
        generation,
    )
    assert decision["image"]["url"].endswith(f"/media/{shop.products[0].images.get().file.name}")


def test_a_rejected_creative_takes_its_prompt_out_of_the_choice() -> None:
    shop = Shop(prompts=3)
    shop.approve(shop.products[0], shop.versions[0], "rejected")
    for number in range(30):
        decision = shop.decide(user={"id": f"u{number}"})
        assert token_in(decision["impression_url"]).prompt_version_id != shop.versions[0].pk
        assert decision["propensity"] == 0.5


def test_with_every_prompt_failed_none_is_chosen() -> None:
    shop = Shop(prompts=2)
    for version in shop.versions:
        shop.approve(shop.products[0], version, "rejected")
    CreativeRequest.objects.update(status="failed")
    decision = shop.decide()
    assert (decision["generation"], decision["prompt"], decision["propensity"]) == ("failed", None, 1.0)
    assert decision["is_fallback"] is True


def test_asking_twice_requests_once() -> None:
    shop = Shop(prompts=1)
    for _ in range(3):
        shop.decide()
    assert CreativeRequest.objects.count() == 1
    assert OutboxEntry.objects.filter(job="generate").count() == 1


def test_a_decision_writes_nothing_else() -> None:
    shop = Shop(prompts=1)
    shop.approve(shop.products[0], shop.versions[0])
    ensure_default_experiments()
    with CaptureQueriesContext(connection) as captured:
        shop.decide()
    assert all(query["sql"].strip().startswith("SELECT") for query in captured)
    assert not Impression.objects.exists()
    assert not Click.objects.exists()
    assert not Policy.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_items() -> None:
    shop = Shop(prompts=1)
    more = [shop.product() for _ in range(9)]
    shop.ask(*more)

    def queries(*products: Product) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert shop.ask(*products).status_code == 200
        return len(captured)

    queries(more[0])  # what seldom changes is in memory afterwards
    one, ten = queries(more[0]), queries(*more)
    assert ten == one
    assert one <= 11


def test_a_product_without_a_pool_shows_the_original() -> None:
    shop = Shop()
    bare = shop.product(category=factories.category("Elsewhere"))
    decision = shop.decide(bare)
    assert (decision["variant"], decision["generation"], decision["prompt"]) == (
        "original",
        "not_needed",
        None,
    )
    assert not CreativeRequest.objects.exists()


def test_a_pool_is_inherited_from_the_nearest_ancestor() -> None:
    shop = Shop(prompts=1)
    child = shop.product(category=factories.category(f"{shop.category.path} > Lamps > Desk lamps"))
    assert token_in(shop.decide(child)["impression_url"]).category_id == shop.category.pk


def test_a_photo_that_is_still_being_fetched_is_shown_from_the_merchant() -> None:
    shop = Shop()
    product = factories.product(shop.merchant, category=shop.category)
    factories.image(
        product, status="pending", sha256="0" * 64, source_url="https://shop.example/1.jpg", file=""
    )
    decision = shop.decide(product)
    assert decision["image"] == {"url": "https://shop.example/1.jpg", "width": None, "height": None}
    assert decision["generation"] == "not_needed"
    photoless = factories.product(shop.merchant, category=shop.category)
    assert shop.decide(photoless)["image"] is None


def test_unknown_and_foreign_items_are_problems_in_their_place() -> None:
    shop, other = Shop(), Shop()
    retired = shop.product(status="retired")
    items = [
        {"merchant": shop.merchant.slug, "id": "nope"},
        {"merchant": other.merchant.slug, "id": other.products[0].external_id},
        {"merchant": "nobody", "id": "x"},
        {"merchant": shop.merchant.slug, "id": retired.external_id},
        {"merchant": shop.merchant.slug, "id": shop.products[0].external_id},
    ]
    answers = shop.ask(items=items).json()["decisions"]
    assert [answer["item"] for answer in answers] == items
    assert [answer.get("error", {}).get("status") for answer in answers] == [404, 404, 404, 404, None]
    foreign, missing = (dict(answers[index]["error"], detail="") for index in (1, 2))
    assert foreign == missing
    assert CreativeRequest.objects.filter(merchant=other.merchant).count() == 0


def test_a_recommender_serves_its_merchants_and_no_others() -> None:
    mine, also_mine, foreign = Shop(), Shop(), Shop()
    recommender = Recommender.objects.create(name="r")
    recommender.merchants.add(mine.merchant, also_mine.merchant)
    _, key = ApiKey.issue(recommender=recommender)
    shops = (mine, also_mine, foreign)
    items = [{"merchant": shop.merchant.slug, "id": shop.products[0].external_id} for shop in shops]
    answers = post("/api/v1/decisions", mine.body(items=items), key).json()["decisions"]
    assert ["error" in answer for answer in answers] == [False, False, True]
    assert not token_in(answers[0]["impression_url"]).is_simulated
    Recommender.objects.update(is_simulator=True)
    answers = post("/api/v1/decisions", mine.body(items=items), key).json()["decisions"]
    assert token_in(answers[0]["impression_url"]).is_simulated


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nope"}, {"Authorization": "Basic eA=="}])
def test_without_a_key_nothing_happens(client: Any, header: dict[str, str]) -> None:
    shop = Shop()
    response = client.post("/api/v1/decisions", shop.body(), "application/json", headers=header)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert not CreativeRequest.objects.exists()


def test_an_unknown_placement_uses_the_default_layout_and_the_given_size() -> None:
    shop = Shop(prompts=1)
    shop.decide(placement={"id": "never-heard-of", "width": 640, "height": 360})
    request = CreativeRequest.objects.get()
    assert request.layout == "s72-s-m8"
    assert list(request.renditions.values_list("width", "height")) == [(640, 360)]


@pytest.mark.parametrize("fallback_there", [True, False])
def test_the_positioned_fallback(fallback_there: bool) -> None:
    shop = Shop(prompts=1, fallback="positioned")
    assert shop.decide()["variant"] == "original"
    waiting = PositionedRendition.objects.get()
    if fallback_there:
        PositionedRendition.objects.filter(pk=waiting.pk).update(file="creatives/white.png")
    decision = shop.decide()
    assert decision["variant"] == ("positioned" if fallback_there else "original")
    assert (decision["is_fallback"], decision["generation"]) == (True, "queued")
    if fallback_there:
        assert decision["image"]["url"].endswith("/media/creatives/white.png")
        assert (decision["image"]["width"], decision["image"]["height"]) == (300, 250)


def test_the_arm_of_original_photos() -> None:
    shop = Shop(prompts=1)
    shop.approve(shop.products[0], shop.versions[0])
    experiment = only(shop, "original")
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "original",
        False,
        "not_needed",
    )
    assert (decision["prompt"], decision["propensity"]) == (None, 1.0)
    assert decision["experiment"] == {"id": experiment.pk, "arm": "original"}


def test_the_arm_of_positioned_products() -> None:
    shop = Shop(prompts=1)
    only(shop, "positioned")
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "original",
        True,
        "queued",
    )
    PositionedRendition.objects.update(file="creatives/white.png")
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "positioned",
        False,
        "not_needed",
    )
    assert not CreativeRequest.objects.exists()


def test_users_stick_to_their_arm_and_shares_hold() -> None:
    shop = Shop(prompts=2)
    arms = {}
    for number in range(150):
        user = {"id": f"user-{number}"}
        arms[number] = shop.decide(user=user)["experiment"]["arm"]
    assert {shop.decide(user={"id": "user-7"})["experiment"]["arm"] for _ in range(5)} == {arms[7]}
    personalised = sum(arm == "personalised" for arm in arms.values())
    assert 95 <= personalised <= 140  # 120 of 150 expected: five standard deviations either way


def test_the_default_experiment_starts_with_the_first_decision_and_stays_stopped() -> None:
    shop = Shop()
    experiment = shop.decide()["experiment"]
    assert experiment["id"] == Experiment.objects.get(merchant=shop.merchant, status="running").pk
    stop_experiment(experiment["id"])
    assert shop.decide()["experiment"] is None
    assert Experiment.objects.count() == 1


def test_the_token_carries_what_the_learner_needs() -> None:
    shop = Shop(prompts=1)
    decision = shop.decide(
        user={"id": "u1", "features": {"device": "Mobile", "age": 31, "loyal": True, "shoe": "42½"}},
        placement={"id": "home-top", "width": 300, "height": 250, "features": {"site": "news", "width": 7}},
    )
    token = token_in(decision["impression_url"])
    assert str(token.decision_id) == decision["decision_id"]
    assert decision["impression_url"].endswith(f"/e/{decision['token']}")
    assert decision["click_url"].endswith(f"/c/{decision['token']}")
    assert token.features == {
        "user": {"device": "Mobile", "age": 31, "loyal": True, "shoe": "42½"},
        "item": {"category": shop.category.path, "price": 19.99},
        "placement": {"site": "news", "id": "home-top", "width": 300, "height": 250},
    }
    assert (token.device, token.placement, token.arm) == ("mobile", "home-top", decision["experiment"]["arm"])
    assert token.propensity == decision["propensity"]
    assert decision["expires_at"] == token.expires_at.isoformat()
    assert "u1" not in str(token)


def test_a_failing_request_for_a_creative_costs_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, calls = Shop(prompts=1), []

    def fail(*args: Any) -> None:
        calls.append(args)
        raise DatabaseError("read only")

    with monkeypatch.context() as patched:
        patched.setattr(pictures, "request_creatives", fail)
        assert [shop.decide()["generation"] for _ in range(2)] == ["queued", "queued"]
    assert len(calls) == 2
    shop.decide()
    assert CreativeRequest.objects.count() == 1


def test_what_was_just_asked_for_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, calls = Shop(prompts=1), []
    monkeypatch.setattr(pictures, "request_creatives", lambda *args: calls.append(args))
    for _ in range(3):
        shop.decide()
    assert len(calls) == 1
