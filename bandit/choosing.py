"""Which prompt is shown, and with which probability it was chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from bandit.linucb import LinearPolicy

MOST_FORCED = 0.5
"""However many newcomers there are, no more than this share of decisions is theirs by force."""


class Chosen(NamedTuple):
    """An arm (a prompt version id) and its propensity in (0, 1]."""

    arm: int
    propensity: float


class Exploration(NamedTuple):
    """How far a policy is left to its own choice.

    ``epsilon`` in [0, 1]: the share of uniformly random choices. ``newcomers``: arms that little is known of yet, each of
    which gets at least ``newcomer_share``, as long as all together stay within ``MOST_FORCED``.
    """

    epsilon: float
    newcomers: Collection[int] = ()
    newcomer_share: float = 0.0


def distribution(
    model: LinearPolicy | None, x: np.ndarray, arms: Sequence[int], exploration: Exploration
) -> np.ndarray:
    """With which probability each of the K ``arms`` is chosen in context ``x``: float64 (K,), sums to 1.

    With N newcomers among the arms and F = min(N · share, ``MOST_FORCED``),

        p(a) = F · [a is new] / N + (1 − F) · (ε / K + (1 − ε) · π(a | x)),

    where π is the policy's own (1/ties on the tied best arms for LinUCB). F is 0 where all arms are new or none is.
    Without a ``model`` every arm has 1/K.
    """
    k = len(arms)
    if model is None:
        return np.full(k, 1.0 / k)
    chances = exploration.epsilon / k + (1.0 - exploration.epsilon) * model.probabilities(x, arms)
    new = np.array([arm in exploration.newcomers for arm in arms])
    count = int(new.sum())
    if 0 < count < k:
        forced = min(count * exploration.newcomer_share, MOST_FORCED)
        chances = forced * new / count + (1.0 - forced) * chances
    return np.asarray(chances / chances.sum())


def choose(
    model: LinearPolicy | None,
    x: np.ndarray,
    arms: Sequence[int],
    exploration: Exploration,
    rng: np.random.Generator,
) -> Chosen:
    """One of ``arms``, drawn from ``distribution``, with its probability there. Raises ValueError for no arms."""
    if not arms:
        raise ValueError("there is no arm to choose from")
    chances = distribution(model, x, arms, exploration)
    reached = int(np.searchsorted(chances.cumsum(), rng.random(), side="right"))
    # Rounding may leave the sum a hair below the draw: then it is the last arm that can be chosen at all.
    place = min(reached, int(np.flatnonzero(chances)[-1]))
    return Chosen(int(arms[place]), min(1.0, float(chances[place])))
