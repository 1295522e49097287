"""The mathematics of A/B reports: intervals, tests, sample sizes. Pure functions of counts and rates.

Clicks per impression are a proportion when impressions are independent. When users are assigned to
arms, their impressions are not: use `UserTotals`, which treats the user as the unit, and compare its
`rate()`s with the same functions.

statsmodels is imported only where its iterative score interval is used: loading it takes longer than
starting a web process. What has a closed form is written out here, and tests hold it to statsmodels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

# A sample-ratio test below this says that the assignment or the counting is broken.
SAMPLE_RATIO_ALARM = 0.01


class Interval(NamedTuple):
    low: float
    high: float


class TestResult(NamedTuple):
    """A test statistic and its two-sided p-value; both NaN when there is nothing to test."""

    statistic: float
    p_value: float


class Rate(NamedTuple):
    """An estimated mean and the variance of that estimate (its squared standard error)."""

    value: float
    variance: float

    def interval(self, confidence: float = 0.95) -> Interval:
        """Normal interval."""
        half = quantile(confidence) * math.sqrt(self.variance)
        return Interval(self.value - half, self.value + half)


def quantile(confidence: float) -> float:
    """Two-sided normal quantile, 1.96 for 0.95. Raises ValueError outside (0, 1)."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence!r}")
    return float(ndtri(0.5 + confidence / 2.0))


# --- one proportion -------------------------------------------------------------------------------


def proportion(successes: float, n: float) -> Rate:
    """p = successes / n with the binomial variance p(1 − p)/n; NaN for n = 0."""
    _check_counts(successes, n)
    if n == 0:
        return Rate(math.nan, math.nan)
    p = successes / n
    return Rate(p, p * (1.0 - p) / n)


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927) of a proportion; (0, 1) for n = 0."""
    _check_counts(successes, n)
    if n == 0:
        return Interval(0.0, 1.0)
    z = quantile(confidence)
    p, spread = successes / n, z * z / n
    centre = (p + spread / 2.0) / (1.0 + spread)
    half = math.sqrt(spread * (p * (1.0 - p) + spread / 4.0)) / (1.0 + spread)
    low = 0.0 if successes == 0 else centre - half
    return Interval(low, 1.0 if successes == n else centre + half)


# --- two proportions ------------------------------------------------------------------------------


def two_proportion_z(successes: float, n: float, control_successes: float, control_n: float) -> TestResult:
    """z-test of equal proportions with the pooled variance."""
    treatment, control = proportion(successes, n), proportion(control_successes, control_n)
    if not n or not control_n:
        return TestResult(math.nan, math.nan)
    pooled = (successes + control_successes) / (n + control_n)
    variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / control_n)
    return _z_test(treatment.value - control.value, variance)


def newcombe(
    successes: float, n: float, control_successes: float, control_n: float, confidence: float = 0.95
) -> Interval:
    """Newcombe's hybrid score interval (1998, method 10) of the difference of two proportions."""
    if not n or not control_n:
        return Interval(-1.0, 1.0)
    p, q = successes / n, control_successes / control_n
    mine, theirs = wilson(successes, n, confidence), wilson(control_successes, control_n, confidence)
    return Interval(
        p - q - math.hypot(p - mine.low, theirs.high - q),
        p - q + math.hypot(mine.high - p, q - theirs.low),
    )


def ratio_interval(
    successes: float,
    n: float,
    control_successes: float,
    control_n: float,
    method: Literal["log", "score"] = "score",
    confidence: float = 0.95,
) -> Interval:
    """Interval of the ratio of two proportions: Katz's log method or Miettinen and Nurminen's score.

    (0, ∞) when either side has no trials or no successes.
    """
    _check_counts(successes, n)
    _check_counts(control_successes, control_n)
    if not successes or not control_successes:
        return Interval(0.0, math.inf)
    from statsmodels.stats.proportion import confint_proportions_2indep

    alpha = 1.0 - confidence
    low, high = confint_proportions_2indep(
        successes, n, control_successes, control_n, method=method, compare="ratio", alpha=alpha
    )
    return Interval(float(low), float(high))


# --- two rates, whatever their unit ---------------------------------------------------------------


def difference_z(treatment: Rate, control: Rate) -> TestResult:
    """z-test of equal rates with their own variances."""
    return _z_test(treatment.value - control.value, treatment.variance + control.variance)


def lift(treatment: Rate, control: Rate) -> float:
    """Relative gain over the control, 0.15 for 15 % more; NaN without a control rate."""
    return treatment.value / control.value - 1.0 if control.value else math.nan


def lift_interval(
    treatment: Rate, control: Rate, method: Literal["delta", "fieller"] = "fieller", confidence: float = 0.95
) -> Interval:
    """Interval of the relative gain between two independent, non-negative rates.

    Fieller's (1954) is exact for normal means; when the control cannot be told from zero no finite
    interval exists and it is (−1, ∞). The delta method is symmetric and narrower than that.
    """
    z = quantile(confidence)
    if not control.value or math.isnan(sum(treatment) + sum(control)):
        return Interval(-1.0, math.inf)
    ratio = treatment.value / control.value
    v, w = treatment.variance / control.value**2, control.variance / control.value**2
    if method == "delta":
        half = z * math.sqrt(v + ratio * ratio * w)
        return Interval(ratio - 1.0 - half, ratio - 1.0 + half)
    if method != "fieller":
        raise ValueError(f"method must be 'delta' or 'fieller', not {method!r}")
    g = z * z * w
    if g >= 1.0:
        return Interval(-1.0, math.inf)
    half = z * math.sqrt(v + ratio * ratio * w - g * v)
    return Interval((ratio - half) / (1.0 - g) - 1.0, (ratio + half) / (1.0 - g) - 1.0)


