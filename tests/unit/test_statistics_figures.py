"""Every value of the verified table, to 1e-9 (or to the digits it prints), and again from statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats import proportion as reference
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

from bandit.sequential import always_valid_interval, msprt
from bandit.statistics import (
    Rate,
    UserTotals,
    benjamini_hochberg,
    difference_z,
    holm,
    lift,
    lift_interval,
    newcombe,
    proportion,
    ratio_interval,
    sample_ratio,
    sample_size,
    two_proportion_z,
    wilson,
)

COUNTS = (1150, 50_000, 1000, 50_000)
TREATMENT, CONTROL = proportion(1150, 50_000), proportion(1000, 50_000)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (wilson(1150, 50_000), (0.0217222480, 0.0243510414)),
        (wilson(1000, 50_000), (0.0188092368, 0.0212645135)),
        (wilson(0, 100), (0.0, 0.0369934982)),
        (two_proportion_z(*COUNTS), (3.2703302693, 0.0010742199)),
        (ratio_interval(*COUNTS, method="log"), (1.0575211008, 1.2505660634)),
        (ratio_interval(*COUNTS, method="score"), (1.0575494626, 1.2505393622)),
        (lift_interval(TREATMENT, CONTROL, "delta"), (0.0535904893, 0.2464095107)),
        (lift_interval(TREATMENT, CONTROL, "fieller"), (0.0576564787, 0.2510348893)),
        (newcombe(*COUNTS), (0.0012023224, 0.0048008969)),
        (holm([0.001, 0.012, 0.031, 0.2]), (0.004, 0.036, 0.062, 0.2)),
        (benjamini_hochberg([0.001, 0.012, 0.031, 0.2]), (0.004, 0.024, 0.0413333333, 0.2)),
        (sample_ratio([50_421, 49_579]), (7.08964, 0.0077530820)),
    ],
)
def test_the_table(found, expected):
    assert tuple(found) == pytest.approx(expected, abs=1e-9, rel=0)


def test_the_table_s_sequential_test():
    assert msprt(TREATMENT, CONTROL, tau=0.002).likelihood_ratio == pytest.approx(34.5942142, abs=5e-8)
    assert msprt(TREATMENT, CONTROL, tau=0.002).p_value == pytest.approx(0.0289065679, abs=1e-10)


def test_the_table_s_sample_sizes():
    assert (sample_size(0.02, 0.05), sample_size(0.02, 0.15)) == (315_161, 36_650)


@pytest.mark.parametrize("counts", [(1150, 50_000, 1000, 50_000), (3, 40, 9, 55), (1, 10, 1, 1000)])
def test_statsmodels_agrees(counts):
    a, n, b, m = counts
    exact = {"abs": 1e-12, "rel": 0}
    assert wilson(a, n) == pytest.approx(reference.proportion_confint(a, n, method="wilson"), **exact)
    assert two_proportion_z(*counts) == pytest.approx(reference.proportions_ztest([a, b], [n, m]), **exact)
    expected = reference.confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb")
    assert newcombe(*counts) == pytest.approx(expected, **exact)
    assert sample_ratio([n, m], [1, 3]) == pytest.approx(
        tuple(stats.chisquare([n, m], [(n + m) / 4, 3 * (n + m) / 4])), **exact
    )


@pytest.mark.parametrize("p_values", [[0.04, 0.01, 0.03, 0.01], [0.9, 0.8], [0.5], []])
def test_statsmodels_agrees_on_several_tests(p_values):
    for ours, theirs in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        expected = multipletests(p_values, method=theirs)[1].tolist() if p_values else []
        assert ours(p_values) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("base", "gain", "power"), [(0.02, 0.05, 0.8), (0.1, -0.2, 0.9), (0.5, 0.5, 0.8)])
def test_statsmodels_agrees_on_the_sample_size(base, gain, power):
    effect = reference.proportion_effectsize(base * (1 + gain), base)
    expected = NormalIndPower().solve_power(abs(effect), power=power, alpha=0.05)
    assert sample_size(base, gain, power) == pytest.approx(expected, abs=1.0)


def test_one_impression_per_user_is_a_proportion():
    clicks = np.repeat([1.0, 0.0], [23, 977])
    rate = UserTotals.of(clicks, np.ones(1000)).rate()
    assert rate.value == proportion(23, 1000).value
    assert rate.variance == pytest.approx(proportion(23, 1000).variance * 1000 / 999, rel=1e-12)


def test_user_totals_by_hand():
    totals = UserTotals.of([1.0, 0.0, 2.0], [2.0, 1.0, 3.0])
    # R = 1/2; residuals 0, −1/2, 1/2; variance 3/2 · 1/2 / 36.
    assert totals.rate() == Rate(0.5, pytest.approx(1 / 48, abs=1e-15))


def test_user_totals_of_disjoint_users_add_up():
    parts = UserTotals.of([1.0], [2.0]) + UserTotals.of([0.0, 2.0], [1.0, 3.0]) + UserTotals()
    assert parts == UserTotals.of([1.0, 0.0, 2.0], [2.0, 1.0, 3.0])


def test_clustered_clicks_need_the_user_level():
    """Users differ in taste; testing by impression rejects far too often, testing by user as promised."""
    rng = np.random.default_rng(0)
    by_user = by_impression = 0
    for _ in range(400):
        arms = []
        for _ in range(2):
            n = rng.geometric(0.1, 600)
            arms.append((rng.binomial(n, rng.beta(0.5, 4.5, 600)), n))
        totals = [UserTotals.of(x, n) for x, n in arms]
        by_user += difference_z(totals[0].rate(), totals[1].rate()).p_value < 0.05
        (x, n), (y, m) = arms
        by_impression += two_proportion_z(x.sum(), n.sum(), y.sum(), m.sum()).p_value < 0.05
    assert 0.03 < by_user / 400 < 0.08
    assert by_impression / 400 > 0.15


def test_the_always_valid_interval_is_where_the_sequential_test_turns():
    low, high = always_valid_interval(TREATMENT, CONTROL, tau=0.002, confidence=0.95)
    for edge in (low, high):
        shifted = Rate(TREATMENT.value - edge, TREATMENT.variance)
        assert msprt(shifted, CONTROL, tau=0.002).p_value == pytest.approx(0.05, abs=1e-12)
    assert low < 0.003 < high
    assert high - low > newcombe(*COUNTS).high - newcombe(*COUNTS).low


def test_daily_looks_at_an_a_a_test_raise_few_alarms():
    rng = np.random.default_rng(5)
    daily, days, runs = 1000, 30, 400
    clicks = rng.binomial(daily, 0.02, (runs, 2, days)).cumsum(axis=2)
    plain = sequential = 0
    for run in clicks:
        looks = [(a, (day + 1) * daily, b) for day, (a, b) in enumerate(run.T)]
        plain += any(two_proportion_z(a, n, b, n).p_value < 0.05 for a, n, b in looks)
        sequential += any(
            msprt(proportion(a, n), proportion(b, n), 0.002).p_value < 0.05 for a, n, b in looks
        )
    assert plain / runs > 0.2
    assert sequential / runs <= 0.05


def test_lift():
    assert lift(TREATMENT, CONTROL) == pytest.approx(0.15, abs=1e-12)
    assert math.isnan(lift(TREATMENT, proportion(0, 10)))


@pytest.mark.parametrize(("base", "gain", "ratio"), [(0.02, 0.15, 4.0), (0.02, 0.15, 0.25), (0.1, -0.2, 2.0)])
def test_statsmodels_agrees_on_the_sample_size_of_uneven_arms(base, gain, ratio):
    effect = reference.proportion_effectsize(base * (1 + gain), base)
    expected = NormalIndPower().solve_power(abs(effect), power=0.8, alpha=0.05, ratio=ratio)
    assert sample_size(base, gain, ratio=ratio) == pytest.approx(expected, abs=1.0)
