"""The analysis of an experiment: which figures hold when, and what they are."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from bandit.experiment_analysis import MIN_CLICKS, ArmSums, Plan, analyse, compare, guardrails
from bandit.sequential import always_valid_gain, always_valid_interval, gain_msprt, msprt
from bandit.statistics import (
    Rate,
    UserTotals,
    difference_z,
    holm,
    lift,
    lift_interval,
    proportion,
    sample_size,
)

DAY = date(2026, 3, 1)
HALVES = Plan("control", {"control": 50, "treatment": 50}, baseline=0.1, gain=0.5)


def arm(users: int, clicks: int, **fields: int) -> ArmSums:
    """Users with one impression each."""
    return ArmSums(users, users, clicks, nn=users, nc=clicks, cc=clicks, **fields)


def grown(*sums: ArmSums) -> list[ArmSums]:
    """What each day added, from the sums up to each day."""
    zero = ArmSums()
    return [
        ArmSums(*(a - b for a, b in zip(now, before, strict=True)))
        for before, now in zip((zero, *sums), sums, strict=False)
    ]


def days(count: int) -> list[date]:
    return [DAY + timedelta(days=number) for number in range(count)]


def test_rates_are_those_of_the_user_level_delta_method() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(1, 9, 50)
    columns = {name: rng.binomial(n, p) for name, p in (("c", 0.3), ("v", 0.1), ("f", 0.05))}
    sums = ArmSums(
        50,
        n.sum(),
        *(columns[name].sum() for name in "cvf"),
        n @ n,
        n @ columns["c"],
        columns["c"] @ columns["c"],
        n @ columns["v"],
        columns["v"] @ columns["v"],
        n @ columns["f"],
        columns["f"] @ columns["f"],
    )
    for metric, name in (("clicks", "c"), ("conversions", "v"), ("fallbacks", "f")):
        assert sums.rate(metric) == pytest.approx(UserTotals.of(columns[name], n).rate(), rel=1e-12)  # type: ignore[arg-type]
    rate = sums.rate()
    assert sums.effective == pytest.approx(min(n.sum(), rate.value * (1 - rate.value) / rate.variance))


def test_independent_impressions_count_fully_and_none_count_as_none() -> None:
    assert arm(1000, 100).effective == pytest.approx(1000, rel=2e-3)
    assert arm(1000, 0).effective == 1000
    assert ArmSums().effective == 0


def test_the_plan_allows_for_shares_and_for_several_comparisons() -> None:
    assert HALVES.required() == {name: sample_size(0.1, 0.5) for name in ("control", "treatment")}
    uneven = Plan("c", {"c": 20, "t": 80}, 0.02, 0.1)
    assert uneven.required() == {
        "c": sample_size(0.02, 0.1, ratio=4.0),
        "t": 4 * sample_size(0.02, 0.1, ratio=4.0),
    }
    three = Plan("c", {"c": 34, "t": 33, "u": 33}, 0.02, 0.1)
    assert three.required()["c"] == sample_size(0.02, 0.1, alpha=0.025, ratio=33 / 34)
    assert Plan("c", {"c": 100}, 0.02, 0.1).required() == {"c": 0}


def test_while_it_runs_figures_are_always_valid() -> None:
    found = analyse(HALVES, days(1), {"control": [arm(400, 40)], "treatment": [arm(400, 60)]}, DAY)
    assert not found.is_final
    (row,) = found.comparisons
    treatment, control = arm(400, 60).rate(), arm(400, 40).rate()
    assert row.gain == lift(treatment, control) == pytest.approx(0.5)
    assert row.interval == always_valid_gain(treatment, control, math.log(1.5))
    assert row.p_value == gain_msprt(treatment, control, math.log(1.5)).p_value
    assert found.progress == pytest.approx(400 / sample_size(0.1, 0.5), rel=3e-3)


def test_the_planned_look_is_made_once_and_stays() -> None:
    control = [arm(400, 40), arm(1000, 100), arm(2000, 400)]
    treatment = [arm(400, 60), arm(1000, 150), arm(2000, 100)]
    growth = {"control": grown(*control), "treatment": grown(*treatment)}
    found = analyse(HALVES, days(3), growth, DAY + timedelta(days=2))
    assert (found.is_final, found.day) == (True, DAY + timedelta(days=1))
    (row,) = found.comparisons
    rates = treatment[1].rate(), control[1].rate()
    assert row.interval == lift_interval(*rates)
    assert row.p_value == difference_z(*rates).p_value
    assert row.verdict == "better"
    assert found.progress == 1.0


def test_a_day_that_is_not_over_makes_no_planned_look() -> None:
    growth = {"control": [arm(1000, 100)], "treatment": [arm(1000, 150)]}
    assert not analyse(HALVES, days(1), growth, DAY - timedelta(days=1)).is_final
    assert analyse(HALVES, days(1), growth, DAY).is_final


def test_correlated_impressions_put_the_planned_look_off() -> None:
    """Ten impressions a user, all clicked or none: each user is worth about one."""
    users, clickers = 100, 10
    sums = ArmSums(users, 10 * users, 10 * clickers, nn=100 * users, nc=100 * clickers, cc=100 * clickers)
    assert sums.effective == pytest.approx(users, rel=0.02)
    found = analyse(HALVES, days(1), {"control": [sums], "treatment": [sums]}, DAY)
    assert not found.is_final


def test_a_broken_split_blocks_the_conclusion() -> None:
    found = compare(
        HALVES, DAY, {"control": arm(50_421, 5000), "treatment": arm(49_579, 5000)}, is_final=False
    )
    assert found.sample_ratio == pytest.approx((7.08964, 0.0077530820), abs=1e-9)
    assert found.is_blocked
    fine = compare(
        HALVES, DAY, {"control": arm(50_200, 5000), "treatment": arm(49_800, 5000)}, is_final=False
    )
    assert not fine.is_blocked


def test_uneven_shares_are_no_broken_split() -> None:
    plan = Plan("c", {"c": 20, "t": 80}, 0.1, 0.5)
    assert not compare(plan, DAY, {"c": arm(200, 20), "t": arm(800, 80)}, is_final=False).is_blocked


def test_several_comparisons_are_adjusted_together() -> None:
    plan = Plan("c", {"c": 25, "t": 25, "u": 25, "w": 25}, 0.1, 0.5)
    sums = {"c": arm(1000, 100), "t": arm(1000, 130), "u": arm(1000, 128), "w": arm(1000, 101)}
    found = compare(plan, DAY, sums, is_final=True)
    assert [row.arm for row in found.comparisons] == ["t", "u", "w"]
    assert [row.p_adjusted for row in found.comparisons] == holm([row.p_value for row in found.comparisons])
    assert found.comparisons[1].p_value < 0.05 < found.comparisons[1].p_adjusted * 2
    assert found.comparisons[2].verdict == "unclear"


@pytest.mark.parametrize("clicks", [0, MIN_CLICKS - 1])
def test_too_few_clicks_are_not_compared(clicks: int) -> None:
    found = compare(HALVES, DAY, {"control": arm(1000, 100), "treatment": arm(1000, clicks)}, is_final=False)
    assert found.comparisons == []


def test_an_experiment_without_a_day() -> None:
    found = analyse(HALVES, [], {}, DAY)
    assert (found.day, found.comparisons, found.guardrails, found.progress) == (None, [], [], 0.0)
    assert not found.is_blocked


def hurt(sums: dict[str, ArmSums]) -> list[tuple[str, str]]:
    return [(row.arm, row.metric) for row in guardrails(HALVES, sums) if row.is_hurt]


def test_guardrails() -> None:
    def sums(conversions: int, fallbacks: int) -> dict[str, ArmSums]:
        more: dict[str, Any] = {"v": conversions, "nv": conversions, "vv": conversions}
        more |= {"f": fallbacks, "nf": fallbacks, "ff": fallbacks}
        return {"control": arm(5000, 500, v=300, nv=300, vv=300), "treatment": arm(5000, 600, **more)}

    assert hurt(sums(290, 200)) == []
    assert hurt(sums(150, 200)) == [("treatment", "conversions")]
    assert hurt(sums(290, 400)) == [("treatment", "fallbacks")]
    assert [row.metric for row in guardrails(HALVES, sums(3, 0))] == ["fallbacks", "fallbacks"]


def test_the_sequential_test_of_a_gain_is_that_of_the_logarithms() -> None:
    treatment, control = proportion(1150, 50_000), proportion(1000, 50_000)
    logs = [Rate(math.log(rate.value), rate.variance / rate.value**2) for rate in (treatment, control)]
    assert gain_msprt(treatment, control, 0.1) == msprt(*logs, 0.1)
    low, high = always_valid_gain(treatment, control, 0.1)
    expected = always_valid_interval(*logs, 0.1)
    assert (low, high) == pytest.approx((math.expm1(expected.low), math.expm1(expected.high)), abs=1e-12)
    fixed = lift_interval(treatment, control)
    assert low < fixed.low
    assert high > fixed.high


def test_a_rate_of_nothing_says_nothing() -> None:
    assert gain_msprt(proportion(0, 100), proportion(5, 100), 0.1).p_value == 1.0
    assert always_valid_gain(proportion(0, 100), proportion(5, 100), 0.1) == (-1.0, math.inf)
