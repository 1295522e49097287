"""What is believed of a new arm before its first reward.

A prior is worth so many rewards, its *strength*: the sums that as many average rewards of the arms it
comes from would have left behind (a power prior: Ibrahim and Chen 2000, with weight strength / n).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Prior:
    """Pseudo-rewards: `gram` Σ w x xᵀ (d, d), `sums` Σ w r x (d,) and their weight `strength` Σ w ≥ 0."""

    gram: np.ndarray
    sums: np.ndarray
    strength: float

    def check(self, n_features: int) -> None:
        """Raises ValueError unless shapes fit, all is finite and `gram` is symmetric and positive semidefinite."""
        d = n_features
        if self.gram.shape != (d, d) or self.sums.shape != (d,):
            shapes = f"{self.gram.shape} and {self.sums.shape}"
            raise ValueError(f"a prior for {d} features has gram ({d}, {d}) and sums ({d},), not {shapes}")
        if not (np.isfinite(self.gram).all() and np.isfinite(self.sums).all()):
            raise ValueError("a prior's sums must be finite")
        if not (math.isfinite(self.strength) and self.strength >= 0.0):
            raise ValueError(f"a prior's strength must be finite and at least 0, not {self.strength!r}")
        scale = _ROUNDING * max(1.0, float(np.abs(self.gram).max(initial=0.0)))
        if np.abs(self.gram - self.gram.T).max(initial=0.0) > scale:
            raise ValueError("a prior's gram must be symmetric")
        if float(np.linalg.eigvalsh(self.gram)[0]) < -scale:
            raise ValueError("a prior's gram must be positive semidefinite")

    def scaled(self, factor: float) -> Prior:
        """The same belief, worth `factor` times as many rewards."""
        return Prior(self.gram * factor, self.sums * factor, self.strength * factor)

    def resembles(self, other: Prior) -> bool:
        """Whether both say the same, to rounding."""
        return (
            self.gram.shape == other.gram.shape
            and math.isclose(self.strength, other.strength, rel_tol=_ROUNDING)
            and np.allclose(self.gram, other.gram, rtol=_ROUNDING, atol=_ROUNDING)
            and np.allclose(self.sums, other.sums, rtol=_ROUNDING, atol=_ROUNDING)
        )


def pooled(
    learned: Iterable[tuple[np.ndarray, np.ndarray, float]], n_features: int, strength: float
) -> Prior:
    """The average arm: what each of m arms has learned, shrunk to at most strength / m rewards, added up.

    `learned` are (Σ x xᵀ, Σ r x, number of rewards) of the arms. Arms count alike, however often each was shown:
    a bandit shows its best arm most, and a new prompt is not expected to be the best. Arms without rewards are left out;
    without any the prior is empty. Raises ValueError for a strength below 0.
    """
    if not (math.isfinite(strength) and strength >= 0.0):
        raise ValueError(f"strength must be finite and at least 0, not {strength!r}")
    known = [entry for entry in learned if entry[2] > 0.0]
    gram, sums, total = np.zeros((n_features, n_features)), np.zeros(n_features), 0.0
    for arm_gram, arm_sums, rewards in known:
        share = min(rewards, strength / len(known))
        gram += arm_gram * (share / rewards)
        sums += arm_sums * (share / rewards)
        total += share
    return Prior(0.5 * (gram + gram.T), sums, total)


def dump(priors: Mapping[int, Prior], n_features: int) -> dict[str, np.ndarray]:
    """Priors by row of the statistics, as arrays of a snapshot."""
    found, d = list(priors.values()), n_features
    return {
        "prior_rows": np.array(list(priors), dtype=np.int64),
        "prior_grams": np.array([prior.gram for prior in found], dtype=np.float64).reshape(-1, d, d),
        "prior_sums": np.array([prior.sums for prior in found], dtype=np.float64).reshape(-1, d),
        "prior_strengths": np.array([prior.strength for prior in found], dtype=np.float64),
    }


def load(state: Mapping[str, Any], n_rows: int, n_features: int) -> dict[int, Prior]:
    """The priors that `dump` wrote; none from a snapshot that is older than priors. Raises ValueError."""
    rows = [int(row) for row in state.get("prior_rows", ())]
    if len(set(rows)) != len(rows) or not set(rows) <= set(range(n_rows)):
        raise ValueError("the state's priors do not match its arms")
    found = {}
    for position, row in enumerate(rows):
        gram, sums = (np.array(state[name][position], np.float64) for name in ("prior_grams", "prior_sums"))
        found[row] = Prior(gram, sums, float(state["prior_strengths"][position]))
        found[row].check(n_features)
    return found
