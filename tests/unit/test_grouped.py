"""Rates from the spread between groups of users: by hand, and against the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bandit.grouped import MIN_GROUPS, Groups, compare, design_effect, rate_interval
from bandit.statistics import UserTotals, wilson

G = 64


def spread(clicks: np.ndarray, impressions: np.ndarray, groups: np.ndarray) -> Groups:
    """Sums of users' clicks and impressions by group."""
    return Groups(
        np.bincount(groups, clicks, minlength=G).astype(float),
        np.bincount(groups, impressions, minlength=G).astype(float),
    )


def totals(groups: Groups) -> tuple[int, int]:
    return int(groups.clicks.sum()), int(groups.impressions.sum())


def test_the_design_effect_is_the_user_level_variance_over_the_binomial_one() -> None:
    """Each group as one user: exactly the delta method by user."""
    rng = np.random.default_rng(0)
    n = rng.integers(5, 50, G).astype(float)
    x = rng.binomial(n.astype(int), rng.beta(1, 4, G)).astype(float)
    rate = UserTotals.of(x, n).rate()
    by_user = rate.variance / rate.value**2
    assert design_effect(Groups(x, n)) == pytest.approx(by_user / (1 / x.sum() - 1 / n.sum()), rel=1e-12)


def test_independent_impressions_have_hardly_any_design_effect() -> None:
    rng = np.random.default_rng(1)
    n = np.full(G, 10_000.0)
    effects = [design_effect(Groups(rng.binomial(10_000, 0.02, G).astype(float), n)) for _ in range(50)]
    assert min(effects) >= 1.0
    assert np.median(effects) < 1.15


@pytest.mark.parametrize(("clicks", "impressions"), [(0.0, 10.0), (10.0, 10.0), (0.0, 0.0)])
def test_nothing_to_tell_is_no_effect(clicks: float, impressions: float) -> None:
    assert design_effect(Groups(np.full(G, clicks), np.full(G, impressions))) == 1.0


def test_few_groups_say_nothing() -> None:
    clicks, impressions = np.zeros(G), np.zeros(G)
    clicks[: MIN_GROUPS - 1], impressions[: MIN_GROUPS - 1] = np.arange(MIN_GROUPS - 1) + 1, 40.0
    few = Groups(clicks, impressions)
    assert design_effect(few) == 1.0
    assert compare(totals(few), totals(few), (few, few)) is None


def test_an_effect_widens_the_interval() -> None:
    assert rate_interval(20, 1000, 1.0) == wilson(20, 1000)
    assert rate_interval(20, 1000, 2.0) == wilson(10, 500)


def test_a_gain_by_hand() -> None:
    rng = np.random.default_rng(2)
    t, c = (Groups(rng.binomial(500, p, G).astype(float), np.full(G, 500.0)) for p in (0.06, 0.05))
    found = compare(totals(t), totals(c), (t, c))
    assert found is not None
    e = t.clicks / t.clicks.sum() - t.impressions / t.impressions.sum()
    f = c.clicks / c.clicks.sum() - c.impressions / c.impressions.sum()
    error = math.sqrt(G / (G - 1) * ((e - f) ** 2).sum())
    log_gain = math.log(t.clicks.sum() / c.clicks.sum())
    assert found.gain == pytest.approx(math.exp(log_gain) - 1, rel=1e-12)
    half = stats.t.ppf(0.975, G - 1) * error
    assert found.interval == pytest.approx((math.exp(log_gain - half) - 1, math.exp(log_gain + half) - 1))
    assert found.p_value == pytest.approx(2 * stats.t.sf(log_gain / error, G - 1))
    assert found.verdict == "better"


def test_a_part_takes_the_design_effect_of_the_whole() -> None:
    rng = np.random.default_rng(3)
    t, c = (Groups(rng.binomial(500, 0.05, G).astype(float), np.full(G, 500.0)) for _ in range(2))
    whole = compare(totals(t), totals(c), (t, c))
    part = compare((totals(t)[0] // 4, totals(t)[1] // 4), (totals(c)[0] // 4, totals(c)[1] // 4), (t, c))
    assert whole is not None
    assert part is not None
    wide = math.log1p(part.interval.high) - math.log1p(part.interval.low)
    narrow = math.log1p(whole.interval.high) - math.log1p(whole.interval.low)
    assert wide / narrow == pytest.approx(2.0, rel=0.01)


def test_intervals_cover_the_gain_of_users_who_see_several_pictures() -> None:
    """400 logs; users differ in taste and see both prompts, so impressions are anything but independent."""
    rng, users, truth = np.random.default_rng(4), 2000, 0.2
    covered = naive = 0
    for _ in range(400):
        taste = rng.beta(0.5, 4.5, users)
        group = rng.integers(0, G, users)
        n, m = rng.geometric(0.15, users), rng.geometric(0.15, users)
        t = spread(rng.binomial(n, np.minimum(1, taste * (1 + truth))), n, group)
        c = spread(rng.binomial(m, taste), m, group)
        found = compare(totals(t), totals(c), (t, c))
        assert found is not None
        expected = np.minimum(1, taste * (1 + truth)).mean() / taste.mean() - 1
        covered += found.interval.low <= expected <= found.interval.high
        low, high = wilson(*totals(c))
        naive += low <= 0.1 <= high
        assert rate_interval(*totals(c), design_effect(c)).low < low
    assert 0.925 <= covered / 400 <= 0.98
    assert naive / 400 < 0.85