@dataclass(frozen=True)
class UserTotals:
    """Sums over users of their clicks x and impressions n: enough for the user-level delta method.

    Deng, Knoblich and Lu 2018, "Applying the Delta Method in Metric Analytics", section 3.1. Totals of
    disjoint sets of users add up.
    """

    users: int = 0
    clicks: float = 0.0
    impressions: float = 0.0
    clicks_squared: float = 0.0
    clicks_impressions: float = 0.0
    impressions_squared: float = 0.0

    @classmethod
    def of(cls, clicks: ArrayLike, impressions: ArrayLike) -> Self:
        """From clicks and impressions by user, both (users,)."""
        x, n = np.asarray(clicks, dtype=np.float64), np.asarray(impressions, dtype=np.float64)
        if x.ndim != 1 or x.shape != n.shape:
            raise ValueError(f"clicks {x.shape} and impressions {n.shape} must be one number per user")
        return cls(len(x), float(x.sum()), float(n.sum()), float(x @ x), float(x @ n), float(n @ n))

    def __add__(self, other: UserTotals) -> UserTotals:
        return UserTotals(
            self.users + other.users,
            self.clicks + other.clicks,
            self.impressions + other.impressions,
            self.clicks_squared + other.clicks_squared,
            self.clicks_impressions + other.clicks_impressions,
            self.impressions_squared + other.impressions_squared,
        )

    def rate(self) -> Rate:
        """Clicks per impression; NaN without impressions, and a NaN variance for fewer than two users.

        Var(R) ≈ N/(N − 1) · Σ (x_i − R n_i)² / (Σ n_i)².
        """
        if not self.impressions:
            return Rate(math.nan, math.nan)
        ratio = self.clicks / self.impressions
        if self.users < 2:
            return Rate(ratio, math.nan)
        residual = (
            self.clicks_squared
            - 2.0 * ratio * self.clicks_impressions
            + ratio * ratio * self.impressions_squared
        )
        scale = self.users / (self.users - 1.0) / self.impressions**2
        return Rate(ratio, max(0.0, residual) * scale)


# --- several tests, sample ratio, sample size ----------------------------------------------------


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p-values (1979), in the given order: family-wise error."""
    p, order = _ranked(p_values)
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _unranked(adjusted, order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's p-values (1995), in the given order: false discovery rate."""
    p, order = _ranked(p_values)
    steps = p[order] * (len(p) / np.arange(1, len(p) + 1))
    return _unranked(np.minimum.accumulate(steps[::-1])[::-1], order)


def sample_ratio(counts: Sequence[float], shares: Sequence[float] | None = None) -> TestResult:
    """χ² test that users arrived in the planned shares (default: equal ones).

    For arms that were assigned at random; a bandit's choices are meant to be uneven.
    """
    observed = np.asarray(counts, dtype=np.float64)
    planned = np.ones(len(observed)) if shares is None else np.asarray(shares, dtype=np.float64)
    if len(observed) < 2 or planned.shape != observed.shape or (planned <= 0).any() or (observed < 0).any():
        raise ValueError("a sample ratio needs two counts or more, and a share above 0 for each")
    if not observed.sum():
        return TestResult(math.nan, math.nan)
    expected = observed.sum() * planned / planned.sum()
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return TestResult(statistic, float(chdtrc(len(observed) - 1, statistic)))


def sample_size(
    base: float, relative_lift: float, power: float = 0.8, alpha: float = 0.05, ratio: float = 1.0
) -> int:
    """Independent trials of the control to detect a lift of a base rate in a two-sided test (Cohen's arcsine effect size).

    The treatment gets ``ratio`` times as many.
    """
    if not 0.0 < base < 1.0 or not 0.0 < base * (1.0 + relative_lift) < 1.0 or relative_lift == 0:
        raise ValueError(f"no rates between 0 and 1 differ by {relative_lift:+.1%} from {base!r}")
    if not ratio > 0.0:
        raise ValueError(f"the ratio of the arms must be above 0, not {ratio!r}")
    effect = 2.0 * (math.asin(math.sqrt(base * (1.0 + relative_lift))) - math.asin(math.sqrt(base)))
    return math.ceil((1.0 + 1.0 / ratio) * ((quantile(1.0 - alpha) + float(ndtri(power))) / effect) ** 2)


def _check_counts(successes: float, n: float) -> None:
    if not 0 <= successes <= n < math.inf:
        raise ValueError(f"{successes!r} of {n!r} is no count of successes")


def _z_test(difference: float, variance: float) -> TestResult:
    if not variance > 0.0:
        return TestResult(math.nan, math.nan)
    z = difference / math.sqrt(variance)
    return TestResult(z, 2.0 * float(ndtr(-abs(z))))


def _ranked(p_values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0.0) & (p <= 1.0)).all():
        raise ValueError("p-values must be between 0 and 1")
    return p, np.argsort(p, kind="stable")


def _unranked(adjusted: np.ndarray, order: np.ndarray) -> list[float]:
    given = np.empty_like(adjusted)
    given[order] = np.minimum(adjusted, 1.0)
    return given.tolist()
