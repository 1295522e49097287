"""What people decide about a pool holds for the next decision, and every token says with which probability."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bandit.experiments import ArmSpec, create_experiment, start_experiment
from bandit.learning import learn_once
from bandit.models import Impression
from bandit.policy_services import pause_prompt, resume_prompt, set_control
from creatives.models import CreativeRequest, User
from tests import factories
from tests.bandit_rows import Shop, path_of, shown, token_in

pytestmark = pytest.mark.django_db
DRAWS = 250


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    settings.SNAPSHOT_REFRESH_SECONDS = 0


@pytest.fixture
def shop() -> Shop:
    """Three prompts with approved pictures; the second is clicked most. Everybody is personalised."""
    shop = Shop(prompts=3, exploration=0.2, alpha=0.01, attribution_minutes=0)
    start_experiment(create_experiment(shop.merchant, "all", [ArmSpec("p", "personalised", 100)]).pk)
    for version in shop.versions:
        shop.approve(shop.products[0], version)
        for _ in range(12):
            shown(shop.merchant, version, clicked_after=timedelta(0) if version == shop.versions[1] else None)
    learn_once()
    return shop


@pytest.fixture
def owner(shop: Shop) -> User:
    return factories.member(shop.merchant, "owner")


def ask(shop: Shop, draws: int = DRAWS) -> list[Any]:
    """Decisions for as many users, all answered."""
    made = []
    for start in range(0, draws, 50):
        for number in range(start, min(start + 50, draws)):
            made.append(shop.decide(user={"id": str(number), "features": {"device": "mobile"}}))
    return made


def chances(shop: Shop, decisions: list[Any]) -> dict[int, float]:
    """The propensity of each prompt that came up: by place in the pool, the same in every token."""
    found: dict[int, set[float]] = {}
    places = {version.pk: place for place, version in enumerate(shop.versions)}
    for decision in decisions:
        token = token_in(decision["impression_url"])
        assert token.propensity == decision["propensity"]
        found.setdefault(places[token.prompt_version_id or 0], set()).add(round(token.propensity, 12))
    assert all(len(values) == 1 for values in found.values()), found
    return {place: values.pop() for place, values in sorted(found.items())}


def assert_frequencies(shop: Shop, decisions: list[Any], expected: dict[int, float]) -> None:
    """Propensities as the formula has them, and frequencies that agree with them (5 standard errors)."""
    assert chances(shop, decisions) == pytest.approx(expected)
    assert sum(expected.values()) == pytest.approx(1.0)
    ids = [version.pk for version in shop.versions]
    seen = Counter(ids.index(token_in(d["impression_url"]).prompt_version_id) for d in decisions)
    for place, chance in expected.items():
        spread = (chance * (1 - chance) / len(decisions)) ** 0.5
        assert abs(seen[place] / len(decisions) - chance) < 5 * spread + 1e-9


def test_exploration_of_the_pool_goes_before_the_merchants(shop: Shop, owner: User) -> None:
    assert_frequencies(shop, ask(shop), {0: 0.2 / 3, 1: 0.8 + 0.2 / 3, 2: 0.2 / 3})
    set_control(shop.merchant, shop.category, owner, exploration=0.6)
    assert_frequencies(shop, ask(shop), {0: 0.2, 1: 0.6, 2: 0.2})


def test_new_prompts_get_their_minimum(shop: Shop, owner: User) -> None:
    new = factories.prompt_version(shop.category)
    shop.versions.append(new)
    shop.approve(shop.products[0], new)
    set_control(shop.merchant, shop.category, owner, newcomer_impressions=12, newcomer_share=0.25, alpha=0.0)
    base = {0: 0.05, 1: 0.85, 2: 0.05, 3: 0.05}
    expected = {place: 0.75 * chance for place, chance in base.items()}
    expected[3] += 0.25
    assert_frequencies(shop, ask(shop), expected)


def test_a_paused_prompt_is_chosen_by_nobody_and_the_others_share(shop: Shop, owner: User) -> None:
    pause_prompt(shop.merchant, shop.versions[1], owner)
    decisions = ask(shop)
    assert set(chances(shop, decisions)) == {0, 2}
    assert sum(chances(shop, decisions).values()) == pytest.approx(1.0)
    resume_prompt(shop.merchant, shop.versions[1], owner)
    assert 1 in chances(shop, ask(shop, 40))


def test_a_prompt_is_paused_for_one_merchant_only(shop: Shop, owner: User) -> None:
    pause_prompt(factories.merchant(), shop.versions[1], owner)
    assert 1 in chances(shop, ask(shop, 40))


def test_pausing_all_prompts_leaves_the_original(shop: Shop, owner: User) -> None:
    for version in shop.versions:
        pause_prompt(shop.merchant, version, owner)
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["prompt"]) == ("original", True, None)
    assert decision["propensity"] == 1.0


@pytest.mark.parametrize("arm", ["personalised", "random"])
def test_the_kill_switch_shows_the_original_to_everybody(shop: Shop, owner: User, arm: str) -> None:
    if arm == "random":
        from bandit.models import Experiment

        Experiment.objects.update(status="stopped", ended_at="2026-01-01T00:00Z")
        start_experiment(create_experiment(shop.merchant, "r", [ArmSpec("r", "random", 100)]).pk)
    CreativeRequest.objects.all().delete()
    set_control(shop.merchant, shop.category, owner, serve="original")
    decision = shop.decide()
    made = token_in(decision["impression_url"])
    assert (made.variant, made.is_fallback, made.prompt_version_id) == ("original", True, None)
    assert (made.propensity, made.policy_version, decision["generation"]) == (1.0, 0, "not_needed")
    assert not CreativeRequest.objects.exists()
    set_control(shop.merchant, shop.category, owner, serve="policy")
    assert shop.decide()["prompt"] is not None


def test_the_kill_switch_can_show_the_product_on_white(shop: Shop, owner: User) -> None:
    from creatives.models import PositionedRendition

    set_control(shop.merchant, shop.category, owner, serve="positioned")
    assert shop.decide()["variant"] == "original"  # until it is rendered, which has been asked for
    PositionedRendition.objects.update(file="positioned/x.png")
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"], decision["propensity"]) == ("positioned", True, 1.0)


def test_the_kill_switch_of_a_pool_leaves_the_others_alone(shop: Shop, owner: User) -> None:
    set_control(shop.merchant, factories.category("Shoes"), owner, serve="original")
    set_control(factories.merchant(), shop.category, owner, serve="original")
    assert shop.decide()["prompt"] is not None


@pytest.mark.parametrize("kind", ["personalised", "random", "original", "positioned"])
def test_a_pool_that_is_switched_off_is_no_part_of_an_experiment(shop: Shop, owner: User, kind: str) -> None:
    from bandit.models import Experiment

    Experiment.objects.update(status="stopped", ended_at="2026-01-01T00:00Z")
    running = start_experiment(create_experiment(shop.merchant, "e", [ArmSpec("e", kind, 100)]).pk)
    elsewhere = shop.product(category=factories.category("Elsewhere"))
    set_control(shop.merchant, shop.category, owner, serve="original")
    off, on = shop.ask(shop.products[0], elsewhere).json()["decisions"]
    assert off["experiment"] is None
    made = token_in(off["impression_url"])
    assert (made.experiment_id, made.arm, made.arm_kind) == (None, "", kind)
    assert on["experiment"] == {"id": running.pk, "arm": "e"}
    set_control(shop.merchant, shop.category, owner, serve="policy")
    assert shop.decide()["experiment"] == {"id": running.pk, "arm": "e"}


def test_arms_of_an_experiment_that_are_no_policys_do_not_care(shop: Shop, owner: User) -> None:
    from bandit.models import Experiment

    Experiment.objects.update(status="stopped", ended_at="2026-01-01T00:00Z")
    start_experiment(create_experiment(shop.merchant, "o", [ArmSpec("o", "original", 100)]).pk)
    set_control(shop.merchant, shop.category, owner, serve="positioned")
    decision = shop.decide()
    assert (decision["variant"], decision["is_fallback"]) == ("original", False)


def test_the_row_of_the_log_says_what_the_token_says(shop: Shop, owner: User, client: Any) -> None:
    set_control(
        shop.merchant, shop.category, owner, exploration=0.5, newcomer_share=0.1, newcomer_impressions=13
    )
    before = set(Impression.objects.values_list("pk", flat=True))
    for decision in ask(shop, 20):
        client.get(path_of(decision["impression_url"]))
        made = token_in(decision["impression_url"])
        row = Impression.objects.exclude(pk__in=before).get(pk=made.decision_id)
        assert (row.propensity, row.prompt_version_id) == (made.propensity, made.prompt_version_id)
        assert (row.policy_version, row.encoding_version) == (1, made.encoding_version)


@pytest.mark.parametrize("kind", ["hybrid", "ts"])
def test_other_kinds_are_served_with_a_true_propensity(shop: Shop, owner: User, kind: str) -> None:
    set_control(shop.merchant, shop.category, owner, kind=kind, alpha=0.5)
    shown(shop.merchant, shop.versions[0])
    learn_once()
    decisions = ask(shop)
    assert {decision["policy_version"] for decision in decisions} == {2}
    found = chances(shop, decisions)
    if len(found) == 3:
        assert_frequencies(shop, decisions, found)
    else:
        assert max(found.values()) > 0.7
