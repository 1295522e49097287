"""Linear Thompson sampling (Agrawal and Goyal, ICML 2013) over disjoint models.

For one context, drawing θ̃ ~ N(θ_a, α² A_a⁻¹) and scoring θ̃ᵀx is the same as drawing the score from
N(θ_aᵀx, α² xᵀA_a⁻¹x), which is what happens here. Arms are independent, so the probability that an
arm wins is a one-dimensional integral, and the propensity is known without simulation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from bandit.arms import Arm
from bandit.disjoint import DisjointLinear
from bandit.linear import Choice

# The trapezoid rule from −8.5 to 8.5 is exact to 1e-8 with steps of the integrand's width, down to this one: while no arm's
# spread is below 1/50 of another's.
_FINEST, _COARSEST, _RANGE = 0.02, 0.25, 8.5


class LinTS(DisjointLinear):
    """Chooses the arm with the largest sampled score. `choice.scores` are the samples."""

    def select(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> Choice:
        context = self._context(x)
        names, rows = self._registry.eligible(arms)
        means, spreads = self._spread(context, rows)
        noise = self._rng.standard_normal(len(rows)).tolist()
        samples = [m + s * z for m, s, z in zip(means, spreads, noise, strict=True)]
        ties = self._ties(samples)
        winner = ties[0] if len(ties) == 1 else ties[int(self._rng.random() * len(ties))]
        propensity = win_probability(means, spreads, winner, self.tie_tolerance)
        return Choice(names[winner], propensity, np.array(samples), names)

    def probabilities(self, x: ArrayLike, arms: Sequence[Arm] | None = None) -> np.ndarray:
        means, spreads = self._spread(self._context(x), self._registry.eligible(arms)[1])
        chances = [win_probability(means, spreads, arm, self.tie_tolerance) for arm in range(len(means))]
        return np.array(chances) / math.fsum(chances)

    def _spread(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        means, variances = self._point(x, rows)
        spreads = [self.alpha * math.sqrt(v) if v > 0.0 else 0.0 for v in variances]
        if not math.isfinite(sum(means) + sum(spreads)):
            raise ValueError("the context holds values that are not finite, or too large to score")
        return means, spreads


def win_probability(
    means: Sequence[float], spreads: Sequence[float], arm: int, tolerance: float = 0.0
) -> float:
    """Probability that `arm` has the largest of independent normal scores.

    P(a) = ∫ φ(t) Π_{b≠a} Φ((μ_a + σ_a t − μ_b) / σ_b) dt. Without spread, ties share evenly.
    """
    if len(means) == 1:
        return 1.0
    mean, spread = means[arm], spreads[arm]
    others = [(m, s) for position, (m, s) in enumerate(zip(means, spreads, strict=True)) if position != arm]
    if not any(spreads):
        least = mean - tolerance * max(1.0, abs(mean))
        if max(means) - tolerance * max(1.0, abs(max(means))) > mean:
            return 0.0
        return 1.0 / sum(m >= least for m in means)
    if len(others) == 1:
        ((m, s),) = others
        return float(ndtr((mean - m) / math.hypot(spread, s)))
    centres, widths = np.array(others).T
    certain = widths == 0.0
    narrowness = 1.0 + float(np.sum((spread / widths[~certain]) ** 2))
    step = _FINEST if certain.any() else max(_FINEST, min(_COARSEST, 1.0 / math.sqrt(narrowness)))
    grid = np.linspace(-_RANGE, _RANGE, 2 * math.ceil(_RANGE / step) + 1)
    ahead = mean + spread * grid - centres[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = ndtr(ahead / widths[:, np.newaxis])
    below[certain] = 0.5 + 0.5 * np.sign(ahead[certain])
    weights = np.exp(-0.5 * grid**2)
    return float(below.prod(axis=0) @ weights / weights.sum())
