"""The reports' intervals against experiments whose truth is known: 200 of each, seeded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bandit.simulation.coverage import Coverage, Setting, daily, final, growth, measure, simulate
from bandit.statistics import UserTotals

RUNS = 200
SETTING = Setting()


@pytest.fixture(scope="module")
def gain() -> Coverage:
    return measure(SETTING, RUNS)


@pytest.fixture(scope="module")
def none() -> Coverage:
    return measure(replace(SETTING, gain=0.0), RUNS)


def test_planned_intervals_cover_the_truth(gain: Coverage, none: Coverage) -> None:
    assert gain.reached == none.reached == 1.0
    assert 0.93 <= gain.planned <= 0.97
    assert 0.93 <= none.planned <= 0.97


def test_the_reports_intervals_cover_the_truth(gain: Coverage, none: Coverage) -> None:
    assert 0.93 <= gain.report <= 0.97
    assert 0.93 <= none.report <= 0.97


def test_always_valid_intervals_cover_the_truth_on_all_days_together(gain: Coverage) -> None:
    assert gain.always >= 0.95


def test_an_a_a_test_looked_at_daily_raises_few_alarms(none: Coverage) -> None:
    assert none.alarms <= 0.05
    assert none.plain_alarms > 0.15


def test_a_real_gain_is_mostly_found(gain: Coverage) -> None:
    assert gain.alarms > 0.3


def test_the_sums_are_those_of_the_users() -> None:
    run = simulate(SETTING, np.random.default_rng(0))
    total = growth(run)["treatment"][0]
    for day in growth(run)["treatment"][1:]:
        total = total.plus(day)
    mine = run.is_treated & (run.impressions.sum(axis=1) > 0)
    expected = UserTotals.of(run.clicks[mine].sum(axis=1), run.impressions[mine].sum(axis=1))
    assert total.totals() == expected


def test_looks_and_the_planned_analysis_agree_on_the_sums() -> None:
    run = simulate(SETTING, np.random.default_rng(0))
    at_end, looks = final(SETTING, run), daily(SETTING, run)
    assert at_end.is_final
    assert at_end.sums in [look.sums for look in looks]
    assert len(looks) == SETTING.days
