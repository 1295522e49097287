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

from bandit.algebra import inverse, stacked
from bandit.arms import Arm
from bandit.linear import LinearPolicy
from bandit.priors import Prior

# Rows scored together in a batch: the products of one chunk stay in the processor's cache.
_CHUNK = 512
_NOT_FINITE = "the context or the reward holds values that are not finite, or too large"


class DisjointLinear(LinearPolicy):
    """A_a, b_a, and their derived inverse and weights, stacked over arms."""

    _kernels: Any = None

    # --- learning -------------------------------------------------------------------------------

    def update(self, x: ArrayLike, arm: Arm, reward: float, time: float | None = None) -> None:
        context = self._context(x)
        row = self._registry.row(arm)
        weight = 1.0 if self._discount is None else self._weight(context, reward, time)
        gram, inverse_gram, sums, theta = self._views[row]
        if self._kernels is not None:
            if not self._kernels.learn(gram, inverse_gram, sums, theta, context, float(reward), weight):
                raise ValueError(_NOT_FINITE)
            self._counts[row] += 1
            self._faded[row] += weight
            return
        v = inverse_gram.dot(context)
        gain = 1.0 + weight * float(v.dot(context))
        error = (reward - float(theta.dot(context))) * weight / gain
        if not (math.isfinite(gain) and math.isfinite(error)):
            raise ValueError(_NOT_FINITE)
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

    def compile(self) -> Self:
        """Computes from now on with compiled kernels (pip install 'product-studio[fast]'); returns this policy.

        Answers are the same to rounding. The first calls compile, which takes seconds. A state does not remember this.
        Raises ImportError without numba.
        """
        from bandit import compiled

        self._kernels = compiled
        self._look()
        return self

    def _point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        if self._kernels is not None:
            index = self._every_row if rows == self._all_rows else np.array(rows)
            kernel_means, kernel_variances = self._kernels.point(
                self._inverse, self._theta, x, index
            ).tolist()
            return kernel_means, kernel_variances
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
        means, variances = np.empty((len(rows), len(X))), np.empty((len(rows), len(X)))
        if self._kernels is not None:
            ordered = np.ascontiguousarray(X)
            self._kernels.block(self._inverse, self._theta, ordered, np.array(rows), means, variances)
        else:
            np.matmul(self._theta[list(rows)], X.T, out=means)
            products = np.empty((min(_CHUNK, len(X)), self.n_features))
            for start in range(0, len(X), _CHUNK):
                chunk = X[start : start + _CHUNK]
                product = products[: len(chunk)]
                for place, row in enumerate(rows):
                    np.matmul(chunk, self._inverse[row], out=product)
                    np.vecdot(product, chunk, out=variances[place, start : start + _CHUNK])
        # Rounding can leave a variance a hair below zero.
        return means.T, np.maximum(variances, 0.0, out=variances).T

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
        self._every_row = np.arange(k)
        self._look()

    def _look(self) -> None:
        """Keeps the views that `update` needs: slicing costs as much as the arithmetic at this size."""
        grams, inverses = self._A, self._inverse
        if self._kernels is None:
            # Both are symmetric, so their transposed views suit BLAS, which counts by columns.
            grams, inverses = grams.transpose(0, 2, 1), inverses.transpose(0, 2, 1)
        self._views = [(grams[row], inverses[row], self._b[row], self._theta[row]) for row in self._all_rows]

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
