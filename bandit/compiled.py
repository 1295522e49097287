"""The arithmetic of policies compiled by numba (extra `fast`): the same sums, in another order.

Imported only when a policy is told to `compile`. Matrices are symmetric, and only their lower halves are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

# Contexts that are scored side by side: their columns, d times 64 numbers, stay in the processor's nearest cache.
_LANES = 64


def _compiled(function: Callable[..., Any]) -> Any:
    """Compiles on the first call; kept on disk for the next process where there is a place for it."""
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract"}}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


@_compiled
def point(stack: np.ndarray, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """wᵀx and xᵀMx of one context for some arms: (2, k). A stack is as in `bandit.quadratic`."""
    d = len(x)
    found = np.empty((2, len(rows)))
    for place in range(len(rows)):
        arm = rows[place]
        mean = 0.0
        variance = 0.0
        for i in range(d):
            mean += stack[arm, d, i] * x[i]
            half = 0.5 * stack[arm, i, i] * x[i]
            for j in range(i):
                half += stack[arm, i, j] * x[j]
            variance += half * x[i]
        found[0, place] = mean
        found[1, place] = 2.0 * variance
    return found


@_compiled
def learn(
    gram: np.ndarray, sums: np.ndarray, stack: np.ndarray, x: np.ndarray, reward: float, weight: float
) -> bool:
    """One reward by Sherman-Morrison, in place; False, and nothing is changed, when something is not finite."""
    d = len(x)
    v = np.empty(d)
    gain = 0.0
    error = -reward
    for i in range(d):
        product = 0.0
        for j in range(d):
            product += stack[i, j] * x[j]
        v[i] = product
        gain += product * x[i]
        error += stack[d, i] * x[i]
    gain = 1.0 + weight * gain
    if not (np.isfinite(gain) and np.isfinite(error)):
        return False
    shrink = weight / gain
    for i in range(d):
        heavy = weight * x[i]
        less = shrink * v[i]
        for j in range(d):
            gram[i, j] += heavy * x[j]
            stack[i, j] -= less * v[j]
        sums[i] += heavy * reward
        stack[d, i] -= shrink * error * v[i]
    return True


@_compiled
def _lanes(stack: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """wᵀx and half of xᵀMx for contexts side by side (d, lanes): two rows of M and four of its columns at a time, so
    that what is loaded is used more than once."""
    d, lanes = columns.shape
    mean, half = np.zeros(lanes), np.zeros(lanes)
    upper, lower = np.empty(lanes), np.empty(lanes)
    i = 0
    while i + 1 < d:
        first, second, between = 0.5 * stack[i, i], 0.5 * stack[i + 1, i + 1], stack[i + 1, i]
        for lane in range(lanes):
            upper[lane] = first * columns[i, lane]
            lower[lane] = second * columns[i + 1, lane] + between * columns[i, lane]
        j = 0
        while j + 4 <= i:
            a0, a1, a2, a3 = stack[i, j], stack[i, j + 1], stack[i, j + 2], stack[i, j + 3]
            b0, b1, b2, b3 = (
                stack[i + 1, j],
                stack[i + 1, j + 1],
                stack[i + 1, j + 2],
                stack[i + 1, j + 3],
            )
            for lane in range(lanes):
                x0, x1, x2, x3 = (
                    columns[j, lane],
                    columns[j + 1, lane],
                    columns[j + 2, lane],
                    columns[j + 3, lane],
                )
                upper[lane] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                lower[lane] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
            j += 4
        while j < i:
            a0, b0 = stack[i, j], stack[i + 1, j]
            for lane in range(lanes):
                upper[lane] += a0 * columns[j, lane]
                lower[lane] += b0 * columns[j, lane]
            j += 1
        for lane in range(lanes):
            half[lane] += upper[lane] * columns[i, lane] + lower[lane] * columns[i + 1, lane]
            mean[lane] += stack[d, i] * columns[i, lane] + stack[d, i + 1] * columns[i + 1, lane]
        i += 2
    if i < d:
        for lane in range(lanes):
            upper[lane] = 0.5 * stack[i, i] * columns[i, lane]
        for j in range(i):
            for lane in range(lanes):
                upper[lane] += stack[i, j] * columns[j, lane]
        for lane in range(lanes):
            half[lane] += upper[lane] * columns[i, lane]
            mean[lane] += stack[d, i] * columns[i, lane]
    return mean, half


@_compiled
def block(
    stack: np.ndarray, X: np.ndarray, rows: np.ndarray, means: np.ndarray, variances: np.ndarray
) -> None:
    """wᵀx and xᵀMx of contexts X (n, d) for some arms, into means and variances (k, n)."""
    n, d = X.shape
    columns = np.empty((d, _LANES))
    for start in range(0, n, _LANES):
        size = min(_LANES, n - start)
        for lane in range(_LANES):
            for j in range(d):
                columns[j, lane] = X[start + lane, j] if lane < size else 0.0
        for place in range(len(rows)):
            mean, half = _lanes(stack[rows[place]], columns)
            for lane in range(size):
                means[place, start + lane] = mean[lane]
                variances[place, start + lane] = 2.0 * half[lane]
