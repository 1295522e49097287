"""What other choices of prompts would have brought, from a log that knows the probability of every choice. Pure NumPy.

Prompts are valued by inverse propensity (self-normalised): an impression that had a chance of 1 in 10 speaks for ten. That
corrects for the bandit showing a prompt to those who like it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bandit.statistics import Interval, Rate, quantile


class Weighted(NamedTuple):
    """Sums over impressions of one prompt, with w = 1 / propensity: n, Σw, Σw², and the latter two over clicked ones."""

    impressions: int = 0
    clicks: int = 0
    weight: float = 0.0
    weight_squared: float = 0.0
    clicked_weight: float = 0.0
    clicked_weight_squared: float = 0.0

    def plus(self, other: Weighted) -> Weighted:
        """The sums of both."""
        counts = self.impressions + other.impressions, self.clicks + other.clicks
        weights = (mine + theirs for mine, theirs in zip(self[2:], other[2:], strict=True))
        return Weighted(*counts, *weights)

    def rate(self) -> Rate:
        """The click rate had everybody seen this prompt, and its variance: Σw(r - v)² w / (Σw)²; NaN without impressions."""
        if not self.weight:
            return Rate(math.nan, math.nan)
        value = self.clicked_weight / self.weight
        residual = self.clicked_weight_squared * (1.0 - 2.0 * value) + value * value * self.weight_squared
        return Rate(value, max(0.0, residual) / self.weight**2)

    @property
    def effective(self) -> float:
        """How many impressions of equal weight these are worth: (Σw)² / Σw²."""
        return self.weight**2 / self.weight_squared if self.weight_squared else 0.0


@dataclass(frozen=True)
class Estimate:
    """Clicks, and the standard error of that estimate."""

    clicks: float
    variance: float

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.clicks + other.clicks, self.variance + other.variance)

    def interval(self, confidence: float = 0.95) -> Interval:
        """Normal interval."""
        half = quantile(confidence) * math.sqrt(self.variance)
        return Interval(self.clicks - half, self.clicks + half)


@dataclass(frozen=True)
class Served:
    """Impressions and clicks that the policy got on one day."""

    impressions: int
    clicks: int


@dataclass(frozen=True)
class Hindsight:
    """Clicks that the policy's impressions would have had otherwise, by day and in all.

    ``random``: with every prompt shown equally often. ``best``: with the one prompt that did best, which is chosen on one
    half of the days and valued on the other, both ways round, so that luck does not choose it.
    """

    random: dict[object, Estimate]
    best: dict[object, Estimate]


def hindsight(
    prompts: Mapping[int, Mapping[object, Weighted]], served: Mapping[object, Served]
) -> Hindsight | None:
    """For one pool: ``prompts`` by id and day, ``served`` by day; None without two days that show every prompt."""
    days = sorted(served, key=str)
    halves = [days[0::2], days[1::2]]
    values = [{prompt: _sum(by_day, half).rate() for prompt, by_day in prompts.items()} for half in halves]
    if len(prompts) < 2 or any(math.isnan(rate.value) for half in values for rate in half.values()):
        return None
    overall = [_sum(by_day, days).rate() for by_day in prompts.values()]
    mean = Rate(
        sum(rate.value for rate in overall) / len(overall),
        sum(rate.variance for rate in overall) / len(overall) ** 2,
    )
    random = {day: _clicks(served[day], mean) for day in days}
    best: dict[object, Estimate] = {}
    for here, (half, own) in enumerate(zip(halves, values, strict=True)):
        other = values[1 - here]
        winner = max(other, key=lambda prompt: other[prompt].value)
        best |= {day: _clicks(served[day], own[winner]) for day in half}
    return Hindsight(random, best)


def total(estimates: Mapping[object, Estimate], served: Mapping[object, Served], halves: int = 1) -> Estimate:
    """The sum over days of estimates that rest on the same rate: their errors add up before they are squared.

    With ``halves`` 2 the days of even and odd places rest on a rate each, as ``Hindsight.best`` does.
    """
    days = sorted(served, key=str)
    found = Estimate(0.0, 0.0)
    for start in range(halves):
        part = days[start::halves]
        error = sum(math.sqrt(estimates[day].variance) for day in part)
        found += Estimate(sum(estimates[day].clicks for day in part), error**2)
    return found


def _sum(by_day: Mapping[object, Weighted], days: Sequence[object]) -> Weighted:
    found = Weighted()
    for day in days:
        found = found.plus(by_day.get(day, Weighted()))
    return found


def _clicks(served: Served, rate: Rate) -> Estimate:
    return Estimate(served.impressions * rate.value, served.impressions**2 * rate.variance)
