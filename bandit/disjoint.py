"""Ridge regression by arm, without anything shared between arms (Li et al. 2010, section 3.1).

For each arm a: A_a = λI + Σ x xᵀ and b_a = Σ r x are the truth that is stored and added up. The
inverse and θ_a = A_a⁻¹ b_a are derived: exactly, by Cholesky factors, when a policy is loaded,
merged or taught a batch, and by the Sherman-Morrison formula between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import dger

from bandit.algebra import inverse, row_dots, stacked
from bandit.arms import Arm
from bandit.linear import LinearPolicy
from bandit.priors import Prior

# Rows scored together in a batch: the products of one chunk stay in the processor's cache.
_CHUNK = 1024


class DisjointLinear(LinearPolicy):
    """A_a, b_a, and their derived inverse and weights, stacked over arms."""

    # --- learning -------------------------------------------------------------------------------

    def update(self, x: ArrayLike, arm: Arm, reward: float, time: float | None = None) -> None:
        context = self._context(x)
        row = self._registry.row(arm)
        weight = 1.0 if self._discount is None else self._weight(context, reward, time)
        gram, inverse_gram, sums, theta = self._views[row]
        v = inverse_gram.dot(context)
        gain = 1.0 + weight * float(v.dot(context))
        error = (reward - float(theta.dot(context))) * weight / gain
        if not (math.isfinite(gain) and math.isfinite(error)):
            raise ValueError("the context or the reward holds values that are not finite, or too large")
        # In place: both matrices are symmetric, so their transposed views suit BLAS's column order.
        dger(weight, context, context, a=gram, overwrite_a=1)
        dger(-weight / gain, v, v, a=inverse_gram, overwrite_a=1)
        if reward:
            sums += context * (weight * reward)
        v *= error
        theta += v
        self._counts[row] += 1
        self._faded[row] += weight

    def partial_fit(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike, times: ArrayLike | None = None
    ) -> Self:
        contexts, rows, earned = self._batch(X, arms, rewards)
        weights = self._batch_weights(times, len(rows))
        touched = np.unique(rows)
        for row in touched.tolist():
            mine = rows == row
            x, r = contexts[mine], earned[mine]
            weighted = x if weights is None else x * weights[mine, np.newaxis]
            self._A[row] += weighted.T @ x
            self._b[row] += weighted.T @ r
            self._counts[row] += len(x)
            self._faded[row] += len(x) if weights is None else float(weights[mine].sum())
        self._solve(touched)
        return self

    def refresh(self) -> None:
        self._solve(np.arange(len(self._A)))

    # --- scoring --------------------------------------------------------------------------------

    def _point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        k, d = self._b.shape
        if 4 * len(rows) < k:
            chosen = list(rows)
            return self._theta[chosen].dot(x).tolist(), (self._inverse[chosen] @ x).dot(x).tolist()
        products = self._derived.dot(x)
        variances = products[: k * d].reshape(k, d).dot(x).tolist()
        means = products[k * d :].tolist()
        if rows == self._all_rows:
            return means, variances
        return [means[row] for row in rows], [variances[row] for row in rows]

    def _block(self, X: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        means = X @ self._theta[list(rows)].T
        variances = np.empty((len(rows), len(X)))
        for start in range(0, len(X), _CHUNK):
            chunk = X[start : start + _CHUNK]
            for column, row in enumerate(rows):
                row_dots(chunk @ self._inverse[row], chunk, out=variances[column, start : start + _CHUNK])
        return means, np.maximum(variances, 0.0, out=variances).T

    # --- storage --------------------------------------------------------------------------------

    def _add_rewards(self, row: int, sums: np.ndarray) -> None:
        self._b[row] += sums

    def _believe(self, row: int, prior: Prior) -> None:
        self._priors[row] = prior
        self._A[row] += prior.gram
        self._b[row] += prior.sums
        self._solve(np.array([row]))

    def _fade(self, factor: float) -> None:
        ridge = self.ridge * np.eye(self.n_features)
        self._A -= ridge
        self._A *= factor
        self._A += ridge
        self._b *= factor
        self.refresh()

    def _empty(self) -> None:
        d = self.n_features
        self._A, self._b = np.zeros((0, d, d)), np.zeros((0, d))
        self._derive()

    def _grow(self, **details: Any) -> None:
        self._extend(1)

    def _extend(self, arms: int) -> None:
        k, d = self._b.shape
        inverses, weights = self._inverse, self._theta
        self._A = np.concatenate([self._A, np.broadcast_to(self.ridge * np.eye(d), (arms, d, d))])
        self._b = np.concatenate([self._b, np.zeros((arms, d))])
        self._derive()
        self._inverse[:k], self._theta[:k] = inverses, weights
        self._inverse[k:] = np.eye(d) / self.ridge

    def _derive(self) -> None:
        """Lays out the derived arrays, first all rows of the inverses and then all θ: one product gives both."""
        k, d = self._b.shape
        self._derived = np.zeros((k * d + k, d))
        self._inverse = self._derived[: k * d].reshape(k, d, d)
        self._theta = self._derived[k * d :]
        self._all_rows = tuple(range(k))
        # Slicing costs as much as the arithmetic at this size, so the views that `update` needs are kept.
        self._views = [
            (self._A[row].T, self._inverse[row].T, self._b[row], self._theta[row]) for row in self._all_rows
        ]

    def _solve(self, rows: np.ndarray) -> None:
        inverses = inverse(self._A[rows])
        self._inverse[rows] = inverses
        self._theta[rows] = np.einsum("kij,kj->ki", inverses, self._b[rows])

    def _sums(self) -> dict[str, Any]:
        return {"A": self._A.copy(), "b": self._b.copy()}

    def _bare_sums(self) -> dict[str, Any]:
        return self._bare()

    def _load_sums(self, state: dict[str, Any]) -> None:
        k, d = len(self._registry.rows), self.n_features
        self._A = stacked(state, "A", (k, d, d))
        self._b = stacked(state, "b", (k, d))
        self._derive()
