"""What a policy believes about its prompts, in numbers that a page can show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bandit.features import Encoding
from bandit.linucb import LinUCB

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

    ``state`` is a LinUCB state and ``clicks`` the number of rewards in it. The noise of a click is taken to be binomial at
    the overall rate p, so an estimate's standard error is √(p(1 − p)) · √(xᵀA⁻¹x).
    """
    model = LinUCB.from_state({**state, "alpha": 1.0})
    for arm in arms:
        model.add_arm(arm)
    counts = model.counts
    noise = _noise(clicks, sum(counts.values()))
    names = [int(arm) for arm in model.arms]
    if not names:
        return []
    average = average_context(model.state())
    upper = model.scores(average[np.newaxis, :], names)[0]
    found = []
    for arm, bound in zip(names, upper.tolist(), strict=True):
        theta, spreads = model.coefficients(arm)
        rate = float(theta @ average)
        margin = Z95 * noise * max(0.0, bound - rate)
        low, high = (min(1.0, max(0.0, edge)) for edge in (rate - margin, rate + margin))
        weights = _strongest(theta, Z95 * noise * spreads, encoding) if counts[arm] else []
        found.append(Belief(arm, counts[arm], min(1.0, max(0.0, rate)), low, high, weights))
    return sorted(found, key=lambda belief: (-belief.rate, belief.arm))


def average_context(state: Mapping[str, Any]) -> np.ndarray:
    """The mean context that was learned from, float64 (n_features,); zeros but for the intercept when there was none.

    A = λI + Σ x xᵀ, and the last entry of every x is 1/√2: the last column of A − λI is Σ x / √2.
    """
    average = np.zeros(state["n_features"])
    average[-1] = math.sqrt(0.5)
    learned = int(np.sum(state["counts"]))
    if learned:
        sums = np.sum(np.asarray(state["A"])[:, :, -1], axis=0)
        sums[-1] -= state["ridge"] * len(state["A"])
        average = sums * math.sqrt(2.0) / learned
    return average


def _noise(clicks: int, learned: int) -> float:
    """Standard deviation of one reward; half a click and half a miss keep it above zero."""
    rate = (clicks + 0.5) / (learned + 1.0)
    return math.sqrt(rate * (1.0 - rate))


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
