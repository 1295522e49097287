"""Who is in which experiment: disjoint, sticky, and growing without moving anybody."""

from __future__ import annotations

from collections import Counter

import pytest

from bandit.allocation import HELD_OUT, NOT_ENROLLED, Allocation, allocations
from bandit.experiments import (
    ArmSpec,
    PlanSpec,
    create_experiment,
    set_holdout,
    start_experiment,
    stop_experiment,
    widen_experiment,
)
from bandit.models import Experiment
from bandit.statistics import sample_ratio
from creatives.models import Merchant
from tests import factories

pytestmark = pytest.mark.django_db
USERS = [f"user {number}" for number in range(4000)]
HALVES = (ArmSpec("a", "random", 50), ArmSpec("b", "original", 50))


def run(merchant: Merchant, name: str, **plan: int) -> Experiment:
    return start_experiment(create_experiment(merchant, name, HALVES, PlanSpec(**plan)).pk)


def allocation(merchant: Merchant) -> Allocation:
    return allocations([merchant.pk])[merchant.pk]


def test_shares_are_as_planned_and_nobody_is_in_two() -> None:
    merchant = factories.merchant()
    set_holdout(merchant, 10)
    one, two = run(merchant, "one", traffic=40), run(merchant, "two", traffic=30, enrolled=50)
    found = Counter(map(allocation(merchant).of, USERS))
    expected = {
        (one.pk, "a"): 20,
        (one.pk, "b"): 20,
        (two.pk, "a"): 7.5,
        (two.pk, "b"): 7.5,
        (None, ""): 35,
        (None, "holdout"): 10,
    }
    counted = {(assigned.experiment_id, assigned.arm): count for assigned, count in found.items()}
    assert counted.keys() == expected.keys()
    assert sample_ratio([counted[key] for key in expected], list(expected.values())).p_value > 0.0001
    kinds = {(assigned.arm, assigned.kind) for assigned in found}
    assert kinds == {("a", "random"), ("b", "original"), ("", "personalised"), ("holdout", "original")}


def test_widening_moves_nobody_who_takes_part() -> None:
    merchant = factories.merchant()
    experiment = run(merchant, "one", traffic=60, enrolled=20)
    before = dict(zip(USERS, map(allocation(merchant).of, USERS), strict=True))
    widen_experiment(experiment.pk, 70)
    after = dict(zip(USERS, map(allocation(merchant).of, USERS), strict=True))
    moved = {user for user in USERS if before[user] != after[user]}
    assert moved
    assert all(before[user] == NOT_ENROLLED and after[user] != HELD_OUT for user in moved)


def test_other_experiments_and_a_growing_holdout_leave_the_rest_alone() -> None:
    merchant = factories.merchant()
    one, two = run(merchant, "one", traffic=40), run(merchant, "two", traffic=40)
    before = dict(zip(USERS, map(allocation(merchant).of, USERS), strict=True))
    set_holdout(merchant, 15)
    stop_experiment(one.pk)
    after = dict(zip(USERS, map(allocation(merchant).of, USERS), strict=True))
    for user in USERS:
        if before[user].experiment_id == two.pk:
            assert after[user] == before[user]
        elif before[user].experiment_id == one.pk:
            assert after[user] == NOT_ENROLLED
        else:
            assert after[user] in (NOT_ENROLLED, HELD_OUT)


def test_the_first_decision_starts_the_default_experiment(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    merchant = factories.merchant()
    kinds = {allocation(merchant).of(user).kind for user in USERS[:100]}
    assert kinds == {"personalised", "random"}
    with django_assert_num_queries(3):
        allocations([merchant.pk])


def test_without_an_experiment_everybody_is_personalised() -> None:
    merchant = factories.merchant()
    stop_experiment(run(merchant, "one").pk)
    assert {allocation(merchant).of(user) for user in USERS[:50]} == {NOT_ENROLLED}
    inactive = factories.merchant(is_active=False)
    assert allocation(inactive).of("anybody") == NOT_ENROLLED


def test_arms_carry_their_version_of_the_pipeline() -> None:
    merchant = factories.merchant()
    arms = [ArmSpec(name, "random", 50, pipeline_version=f"1-{name}") for name in "ab"]
    start_experiment(create_experiment(merchant, "x", arms).pk)
    of = allocation(merchant).of
    found = {(assigned.arm, assigned.pipeline_version) for assigned in map(of, USERS[:50])}
    assert found == {("a", "1-a"), ("b", "1-b")}
