"""Nothing seen yet, nothing clicked, nonsense asked: answers that say so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.sequential import always_valid_interval, msprt
from bandit.statistics import (
    Rate,
    UserTotals,
    benjamini_hochberg,
    difference_z,
    holm,
    lift_interval,
    newcombe,
    proportion,
    ratio_interval,
    sample_ratio,
    sample_size,
    two_proportion_z,
    wilson,
)

counts = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_wilson_stays_in_range_and_holds_the_estimate(count):
    low, high = wilson(*count)
    assert 0.0 <= low <= count[0] / count[1] <= high <= 1.0


@given(counts, counts)
def test_newcombe_holds_the_difference_and_mirrors(treatment, control):
    low, high = newcombe(*treatment, *control)
    difference = treatment[0] / treatment[1] - control[0] / control[1]
    assert -1.0 - 1e-12 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1.0 + 1e-12
    assert newcombe(*control, *treatment) == pytest.approx((-high, -low), abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_adjusted_p_values_are_never_smaller(p_values):
    for p, fdr, family in zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert p <= fdr + 1e-15
        assert fdr <= family + 1e-15
        assert family <= 1.0


def test_nothing_seen_yet():
    nothing = proportion(0, 0)
    assert wilson(0, 0) == (0.0, 1.0)
    assert newcombe(0, 0, 1, 2) == (-1.0, 1.0)
    assert ratio_interval(0, 0, 1, 2) == (0.0, math.inf)
    assert lift_interval(nothing, proportion(1, 2)) == (-1.0, math.inf)
    assert lift_interval(UserTotals.of([1.0], [2.0]).rate(), proportion(50, 200)) == (-1.0, math.inf)
    assert math.isnan(nothing.value)
    assert math.isnan(two_proportion_z(0, 0, 1, 2).p_value)
    assert math.isnan(difference_z(nothing, nothing).p_value)
    assert math.isnan(sample_ratio([0, 0]).p_value)
    assert math.isnan(UserTotals().rate().value)
    assert math.isnan(UserTotals.of([1.0], [2.0]).rate().variance)
    assert msprt(nothing, nothing, 0.01) == (1.0, 1.0)
    assert always_valid_interval(nothing, nothing, 0.01) == (-math.inf, math.inf)


def test_a_control_that_could_be_zero_bounds_no_lift():
    assert lift_interval(proportion(5, 100), proportion(1, 100)) == (-1.0, math.inf)
    assert lift_interval(proportion(5, 100), proportion(0, 100)) == (-1.0, math.inf)
    assert ratio_interval(5, 100, 0, 100) == (0.0, math.inf)


def test_overwhelming_evidence_does_not_overflow():
    result = msprt(Rate(0.9, 1e-9), Rate(0.1, 1e-9), tau=0.1)
    assert result.likelihood_ratio > 1e300
    assert result.p_value == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wilson(3, 2), "3 of 2"),
        (lambda: wilson(-1, 2), "-1 of 2"),
        (lambda: wilson(1, 2, confidence=1.0), "confidence"),
        (lambda: proportion(math.nan, 2), "nan of 2"),
        (lambda: two_proportion_z(1, 2, 5, 4), "5 of 4"),
        (lambda: ratio_interval(1, 2, 5, 4), "5 of 4"),
        (lambda: lift_interval(Rate(1, 1), Rate(9, 1), "bayes"), "'delta' or 'fieller'"),  # type: ignore[arg-type]
        (lambda: sample_ratio([5]), "two counts"),
        (lambda: sample_ratio([5, 5], [1, 0]), "share above 0"),
        (lambda: sample_size(0.02, 0.0), "differ by"),
        (lambda: holm([0.1, 1.1]), "p-values must be"),
        (lambda: benjamini_hochberg([math.nan]), "p-values must be"),
        (lambda: sample_size(0.6, 1.0), "differ by"),
        (lambda: msprt(Rate(1, 1), Rate(1, 1), tau=0.0), "tau"),
        (lambda: UserTotals.of([1.0], [1.0, 2.0]), "one number per user"),
    ],
)
def test_nonsense_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
