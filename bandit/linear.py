"""How every linear policy chooses: an estimate and its uncertainty per arm, ties, probabilities, explanations.

A subclass supplies, for a context x and an arm a, the estimated reward and the variance factor
whose square root is the standard deviation of that estimate (Li et al. 2010, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from bandit.arms import Arm
from bandit.explanation import ArmExplanation
from bandit.learner import LinearLearner
from bandit.quadratic import Quadratics


class Choice(NamedTuple):
    """An arm, the probability with which it was chosen, and the scores (k,) of `arms` in their order."""

    arm: Arm
    propensity: float
    scores: np.ndarray
    arms: tuple[Arm, ...]


class LinearPolicy(LinearLearner):
    """Contextual bandit with a linear reward per arm; see `LinearLearner` for its parameters."""

    _forms: Quadratics | None = None
    _kernels: ModuleType | None = None

    def compile(self) -> Self:
        """Computes from now on with compiled kernels (pip install 'product-studio[fast]'); returns this policy.

        Answers are the same to rounding. The first calls compile, which takes seconds. A state does not remember this.
        Raises ImportError without numba.
        """
        from bandit import compiled

        self._kernels = compiled
        if self._forms is not None:
            self._forms.kernels = compiled
        self._look()
        return self

    def select(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> Choice:
        """Chooses one of `arms` (default: all active ones) for the context x (n_features,).

        The arm with the largest upper confidence bound wins, ties are broken evenly at random, and
        `propensity` is therefore one over the number of tied arms. Raises ValueError for a context of
        another shape or with values that are not finite, UnknownArmError for an arm that is not active.
        """
        context = self._context(x)
        names, rows = self._registry.eligible(arms)
        scores = self._bounds(context, rows)
        ties = self._ties(scores)
        winner = ties[0] if len(ties) == 1 else ties[int(self._rng.random() * len(ties))]
        return Choice(names[winner], 1.0 / len(ties), np.array(scores), names)

    def probabilities(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        """With which probability `select` would choose each arm now: float64 (k,), sums to 1."""
        scores = self._bounds(self._context(x), self._registry.eligible(arms)[1])
        ties = self._ties(scores)
        probabilities = np.zeros(len(scores))
        probabilities[ties] = 1.0 / len(ties)
        return probabilities

    def scores(self, X: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        """Upper confidence bounds, float64 (n, k), of contexts X (n, n_features) by arm."""
        means, deviations = self.estimates(X, arms)
        deviations *= self.alpha
        deviations += means
        return deviations

    def predict(self, X: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        """The best arm, without exploration bonus, for each of X (n, n_features); ties at random. (n,)"""
        names, rows = self._registry.eligible(arms)
        means, _ = self._block(self._contexts(X), rows)
        best = means.max(axis=1, keepdims=True)
        tied = means >= best - self.tie_tolerance * np.maximum(1.0, np.abs(best))
        winners = tied.argmax(axis=1)
        for row in np.flatnonzero(tied.sum(axis=1) > 1):
            winners[row] = self._rng.choice(np.flatnonzero(tied[row]))
        alike = len({type(name) for name in names}) == 1
        return np.array(names, dtype=None if alike else object)[winners]

    def explain(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> list[ArmExplanation]:
        """Why `select` would choose as it does: one entry per arm, in the order of `arms`. Changes nothing."""
        context = self._context(x)
        names, rows = self._registry.eligible(arms)
        chances = self.probabilities(context, names).tolist()
        means, variances = self._point(context, rows)
        found = []
        for name, row, chance, mean, variance in zip(names, rows, chances, means, variances, strict=True):
            weights, deviations = self.coefficients(name)
            bonus = self.alpha * math.sqrt(max(0.0, variance))
            parts = (context * weights, np.abs(context) * deviations)
            strength = self._priors[row].strength if row in self._priors else 0.0
            found.append(ArmExplanation(name, mean, bonus, chance, *parts, self._counts[row], strength))
        return found

    def estimates(self, X: ArrayLike, arms: Sequence[Arm] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Estimated rewards of contexts X (n, n_features) by arm, and their standard deviations in units of the reward's
        noise: both float64 (n, k)."""
        means, variances = self._block(self._contexts(X), self._registry.eligible(arms)[1])
        return means, np.sqrt(variances, out=variances)

    def coefficients(self, arm: Arm) -> tuple[np.ndarray, np.ndarray]:
        """What each feature is worth for an arm, active or retired: weights and their deviations, both (n_features,)."""
        weights, variances = self._block(np.eye(self.n_features), (self._registry.row(arm),))
        return weights[:, 0], np.sqrt(variances[:, 0])

    # --- for subclasses -------------------------------------------------------------------------

    def _look(self) -> None:
        """Takes note that there are compiled kernels now, or none."""

    def _point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """Means and variance factors of one context for some rows."""
        assert self._forms is not None
        return self._forms.point(x, rows)

    def _block(self, X: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Means and variance factors, each (n, k), of many contexts for some rows."""
        assert self._forms is not None
        return self._forms.block(X, rows)

    def _bounds(self, x: np.ndarray, rows: tuple[int, ...]) -> list[float]:
        means, variances = self._point(x, rows)
        alpha, root = self.alpha, math.sqrt
        # Rounding can leave a variance a hair below zero.
        scores = [m + alpha * root(v) if v > 0.0 else m for m, v in zip(means, variances, strict=True)]
        if not math.isfinite(sum(scores)):
            raise ValueError("the context holds values that are not finite, or too large to score")
        return scores

    def _ties(self, scores: list[float]) -> list[int]:
        best = max(scores)
        least = best - self.tie_tolerance * (1.0 if -1.0 < best < 1.0 else abs(best))
        return [position for position, score in enumerate(scores) if score >= least]
