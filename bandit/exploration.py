"""Exploration with a known propensity: a uniform share on top of a policy, and a uniform policy.

A deterministic policy leaves no way to tell afterwards what another one would have earned. With a
share ε of uniform choices every eligible arm has a propensity of at least ε/K, and it is logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from bandit import seeding
from bandit.arms import Arm, ArmRegistry
from bandit.linear import Choice, LinearPolicy


class ExploredChoice(NamedTuple):
    """A choice, its whole propensity, and whether it came from the uniform share."""

    arm: Arm
    propensity: float
    scores: np.ndarray
    arms: tuple[Arm, ...]
    explored: bool


def explore(
    policy: LinearPolicy | UniformPolicy,
    x: ArrayLike,
    arms: Sequence[Arm] | None = None,
    *,
    epsilon: float,
    rng: np.random.Generator,
) -> ExploredChoice:
    """With probability `epsilon` in [0, 1] a uniformly random arm, otherwise the policy's own choice.

    The propensity is ε/K + (1 − ε)·π(arm | x), where π is the policy's: 1/ties on the tied best arms
    for LinUCB. Scores are the policy's (k,), whichever way the arm was chosen.
    """
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"epsilon must be between 0 and 1, not {epsilon!r}")
    choice = policy.select(x, arms)
    k = len(choice.arms)
    explored = bool(rng.random() < epsilon)
    arm, own = choice.arm, choice.propensity
    if explored:
        drawn = int(rng.integers(k))
        arm, own = choice.arms[drawn], float(policy.probabilities(x, choice.arms)[drawn])
    return ExploredChoice(arm, epsilon / k + (1.0 - epsilon) * own, choice.scores, choice.arms, explored)


def choose_uniformly(arms: Sequence[Arm], rng: np.random.Generator) -> Choice:
    """One of `arms`, each with probability 1/K and a score of zero. Raises ValueError for no arms."""
    if not arms:
        raise ValueError("there is no arm to choose from")
    names = tuple(arms)
    return Choice(names[int(rng.integers(len(names)))], 1.0 / len(names), np.zeros(len(names)), names)


class UniformPolicy:
    """Every eligible arm with the same probability: the control arm, and the baseline of a replay.

    It takes the calls of a linear policy, learns nothing, and has scores of zero.
    """

    def __init__(self, n_features: int, seed: int | None = 0) -> None:
        self.n_features = n_features
        self._registry = ArmRegistry()
        self._rng = seeding.generator(seed)

    @property
    def arms(self) -> tuple[Arm, ...]:
        return self._registry.active

    def add_arm(self, arm: Arm) -> None:
        self._registry.add(arm)

    def remove_arm(self, arm: Arm) -> None:
        self._registry.remove(arm)

    def reseed(self, seed: int | None) -> None:
        self._rng = seeding.generator(seed)

    def select(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> Choice:
        names, _ = self._registry.eligible(arms)
        return choose_uniformly(names, self._rng)

    def probabilities(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        k = len(self._registry.eligible(arms)[0])
        return np.full(k, 1.0 / k)

    def update(self, x: ArrayLike, arm: Arm, reward: float, time: float | None = None) -> None:
        self._registry.row(arm)

    def partial_fit(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike, times: ArrayLike | None = None
    ) -> Self:
        self._registry.rows_of(arms)
        return self
