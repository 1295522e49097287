"""Which prompt is shown, and with which probability it was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bandit.exploration import choose_uniformly, explore
from bandit.linucb import LinUCB


class Chosen(NamedTuple):
    """An arm (a prompt version id) and its propensity in (0, 1]."""

    arm: int
    propensity: float


def choose(
    model: LinUCB | None, x: np.ndarray, arms: Sequence[int], epsilon: float, rng: np.random.Generator
) -> Chosen:
    """One of the K ``arms`` for the context ``x``.

    With a ``model``: its best arm, or with probability ``epsilon`` any; the propensity of an arm is
    ε/K + (1 − ε)·[it is tied best]/ties. Without one: every arm with probability 1/K.
    """
    if model is None:
        uniform = choose_uniformly(arms, rng)
        return Chosen(int(uniform.arm), uniform.propensity)
    choice = explore(model, x, arms, epsilon=epsilon, rng=rng)
    return Chosen(int(choice.arm), min(1.0, choice.propensity))
