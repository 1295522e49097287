"""The safety cap: what surely does harm is paused, nothing else is, and people have the last word."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from bandit.features import encoding
from bandit.learning import learn_once
from bandit.linucb import LinUCB
from bandit.models import PausedPrompt, PolicyAction
from bandit.policy_services import PolicyError, pause_prompt, resume_prompt, set_control
from bandit.rollups import roll_up
from bandit.safety import Sums, harmful, pause_harmful, worse_than
from creatives.models import Merchant, PromptVersion
from tests import factories
from tests.bandit_rows import pool, shown

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


def originals(rate: float, shown: int, seed: int = 1, **by_device: dict[int, float]) -> Sums:
    """What originals shown ``shown`` times left behind; arguments as of ``taught``, for an arm 0."""
    return Sums(*taught({0: rate}, shown, seed, **by_device).learned(0))


def test_prompts_that_earn_less_than_the_original_are_found_though_they_are_alike() -> None:
    model = taught({1: 0.03, 2: 0.03}, 6000)
    assert harmful(model, [1, 2]) == []
    found = worse_than(originals(0.06, 6000), model, [1, 2])
    assert {harm.arm for harm in found} == {1, 2}
    assert {harm.beside for harm in found} == {"original"}
    assert all(harm.observed < harm.upper < 0.9 * harm.expected for harm in found)
    assert found[0].expected == pytest.approx(0.06, abs=0.01)


def test_the_original_is_asked_for_the_shoppers_who_saw_the_prompt() -> None:
    """Arm 2 is shown on desktops only, where originals earn little too; few originals say nothing."""
    model = taught({2: 0.2}, 5000, desktops={2: 1.0}, desktop_rates={2: 0.03})
    assert worse_than(originals(0.2, 5000, desktop_rates={0: 0.02}), model, [2]) == []
    assert worse_than(originals(0.2, 150), taught({2: 0.01}, 5000), [2]) == []
    assert [harm.arm for harm in worse_than(originals(0.2, 5000), taught({2: 0.1}, 5000), [2])] == [2]


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


def log_of(
    merchant: Merchant, category_id: int, version: PromptVersion | None, count: int, clicks: int
) -> None:
    """``count`` impressions of a prompt, or of the original in the holdout, ``clicks`` of which were clicked."""
    fields = {} if version else {"arm": "holdout", "arm_kind": "original", "category_id": category_id}
    for number in range(count):
        after = timedelta(minutes=1) if number < clicks else None
        shown(merchant, version, clicked_after=after, user_key=f"{number:032d}", **fields)


@pytest.mark.django_db
def test_the_learner_compares_with_the_holdouts_originals_once_an_hour(arms: list[PromptVersion]) -> None:
    merchant, category_id = factories.merchant(attribution_minutes=0), arms[0].prompt.category_id
    log_of(merchant, category_id, None, 300, 150)
    log_of(merchant, category_id, arms[0], 300, 15)
    log_of(merchant, category_id, arms[1], 300, 15)
    roll_up()
    now = timezone.now()
    assert learn_once(now) == 600
    # The other prompts are as bad, so it is the original that tells; one prompt is always left.
    rows = list(PausedPrompt.objects.values_list("beside", "paused_by"))
    assert rows == [("original", None), ("original", None)]
    assert "the original photo would have had" in PolicyAction.objects.latest("pk").what
    PausedPrompt.objects.all().delete()
    log_of(merchant, category_id, arms[0], 1, 0)
    learn_once(now + timedelta(minutes=5))
    assert not PausedPrompt.objects.exists()
    log_of(merchant, category_id, arms[0], 1, 0)
    learn_once(now + timedelta(minutes=61))
    assert PausedPrompt.objects.count() == 2


@pytest.mark.django_db
def test_without_originals_nothing_is_compared_with_them(arms: list[PromptVersion]) -> None:
    merchant, category_id = factories.merchant(attribution_minutes=0), arms[0].prompt.category_id
    log_of(merchant, category_id, arms[0], 250, 5)
    log_of(merchant, category_id, None, 150, 100)  # too few
    roll_up()
    learn_once()
    assert not PausedPrompt.objects.exists()
