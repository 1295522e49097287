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

from bandit.algebra import inverse, stacked
from bandit.arms import Arm
from bandit.learner import NOT_FINITE, LinearLearner
from bandit.linear import LinearPolicy
from bandit.priors import Prior
from bandit.quadratic import Quadratics


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
        half_life: float | None = None,
    ) -> None:
        if n_arm_features < 1:
            raise ValueError(f"n_arm_features must be at least 1, not {n_arm_features!r}")
        self.n_arm_features = int(n_arm_features)
        super().__init__(n_features, alpha, ridge, seed, tie_tolerance=tie_tolerance, half_life=half_life)

    # --- arms -----------------------------------------------------------------------------------

    def add_arm(self, arm: Arm, features: ArrayLike | None = None, *, prior: Prior | None = None) -> None:
        """Makes an arm eligible. `features` (n_arm_features,) default to ones and stay for good.

        A `prior` speaks of the arm's own weights θ_a: what β already explains of it, as of now, is taken off.
        """
        if features is None:
            given = None
        else:
            given = np.array(features, dtype=np.float64)
            if given.shape != (self.n_arm_features,) or not np.isfinite(given).all():
                raise ValueError(f"arm {arm!r} needs {self.n_arm_features} finite features, not {features!r}")
            known = self._registry.rows.get(arm)
            if known is not None and not np.array_equal(self._F[known], given):
                raise ValueError(f"arm {arm!r} is known with other features")
        self._register(arm, prior, features=given)

    # --- learning -------------------------------------------------------------------------------

    def update(self, x: ArrayLike, arm: Arm, reward: float, time: float | None = None) -> None:
        x = self._context(x)
        row = self._registry.row(arm)
        weight = 1.0 if self._discount is None else self._weight(x, reward, time)
        z = self._shared_features(row, x)
        v = self._inverse[row] @ x
        gain = 1.0 + weight * float(v @ x)
        # Eliminating the arm's own weights leaves a rank-1 change of A₀ and b₀ along u (Schur complement).
        u = z - v @ self._B[row]
        w = self._shared_inverse @ u
        shared_gain = gain + weight * float(u @ w)
        surprise = float(reward) - float(v @ self._b[row])
        step = (surprise - float(u @ self._beta)) * weight / shared_gain
        if not (math.isfinite(gain) and math.isfinite(shared_gain) and math.isfinite(step)):
            raise ValueError(NOT_FINITE)
        for matrix, left, right, scale in (
            (self._Z, z, z, weight),
            (self._A[row], x, x, weight),
            (self._B[row], x, z, weight),
            (self._inverse[row], v, v, -weight / gain),
            (self._shared_inverse, w, w, -weight / shared_gain),
        ):
            dger(scale, right, left, a=matrix.T, overwrite_a=1)  # in place: BLAS counts by columns
        self._c += z * (weight * reward)
        self._b[row] += x * (weight * reward)
        self._beta += w * step
        self._counts[row] += 1
        self._faded[row] += weight
        self._forms = None

    def partial_fit(
        self, X: ArrayLike, arms: Iterable[Arm], rewards: ArrayLike, times: ArrayLike | None = None
    ) -> Self:
        contexts, rows, earned = self._batch(X, arms, rewards)
        weights = self._batch_weights(times, len(rows))
        for row in np.unique(rows).tolist():
            mine = rows == row
            worth = np.ones(np.count_nonzero(mine)) if weights is None else weights[mine]
            self._add(row, contexts[mine], earned[mine], worth)
        self.refresh()
        return self

    def refresh(self) -> None:
        self._inverse = inverse(self._A)
        solved = self._inverse @ self._B
        shared = self._Z - np.einsum("kij,kil->jl", self._B, solved)
        self._shared_inverse = inverse(0.5 * (shared + shared.T))
        self._beta = self._shared_inverse @ (self._c - np.einsum("kij,ki->j", solved, self._b))
        self._forms = self._quadratics()

    # --- scoring --------------------------------------------------------------------------------

    def _point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        forms = self._forms
        return self._point_afresh(x, rows) if forms is None else forms.point(x, rows)

    def _block(self, X: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        return (self._forms or self._quadratics()).block(X, rows)

    def _quadratics(self) -> Quadratics:
        """Means and variances as forms of x alone. With G_a = F_a − B_aᵀA_a⁻¹, where F_a x = z, u is G_a x, so

        mean = xᵀ(G_aᵀβ + A_a⁻¹b_a) and s = xᵀ(G_aᵀA₀⁻¹G_a + A_a⁻¹)x.
        """
        k, d = self._b.shape
        forms = Quadratics(k, d, self._kernels)
        for row in range(k):
            G = np.kron(self._F[row][:, np.newaxis], np.eye(d)) - self._B[row].T @ self._inverse[row]
            forms.matrices[row] = G.T @ self._shared_inverse @ G + self._inverse[row]
            forms.weights[row] = G.T @ self._beta + self._inverse[row] @ self._b[row]
        return forms

    def _point_afresh(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """The same right after a reward, which changes the forms of all arms: quicker than bringing them up to date."""
        chosen = slice(None) if rows == tuple(range(len(self._b))) else list(rows)
        v = self._inverse[chosen] @ x
        z = self._shared_features(chosen, x)
        u = z - (v[:, None, :] @ self._B[chosen])[:, 0, :]
        means = u @ self._beta + np.vecdot(v, self._b[chosen])
        variances = np.vecdot(u @ self._shared_inverse, u) + v @ x
        return means.tolist(), variances.tolist()

    # --- storage --------------------------------------------------------------------------------

    def _empty(self) -> None:
        d, m = self.n_features, self.n_arm_features * self.n_features
        self._Z, self._c = self.ridge * np.eye(m), np.zeros(m)
        self._F = np.ones((0, self.n_arm_features))
        self._A, self._B, self._b = np.zeros((0, d, d)), np.zeros((0, d, m)), np.zeros((0, d))
        self.refresh()

    def _grow(self, features: np.ndarray | None = None, **details: Any) -> None:
        self._extend(1)
        if features is not None:
            self._F[-1] = features
        self._inverse = np.concatenate([self._inverse, np.eye(self.n_features)[None] / self.ridge])
        if self._forms is not None:
            self._forms = self._quadratics()

    def _extend(self, arms: int) -> None:
        d, m = self.n_features, len(self._c)
        self._F = np.concatenate([self._F, np.ones((arms, self.n_arm_features))])
        self._A = np.concatenate([self._A, np.broadcast_to(self.ridge * np.eye(d), (arms, d, d))])
        self._B = np.concatenate([self._B, np.zeros((arms, d, m))])
        self._b = np.concatenate([self._b, np.zeros((arms, d))])

    def _add_rewards(self, row: int, sums: np.ndarray) -> None:
        self._b[row] += sums
        self._c += self._shared_features(row, sums)

    def _believe(self, row: int, prior: Prior) -> None:
        shared = self._F[row] @ self._beta.reshape(self.n_arm_features, self.n_features)
        own = Prior(prior.gram, prior.sums - prior.gram @ shared, prior.strength)
        self._priors[row] = own
        self._A[row] += own.gram
        self._b[row] += own.sums
        self.refresh()

    def _fade(self, factor: float) -> None:
        for matrices in (self._Z, self._A):
            ridge = self.ridge * np.eye(matrices.shape[-1])
            matrices -= ridge
            matrices *= factor
            matrices += ridge
        for sums in (self._c, self._B, self._b):
            sums *= factor
        self.refresh()

    def _add_sums(self, other: Self, places: list[tuple[int, int]], shared: set[int]) -> None:
        super()._add_sums(other, places, shared)
        self._Z += other._Z - self.ridge * np.eye(len(self._Z))
        self._c += other._c
        for row, theirs in places:
            self._F[row] = other._F[theirs]
            self._B[row] += other._B[theirs]

    def _check_mergeable(self, other: LinearLearner) -> None:
        super()._check_mergeable(other)
        assert isinstance(other, HybridLinUCB)
        if self.n_arm_features != other.n_arm_features:
            raise ValueError(f"cannot merge: {self.n_arm_features} and {other.n_arm_features} arm features")
        for arm, theirs in other._registry.rows.items():
            known = self._registry.rows.get(arm)
            if known is not None and not np.array_equal(self._F[known], other._F[theirs]):
                raise ValueError(f"cannot merge: arm {arm!r} has other features there")

    def _shared_features(self, rows: Any, x: np.ndarray) -> np.ndarray:
        """z = f ⊗ x for one row and x (d,) or (n, d), or for several rows and one x (d,): (…, m)."""
        if self.n_arm_features == 1:
            return self._F[rows] * x
        products = self._F[rows][..., :, None] * x[..., None, :]
        return products.reshape(*products.shape[:-2], -1)

    def _add(self, row: int, X: np.ndarray, rewards: np.ndarray, worth: np.ndarray) -> None:
        """Adds n rewards of one arm to the sums: X (n, d), rewards (n,) and their weights (n,)."""
        Z = self._shared_features(row, X)
        weighted, earned = X * worth[:, np.newaxis], rewards * worth
        self._Z += Z.T @ (Z * worth[:, np.newaxis])
        self._c += Z.T @ earned
        self._A[row] += X.T @ weighted
        self._B[row] += weighted.T @ Z
        self._b[row] += X.T @ earned
        self._counts[row] += len(X)
        self._faded[row] += float(worth.sum())

    def _sums(self) -> dict[str, Any]:
        sums = {"Z": self._Z, "c": self._c, "F": self._F, "A": self._A, "B": self._B, "b": self._b}
        return {"n_arm_features": self.n_arm_features} | {name: array.copy() for name, array in sums.items()}

    def _bare_sums(self) -> dict[str, Any]:
        Z = self.ridge * np.eye(len(self._Z))
        return {**self._bare(), "Z": Z, "c": np.zeros_like(self._c), "B": np.zeros_like(self._B)}

    @classmethod
    def _parameters(cls, state: dict[str, Any]) -> dict[str, Any]:
        return {**super()._parameters(state), "n_arm_features": state["n_arm_features"]}

    def _load_sums(self, state: dict[str, Any]) -> None:
        k, d, m = len(self._registry.rows), self.n_features, len(self._c)
        self._Z, self._c = stacked(state, "Z", (m, m)), stacked(state, "c", (m,))
        self._F = stacked(state, "F", (k, self.n_arm_features))
        self._A, self._B = stacked(state, "A", (k, d, d)), stacked(state, "B", (k, d, m))
        self._b = stacked(state, "b", (k, d))
