"""LinUCB with hybrid linear models: algorithm 2 of Li et al. 2010.

The expected reward is zᵀβ + xᵀθ_a: β is shared by all arms and learned from every reward, θ_a is the
arm's own. The shared features are z = f_a ⊗ x, the arm's features f_a times the context, as in the
paper's section 4; an arm without features has f_a = (1), so β is what all arms have in common and a
new prompt starts from there.

Stored, and added up, are plain sums: Z = λI + Σ z zᵀ and c = Σ r z over all rewards, and per arm
A_a = λI + Σ x xᵀ, B_a = Σ x zᵀ and b_a = Σ r x. The paper's A₀ = Z − Σ_a B_aᵀ A_a⁻¹ B_a and
b₀ = c − Σ_a B_aᵀ A_a⁻¹ b_a follow from them.
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

_CHUNK = 1024


class HybridLinUCB(LinearPolicy):
    """Chooses argmax over arms of zᵀβ + xᵀθ_a + α √s_a (algorithm 2, lines 10 to 13).

    `n_arm_features` ≥ 1 is the length of the features given to `add_arm`; β has
    n_arm_features · n_features entries.
    """

    def __init__(
        self,
        n_features: int,
        alpha: float = 1.0,
        ridge: float = 1.0,
        seed: int | None = 0,
        *,
        n_arm_features: int = 1,
        tie_tolerance: float = 1e-9,
    ) -> None:
        if n_arm_features < 1:
            raise ValueError(f"n_arm_features must be at least 1, not {n_arm_features!r}")
        self.n_arm_features = int(n_arm_features)
        super().__init__(n_features, alpha, ridge, seed, tie_tolerance=tie_tolerance)

    # --- arms -----------------------------------------------------------------------------------

    def add_arm(self, arm: Arm, features: ArrayLike | None = None) -> None:
        """Makes an arm eligible. `features` (n_arm_features,) default to ones and stay for good."""
        if features is None:
            given = None
        else:
            given = np.array(features, dtype=np.float64)
            if given.shape != (self.n_arm_features,) or not np.isfinite(given).all():
                raise ValueError(f"arm {arm!r} needs {self.n_arm_features} finite features, not {features!r}")
            known = self._registry.rows.get(arm)
            if known is not None and not np.array_equal(self._F[known], given):
                raise ValueError(f"arm {arm!r} is known with other features")
        super().add_arm(arm)
        row = self._registry.row(arm)
        if given is not None and not np.array_equal(self._F[row], given):
            self._F[row] = given

    # --- learning -------------------------------------------------------------------------------

    def update(self, x: ArrayLike, arm: Arm, reward: float) -> None:
        x = self._context(x)
        row = self._registry.row(arm)
        z = self._shared_features(row, x)
        v = self._inverse[row] @ x
        gain = 1.0 + float(v @ x)
        # Eliminating the arm's own weights leaves a rank-1 change of A₀ and b₀ along u (Schur complement).
        u = z - v @ self._B[row]
        w = self._shared_inverse @ u
        shared_gain = gain + float(u @ w)
        surprise = float(reward) - float(v @ self._b[row])
        step = (surprise - float(u @ self._beta)) / shared_gain
        if not (math.isfinite(gain) and math.isfinite(shared_gain) and math.isfinite(step)):
            raise ValueError("the context or the reward holds values that are not finite, or too large")
        for matrix, left, right, scale in (
            (self._Z, z, z, 1.0),
            (self._A[row], x, x, 1.0),
            (self._B[row], x, z, 1.0),
            (self._inverse[row], v, v, -1.0 / gain),
            (self._shared_inverse, w, w, -1.0 / shared_gain),
        ):
            dger(scale, right, left, a=matrix.T, overwrite_a=1)  # in place: BLAS counts by columns
        self._c += z * reward
        self._b[row] += x * reward
        self._beta += w * step
        self._counts[row] += 1

    def partial_fit(self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike) -> Self:
        contexts, rows, earned = self._batch(X, arms, rewards)
        for row in np.unique(rows).tolist():
            mine = contexts[rows == row]
            self._add(row, mine, earned[rows == row])
        self.refresh()
        return self

    def merge(self, other: Self) -> Self:
        self._check_mergeable(other)
        if self.n_arm_features != other.n_arm_features:
            raise ValueError(f"cannot merge: {self.n_arm_features} and {other.n_arm_features} arm features")
        for name, theirs in other._registry.rows.items():
            known = self._registry.rows.get(name)
            if known is not None and not np.array_equal(self._F[known], other._F[theirs]):
                raise ValueError(f"cannot merge: arm {name!r} has other features there")
        self._registry.union(other._registry)
        while len(self._counts) < len(self._registry.rows):
            self._counts.append(0)
            self._extend()
        own_prior = self.ridge * np.eye(self.n_features)
        self._Z += other._Z - self.ridge * np.eye(len(self._Z))
        self._c += other._c
        for name, theirs in other._registry.rows.items():
            row = self._registry.rows[name]
            self._F[row] = other._F[theirs]
            self._A[row] += other._A[theirs] - own_prior
            self._B[row] += other._B[theirs]
            self._b[row] += other._b[theirs]
            self._counts[row] += other._counts[theirs]
        self.refresh()
        return self

    def refresh(self) -> None:
        self._inverse = inverse(self._A)
        solved = self._inverse @ self._B
        shared = self._Z - np.einsum("kij,kil->jl", self._B, solved)
        self._shared_inverse = inverse(0.5 * (shared + shared.T))
        self._beta = self._shared_inverse @ (self._c - np.einsum("kij,ki->j", solved, self._b))

    # --- scoring --------------------------------------------------------------------------------

    def _point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        chosen = slice(None) if rows == tuple(range(len(self._b))) else list(rows)
        v = self._inverse[chosen] @ x
        z = self._shared_features(chosen, x)
        u = z - (v[:, None, :] @ self._B[chosen])[:, 0, :]
        means = u @ self._beta + row_dots(v, self._b[chosen])
        variances = row_dots(u @ self._shared_inverse, u) + v @ x
        return means.tolist(), variances.tolist()

    def _block(self, X: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        means = np.empty((len(X), len(rows)))
        variances = np.empty((len(X), len(rows)))
        for start in range(0, len(X), _CHUNK):
            chunk = X[start : start + _CHUNK]
            for column, row in enumerate(rows):
                v = chunk @ self._inverse[row]
                u = self._shared_features(row, chunk) - v @ self._B[row]
                means[start : start + _CHUNK, column] = u @ self._beta + v @ self._b[row]
                shared = row_dots(u @ self._shared_inverse, u)
                variances[start : start + _CHUNK, column] = shared + row_dots(v, chunk)
        return means, np.maximum(variances, 0.0, out=variances)

    # --- storage --------------------------------------------------------------------------------

    def _empty(self) -> None:
        d, m = self.n_features, self.n_arm_features * self.n_features
        self._Z, self._c = self.ridge * np.eye(m), np.zeros(m)
        self._F = np.ones((0, self.n_arm_features))
        self._A, self._B, self._b = np.zeros((0, d, d)), np.zeros((0, d, m)), np.zeros((0, d))
        self.refresh()

    def _grow(self) -> None:
        self._extend()
        self._inverse = np.concatenate([self._inverse, np.eye(self.n_features)[None] / self.ridge])

    def _extend(self) -> None:
        d, m = self.n_features, len(self._c)
        self._F = np.concatenate([self._F, np.ones((1, self.n_arm_features))])
        self._A = np.concatenate([self._A, self.ridge * np.eye(d)[None]])
        self._B = np.concatenate([self._B, np.zeros((1, d, m))])
        self._b = np.concatenate([self._b, np.zeros((1, d))])

    def _shared_features(self, rows: Any, x: np.ndarray) -> np.ndarray:
        """z = f ⊗ x for one row and x (d,) or (n, d), or for several rows and one x (d,): (…, m)."""
        if self.n_arm_features == 1:
            return self._F[rows] * x
        products = self._F[rows][..., :, None] * x[..., None, :]
        return products.reshape(*products.shape[:-2], -1)

    def _add(self, row: int, X: np.ndarray, rewards: np.ndarray) -> None:
        """Adds n rewards of one arm to the sums: X (n, d), rewards (n,)."""
        Z = self._shared_features(row, X)
        self._Z += Z.T @ Z
        self._c += Z.T @ rewards
        self._A[row] += X.T @ X
        self._B[row] += X.T @ Z
        self._b[row] += X.T @ rewards
        self._counts[row] += len(X)

    def _sums(self) -> dict[str, Any]:
        sums = {"Z": self._Z, "c": self._c, "F": self._F, "A": self._A, "B": self._B, "b": self._b}
        return {"n_arm_features": self.n_arm_features} | {name: array.copy() for name, array in sums.items()}

    @classmethod
    def _parameters(cls, state: dict[str, Any]) -> dict[str, Any]:
        return {**super()._parameters(state), "n_arm_features": state["n_arm_features"]}

    def _load_sums(self, state: dict[str, Any]) -> None:
        k, d, m = len(self._registry.rows), self.n_features, len(self._c)
        self._Z, self._c = stacked(state, "Z", (m, m)), stacked(state, "c", (m,))
        self._F = stacked(state, "F", (k, self.n_arm_features))
        self._A, self._B = stacked(state, "A", (k, d, d)), stacked(state, "B", (k, d, m))
        self._b = stacked(state, "b", (k, d))
