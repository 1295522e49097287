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
from bandit.learner import NOT_FINITE
from bandit.linear import LinearPolicy
from bandit.priors import Prior
from bandit.quadratic import Quadratics


class DisjointLinear(LinearPolicy):
    """A_a and b_a by arm; derived from them are A_a⁻¹ and θ_a, the `matrices` and `weights` of its quadratics."""

    _forms: Quadratics

    # --- learning -------------------------------------------------------------------------------

    def update(self, x: ArrayLike, arm: Arm, reward: float, time: float | None = None) -> None:
        context = self._context(x)
        row = self._registry.row(arm)
        weight = 1.0 if self._discount is None else self._weight(context, reward, time)
        gram, sums, stack, transposed = self._views[row]
        if self._kernels is not None:
            if not self._kernels.learn(gram, sums, stack, context, float(reward), weight):
                raise ValueError(NOT_FINITE)
        else:
            products = stack.dot(context)
            v = products[:-1]
            gain = 1.0 + weight * float(v.dot(context))
            products[-1] -= reward
            if not (math.isfinite(gain) and math.isfinite(products[-1])):
                raise ValueError(NOT_FINITE)
            # θ is the last row of the stack, and what it gains is a multiple of v too: one rank-1 change serves both.
            dger(-weight / gain, v, products, a=transposed, overwrite_a=1)
            dger(weight, context, context, a=gram, overwrite_a=1)
            if reward:
                sums += context * (weight * reward)
        self._counts[row] += 1
        self._faded[row] += weight

    def partial_fit(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike, times: ArrayLike | None = None
    ) -> Self:
        contexts, rows, earned = self._batch(X, arms, rewards)
        weights = self._batch_weights(times, len(rows))
        touched = np.flatnonzero(np.bincount(rows, minlength=len(self._counts)))
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
        known = self._forms
        self._A = np.concatenate([self._A, np.broadcast_to(self.ridge * np.eye(d), (arms, d, d))])
        self._b = np.concatenate([self._b, np.zeros((arms, d))])
        self._derive()
        self._forms.matrices[:k], self._forms.weights[:k] = known.matrices, known.weights
        self._forms.matrices[k:] = np.eye(d) / self.ridge

    def _derive(self) -> None:
        k, d = self._b.shape
        self._forms = Quadratics(k, d, self._kernels)
        self._look()

    def _look(self) -> None:
        """Keeps the views that `update` needs: slicing costs as much as the arithmetic at this size.

        BLAS counts by columns, so it is given transposes; A is symmetric.
        """
        stacks = self._forms.stack
        grams = self._A if self._kernels is not None else self._A.transpose(0, 2, 1)
        self._views = list(zip(grams, self._b, stacks, stacks.transpose(0, 2, 1), strict=True))

    def _solve(self, rows: np.ndarray) -> None:
        inverses = inverse(self._A[rows])
        self._forms.matrices[rows] = inverses
        self._forms.weights[rows] = np.einsum("kij,kj->ki", inverses, self._b[rows])

    def _sums(self) -> dict[str, Any]:
        return {"A": self._A.copy(), "b": self._b.copy()}

    def _bare_sums(self) -> dict[str, Any]:
        return self._bare()

    def _load_sums(self, state: dict[str, Any]) -> None:
        k, d = len(self._registry.rows), self.n_features
        self._A = stacked(state, "A", (k, d, d))
        self._b = stacked(state, "b", (k, d))
        self._derive()
