"""The safety cap: what surely does harm is paused, nothing else is, and people have the last word."""

from __future__ import annotations

import numpy as np
import pytest

from bandit.features import encoding
from bandit.linucb import LinUCB
from bandit.models import PausedPrompt, PolicyAction
from bandit.policy_services import PolicyError, pause_prompt, resume_prompt, set_control
from bandit.safety import harmful, pause_harmful
from creatives.models import Merchant, PromptVersion
from tests import factories
from tests.bandit_rows import pool

ENCODING = encoding(1)
DEVICES = ("mobile", "desktop")


def taught(rates: dict[int, float], shown: int, seed: int = 0, **by_device: dict[int, float]) -> LinUCB:
    """Each arm shown ``shown`` times with its click rate; ``by_device`` gives shares of desktops and rates there."""
    rng = np.random.default_rng(seed)
    desktops, desktop_rates = by_device.get("desktops", {}), by_device.get("desktop_rates", {})
    model = LinUCB(ENCODING.n_features)
    x = [ENCODING.encode({"device": device}) for device in DEVICES]
    for arm, rate in rates.items():
        model.add_arm(arm)
        at_desk = rng.random(shown) < desktops.get(arm, 0.5)
        chances = np.where(at_desk, desktop_rates.get(arm, rate), rate)
        clicked = (rng.random(shown) < chances).astype(float)
        model.partial_fit(np.array([x[int(desk)] for desk in at_desk]), [arm] * shown, clicked)
    return model


def test_a_prompt_that_earns_a_third_is_found_and_its_figures_are_right() -> None:
    model = taught({1: 0.09, 2: 0.03, 3: 0.09}, 4000)
    (harm,) = harmful(model, [1, 2, 3])
    assert (harm.arm, harm.impressions) == (2, 4000)
    assert harm.observed == pytest.approx(0.03, abs=0.01)
    assert harm.expected == pytest.approx(0.09, abs=0.015)
    assert harm.observed < harm.upper < 0.9 * harm.expected


def test_little_is_not_enough_and_nor_is_a_little() -> None:
    assert harmful(taught({1: 0.09, 2: 0.0}, 150), [1, 2]) == []
    assert harmful(taught({1: 0.09, 2: 0.085}, 20_000), [1, 2]) == []
    assert harmful(taught({1: 0.09}, 4000), [1]) == []


def test_a_prompt_for_shoppers_who_seldom_click_is_not_blamed_for_them() -> None:
    """Arm 2 is shown on desktops only, where all prompts earn little; there it is the better one."""
    rates, there = {1: 0.2, 2: 0.2}, {1: 0.02, 2: 0.03}
    model = taught(rates, 5000, desktops={1: 0.5, 2: 1.0}, desktop_rates=there)
    assert harmful(model, [1, 2]) == []


def test_equal_prompts_raise_no_alarm_however_often_one_looks() -> None:
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        model = LinUCB(ENCODING.n_features)
        x = ENCODING.encode({"device": "mobile"})
        for arm in (1, 2):
            model.add_arm(arm)
        for _ in range(25):
            for arm in (1, 2):
                clicks = (rng.random(200) < 0.05).astype(float)
                model.partial_fit(np.tile(x, (200, 1)), [arm] * 200, clicks)
            if harmful(model, [1, 2]):
                alarms += 1
                break
    assert alarms <= 2


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant()


@pytest.fixture
def arms() -> list[PromptVersion]:
    return pool(factories.category("Home"), 3)


def bad_one(arms: list[PromptVersion]) -> LinUCB:
    return taught({arms[0].pk: 0.09, arms[1].pk: 0.02, arms[2].pk: 0.09}, 3000)


@pytest.mark.django_db
def test_it_is_paused_once_and_people_are_told(merchant: Merchant, arms: list[PromptVersion]) -> None:
    category_id = arms[0].prompt.category_id
    assert [harm.arm for harm in pause_harmful(merchant.pk, category_id, bad_one(arms))] == [arms[1].pk]
    assert pause_harmful(merchant.pk, category_id, bad_one(arms)) == []
    row = PausedPrompt.objects.get()
    assert (row.prompt_version_id, row.paused_by, row.resumed_at, row.impressions) == (
        arms[1].pk,
        None,
        None,
        3000,
    )
    action = PolicyAction.objects.get()
    assert action.user is None
    assert action.what.startswith(f"Paused {arms[1]}: ")


@pytest.mark.django_db
def test_what_a_person_has_resumed_is_left_alone(merchant: Merchant, arms: list[PromptVersion]) -> None:
    owner, category_id = factories.member(merchant, "owner"), arms[0].prompt.category_id
    pause_harmful(merchant.pk, category_id, bad_one(arms))
    resume_prompt(merchant, arms[1], owner)
    assert pause_harmful(merchant.pk, category_id, bad_one(arms)) == []
    with pytest.raises(PolicyError, match="is not paused"):
        resume_prompt(merchant, arms[1], owner)
    pause_prompt(merchant, arms[1], owner)
    with pytest.raises(PolicyError, match="is paused already"):
        pause_prompt(merchant, arms[1], owner)
    assert list(PausedPrompt.objects.order_by("pk").values_list("paused_by", "resumed_by")) == [
        (None, owner.pk),
        (owner.pk, None),
    ]


@pytest.mark.django_db
def test_the_cap_can_be_switched_off_and_leaves_one_prompt(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    owner, category = factories.member(merchant, "owner"), arms[0].prompt.category
    set_control(merchant, category, owner, pauses_harmful=False)
    assert pause_harmful(merchant.pk, category.pk, bad_one(arms)) == []
    set_control(merchant, category, owner, pauses_harmful=True)
    pause_prompt(merchant, arms[0], owner)
    pause_prompt(merchant, arms[2], owner)
    assert pause_harmful(merchant.pk, category.pk, bad_one(arms)) == []
    assert pause_harmful(factories.merchant().pk, category.pk, bad_one(arms))[0].arm == arms[1].pk
