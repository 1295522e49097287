"""Looking while a test runs: a p-value and an interval that stay valid at every look.

A plain z-test looked at daily for a month raises a false alarm in more than a quarter of A/A tests.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from bandit.statistics import Interval, Rate

_LARGEST = 700.0  # exp of more overflows


class SequentialTest(NamedTuple):
    """Likelihood ratio of a mixture sequential test, and a p-value that stays valid at every look."""

    likelihood_ratio: float
    p_value: float


def msprt(treatment: Rate, control: Rate, tau: float) -> SequentialTest:
    """Mixture sequential probability ratio test (Johari et al. 2017, equation 8) of equal rates.

    `tau` > 0 is the standard deviation of the differences expected a priori. The p-value of a test so
    far is the smallest one of its looks.
    """
    variance = _sequential_variance(treatment, control, tau)
    difference, total = treatment.value - control.value, variance + tau * tau
    if not variance > 0.0:
        return SequentialTest(1.0, 1.0)
    exponent = (tau * difference) ** 2 / (2.0 * variance * total)
    log_ratio = 0.5 * math.log(variance / total) + exponent
    return SequentialTest(math.exp(min(log_ratio, _LARGEST)), math.exp(min(0.0, -log_ratio)))


def always_valid_interval(treatment: Rate, control: Rate, tau: float, confidence: float = 0.95) -> Interval:
    """The differences that `msprt` does not reject: covers the truth at all looks together."""
    variance = _sequential_variance(treatment, control, tau)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence!r}")
    if not variance > 0.0:
        return Interval(-math.inf, math.inf)
    total, difference = variance + tau * tau, treatment.value - control.value
    bound = math.log(total / variance) - 2.0 * math.log(1.0 - confidence)
    half = math.sqrt(variance * total * bound) / tau
    return Interval(difference - half, difference + half)


def gain_msprt(treatment: Rate, control: Rate, tau: float) -> SequentialTest:
    """`msprt` of the logarithms of two rates: of no relative gain, whatever the rates are.

    `tau` > 0 is the standard deviation of the log gain expected a priori: about the gain one hopes to see, 0.1 for 10 %.
    """
    return msprt(_logarithm(treatment), _logarithm(control), tau)


def always_valid_gain(treatment: Rate, control: Rate, tau: float, confidence: float = 0.95) -> Interval:
    """The relative gains that `gain_msprt` does not reject: covers the truth at all looks together."""
    low, high = always_valid_interval(_logarithm(treatment), _logarithm(control), tau, confidence)
    return Interval(math.expm1(low), math.expm1(high) if high < _LARGEST else math.inf)


def _logarithm(rate: Rate) -> Rate:
    """The logarithm of a rate, to the first order of the delta method; no information without a rate."""
    if not rate.value > 0.0:
        return Rate(0.0, math.nan)
    return Rate(math.log(rate.value), rate.variance / rate.value**2)


def _sequential_variance(treatment: Rate, control: Rate, tau: float) -> float:
    if not (tau > 0.0 and math.isfinite(tau)):
        raise ValueError(f"tau must be above 0, not {tau!r}")
    return treatment.variance + control.variance
