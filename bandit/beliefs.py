"""What a policy believes about its prompts, in numbers that a page can show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bandit import linucb
from bandit.features import Encoding
from bandit.linucb import LinearPolicy

Z95 = 1.959963984540054
_STRONGEST = 4


@dataclass(frozen=True)
class Weight:
    """What one feature is worth for a prompt, in click rate per unit of its column; ``margin`` is half a 95 % interval."""

    words: str
    value: float
    margin: float

    @property
    def low(self) -> float:
        return self.value - self.margin

    @property
    def high(self) -> float:
        return self.value + self.margin

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return abs(self.value) > self.margin


@dataclass(frozen=True)
class Belief:
    """The estimated click rate of an arm for the average shopper, with a 95 % interval, and its strongest weights."""

    arm: int
    learned: int
    rate: float
    low: float
    high: float
    weights: list[Weight]


def beliefs(
    state: Mapping[str, Any], encoding: Encoding, clicks: int, arms: Iterable[int] = ()
) -> list[Belief]:
    """One belief for each learned arm and each of ``arms``, best first.

    ``state`` is a policy's state and ``clicks`` the number of rewards in it. The noise of a click is taken to be binomial
    at the overall rate p, so an estimate's standard error is √(p(1 − p)) · √(xᵀA⁻¹x).
    """
    model = linucb.load(state)
    for arm in arms:
        model.add_arm(arm)
    names = [int(arm) for arm in model.arms]
    if not names:
        return []
    noise = click_noise(model, clicks)
    rates, deviations = model.estimates(average_context(model)[np.newaxis, :], names)
    found = []
    for arm, rate, deviation in zip(names, rates[0].tolist(), deviations[0].tolist(), strict=True):
        margin = Z95 * noise * deviation
        theta, spreads = model.coefficients(arm)
        weights = _strongest(theta, Z95 * noise * spreads, encoding) if model.counts[arm] else []
        found.append(Belief(arm, model.counts[arm], _share(rate), *_interval(rate, margin), weights))
    return sorted(found, key=lambda belief: (-belief.rate, belief.arm))


def average_context(model: LinearPolicy) -> np.ndarray:
    """The mean context that was learned from, float64 (n_features,); zeros but for the intercept when there was none.

    The last entry of every context is 1/√2, so the last column of Σ x xᵀ is Σ x / √2.
    """
    total, worth = np.zeros(model.n_features), 0.0
    for arm in model.counts:
        gram, _, rewards = model.learned(arm)
        total += gram[:, -1]
        worth += rewards
    if worth > 0.0:
        return total * (math.sqrt(2.0) / worth)
    average = np.zeros(model.n_features)
    average[-1] = math.sqrt(0.5)
    return average


def click_noise(model: LinearPolicy, clicks: int) -> float:
    """Standard deviation of one reward; half a click and half a miss keep it above zero."""
    rate = (clicks + 0.5) / (sum(model.counts.values()) + 1.0)
    return math.sqrt(max(0.0, rate * (1.0 - rate)))


def _share(rate: float) -> float:
    return min(1.0, max(0.0, rate))


def _interval(rate: float, margin: float) -> tuple[float, float]:
    return _share(rate - margin), _share(rate + margin)


def _strongest(theta: np.ndarray, margins: np.ndarray, encoding: Encoding) -> list[Weight]:
    """The features with the largest weights, certain ones first.

    The intercept speaks for everyone and is left out, and so is a hashed column unless it is certain: it has no name.
    """
    weights = [
        Weight(column.words, float(theta[column.position]), float(margins[column.position]))
        for column in encoding.describe()[:-1]
        if theta[column.position]
        and (column.feature or abs(theta[column.position]) > margins[column.position])
    ]
    weights.sort(key=lambda weight: (not weight.is_certain, -abs(weight.value)))
    return weights[:_STRONGEST]
