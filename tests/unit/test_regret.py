"""What other choices would have brought: by hand, and against a simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bandit.regret import Estimate, Served, Weighted, hindsight, total


def weighted(clicked: np.ndarray, propensity: np.ndarray) -> Weighted:
    w = 1.0 / propensity
    return Weighted(
        len(w),
        int(clicked.sum()),
        float(w.sum()),
        float((w**2).sum()),
        float((w * clicked).sum()),
        float((w**2 * clicked).sum()),
    )


def test_a_rate_by_hand() -> None:
    clicked, propensity = np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.25, 1.0])
    sums = weighted(clicked, propensity)
    value = (2 + 1) / (2 + 4 + 1)
    assert sums.rate().value == pytest.approx(value)
    residual = 4 * (1 - value) ** 2 + 16 * value**2 + (1 - value) ** 2
    assert sums.rate().variance == pytest.approx(residual / 49)
    assert sums.effective == pytest.approx(49 / 21)
    assert math.isnan(Weighted().rate().value)
    assert Weighted().effective == 0.0


def test_sums_add_up() -> None:
    clicked, propensity = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.5, 0.25, 1.0, 0.1])
    parts = weighted(clicked[:1], propensity[:1]).plus(weighted(clicked[1:], propensity[1:]))
    assert parts == pytest.approx(weighted(clicked, propensity))


def test_the_best_prompt_is_chosen_on_one_half_of_the_days_and_valued_on_the_other() -> None:
    def one(clicks: int) -> Weighted:
        return Weighted(100, clicks, 100.0, 100.0, float(clicks), float(clicks))

    prompts = {1: {"d1": one(50), "d2": one(10)}, 2: {"d1": one(20), "d2": one(30)}}
    served = {"d1": Served(10, 3), "d2": Served(20, 4)}
    found = hindsight(prompts, served)
    assert found is not None
    # On the first day the winner of the second counts, prompt 2 (20 %); on the second that of the first, prompt 1 (10 %).
    assert [found.best[day].clicks for day in served] == pytest.approx([10 * 0.2, 20 * 0.1])
    mean = ((50 + 10) / 200 + (20 + 30) / 200) / 2
    assert [found.random[day].clicks for day in served] == pytest.approx([10 * mean, 20 * mean])


def test_a_prompt_that_was_not_shown_in_both_halves_says_nothing() -> None:
    one = Weighted(10, 1, 10.0, 10.0, 1.0, 1.0)
    served = {"d1": Served(10, 1), "d2": Served(10, 1)}
    assert hindsight({1: {"d1": one, "d2": one}, 2: {"d1": one}}, served) is None
    assert hindsight({1: {"d1": one, "d2": one}}, served) is None


def test_days_that_rest_on_one_rate_err_together() -> None:
    served = {day: Served(1, 0) for day in "abcd"}
    estimates: dict[object, Estimate] = {day: Estimate(1.0, 4.0) for day in "abcd"}
    assert total(estimates, served) == Estimate(4.0, 64.0)
    assert total(estimates, served, halves=2) == Estimate(4.0, 32.0)


def test_intervals_cover_the_truth_of_a_policy_that_prefers_who_likes() -> None:
    """Two kinds of shoppers with a favourite each; the policy knows them. Weights undo what it does to the averages."""
    rng, rates, days, n = np.random.default_rng(0), np.array([[0.3, 0.1], [0.1, 0.25]]), 8, 2000
    truth = rates.mean(axis=0)
    covered = 0
    chosen_wrongly = []
    for _ in range(200):
        prompts: dict[int, dict[object, Weighted]] = {0: {}, 1: {}}
        served: dict[object, Served] = {}
        for day in range(days):
            kind = rng.integers(0, 2, n)
            follows = rng.random(n) < 0.9
            arm = np.where(follows, kind, rng.integers(0, 2, n))
            propensity = np.where(arm == kind, 0.95, 0.05)
            clicked = (rng.random(n) < rates[kind, arm]).astype(float)
            for prompt in prompts:
                mine = arm == prompt
                prompts[prompt][day] = weighted(clicked[mine], propensity[mine])
            served[day] = Served(n, int(clicked.sum()))
        found = hindsight(prompts, served)
        assert found is not None
        low, high = total(found.random, served).interval()
        covered += low <= truth.mean() * n * days <= high
        chosen_wrongly.append(total(found.best, served, halves=2).clicks / (n * days))
    assert covered / 200 >= 0.93
    assert np.mean(chosen_wrongly) <= truth.max() + 0.003
