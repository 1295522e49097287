"""The loop closes: what shoppers click changes what is decided."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.test import override_settings

from bandit.experiments import ArmSpec, create_experiment, start_experiment
from bandit.learning import learn_once
from tests.bandit_rows import Shop, shown, token_in

pytestmark = pytest.mark.django_db


@override_settings(SNAPSHOT_REFRESH_SECONDS=0)
def test_a_prompt_that_is_clicked_is_chosen() -> None:
    shop = Shop(prompts=3, exploration=0.1, alpha=0.01, attribution_minutes=0)
    start_experiment(create_experiment(shop.merchant, "all", [ArmSpec("p", "personalised", 100)]).pk)
    assert shop.decide()["propensity"] == pytest.approx(1 / 3)
    for version in shop.versions:
        for _ in range(20):
            shown(shop.merchant, version, clicked_after=timedelta(0) if version == shop.versions[1] else None)
    learn_once()
    decisions = [shop.decide(user={"id": str(number)}) for number in range(40)]
    chosen = Counter(token_in(decision["impression_url"]).prompt_version_id for decision in decisions)
    assert chosen[shop.versions[1].pk] > 28
    for decision in decisions:
        best = token_in(decision["impression_url"]).prompt_version_id == shop.versions[1].pk
        assert decision["propensity"] == pytest.approx(0.9 + 0.1 / 3 if best else 0.1 / 3)
        assert decision["policy_version"] == 1


@override_settings(SNAPSHOT_REFRESH_SECONDS=0)
def test_the_control_arm_ignores_the_policy() -> None:
    shop = Shop(prompts=2, attribution_minutes=0)
    start_experiment(create_experiment(shop.merchant, "all", [ArmSpec("r", "random", 100)]).pk)
    for _ in range(20):
        shown(shop.merchant, shop.versions[0], clicked_after=timedelta(0))
    learn_once()
    decisions = [shop.decide(user={"id": str(number)}) for number in range(40)]
    assert {decision["propensity"] for decision in decisions} == {0.5}
    assert {decision["policy_version"] for decision in decisions} == {1}
    chosen = Counter(token_in(decision["impression_url"]).prompt_version_id for decision in decisions)
    assert min(chosen.values()) >= 6
