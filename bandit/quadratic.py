"""What a policy computes for a context: an estimate wᵀx and its variance factor xᵀMx for each arm.

All arms' matrices and weights lie in one array, so that one matrix-vector product serves one context; many contexts are one
matrix product per arm and a dot product per row.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

# Rows scored together in a batch: the products of one chunk stay in the processor's cache.
_CHUNK = 512


class Quadratics:
    """`matrices` (k, d, d), symmetric, and `weights` (k, d), to be written in place: `stack[a]` is the matrix of arm a with
    its weights as the last row. `kernels` is `bandit.compiled`."""

    def __init__(self, k: int, d: int, kernels: ModuleType | None = None) -> None:
        self.stack = np.zeros((k, d + 1, d))
        self.matrices = self.stack[:, :d]
        self.weights = self.stack[:, d]
        self.kernels = kernels
        self._rows = self.stack.reshape(k * (d + 1), d)
        self._shape = (k, d + 1)
        self._all = tuple(range(k))
        self._every = np.arange(k)

    def point(self, x: np.ndarray, rows: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """Estimates and variance factors of one context x (d,) for some arms."""
        if self.kernels is not None:
            chosen = self._every if rows == self._all else np.array(rows)
            means, variances = self.kernels.point(self.stack, x, chosen).tolist()
            return means, variances
        k, width = self._shape
        if 4 * len(rows) < k:
            few = self.stack[list(rows)] @ x
            return few[:, -1].tolist(), few[:, :-1].dot(x).tolist()
        products = self._rows.dot(x).reshape(k, width)
        means, variances = products[:, -1].tolist(), products[:, :-1].dot(x).tolist()
        if rows == self._all:
            return means, variances
        return [means[row] for row in rows], [variances[row] for row in rows]

    def block(self, X: np.ndarray, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Estimates and variance factors, each (n, k), of contexts X (n, d) for some arms; no variance is below 0."""
        means, variances = np.empty((len(rows), len(X))), np.empty((len(rows), len(X)))
        if self.kernels is not None:
            self.kernels.block(self.stack, np.ascontiguousarray(X), np.array(rows), means, variances)
        else:
            np.matmul(self.weights[list(rows)], X.T, out=means)
            self._variances(X, rows, variances)
        # Rounding can leave a variance a hair below zero.
        return means.T, np.maximum(variances, 0.0, out=variances).T

    def _variances(self, X: np.ndarray, rows: tuple[int, ...], out: np.ndarray) -> None:
        """xᵀMx from three quarters of the products: with halves of x and blocks of M, x₁ᵀ(M₁₁x₁ + 2M₁₂x₂) + x₂ᵀM₂₂x₂."""
        d = X.shape[1]
        h = d // 2
        upper = self.matrices[list(rows), :h]
        upper[:, :, h:] *= 2.0
        whole, half = (np.empty((min(_CHUNK, len(X)), width)) for width in (d, d - h))
        for start in range(0, len(X), _CHUNK):
            chunk = X[start : start + _CHUNK]
            left, right = chunk[:, :h], chunk[:, h:]
            product, rest = whole[: len(chunk)], half[: len(chunk)]
            for place, row in enumerate(rows):
                found = out[place, start : start + _CHUNK]
                np.matmul(left, upper[place], out=product)
                np.vecdot(product, chunk, out=found)
                np.matmul(right, self.matrices[row, h:, h:], out=rest)
                found += np.vecdot(rest, right)
