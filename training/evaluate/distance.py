"""How far painted pictures are from renders as a whole: the kernel inception distance."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

SUBSETS, LARGEST = 100, 50


class Distance(TypedDict):
    """Mean and standard deviation over subsets of ``size`` pictures a side; counts: pictures that were drawn from."""

    mean: float
    deviation: float
    size: int
    counts: tuple[int, int]


def mmd(first: F64, second: F64) -> float:
    """Unbiased squared maximum mean discrepancy, kernel (x·y / d + 1)³, of features (M, d) and (N, d); M, N ≥ 2.

    Bińkowski et al. 2018, *Demystifying MMD GANs*, section 4. It can be below 0.
    """
    width = first.shape[1]

    def kernel(a: F64, b: F64) -> F64:
        return np.asarray((a @ b.T / width + 1) ** 3)

    m, n = len(first), len(second)
    own, other = kernel(first, first), kernel(second, second)
    within_first = (own.sum() - np.trace(own)) / (m * (m - 1))
    within_second = (other.sum() - np.trace(other)) / (n * (n - 1))
    return float(within_first + within_second - 2 * kernel(first, second).mean())


def kernel_distance(first: NDArray[np.floating], second: NDArray[np.floating], seed: int = 0) -> Distance:
    """KID of two sets of features, over ``SUBSETS`` random subsets. Raises ValueError for fewer than 8 pictures a side."""
    size = min(LARGEST, len(first), len(second))
    if size < 8:
        raise ValueError(f"a kernel distance of {size} pictures says nothing; at least 8 a side are needed")
    rng = np.random.default_rng(seed)
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    values = [
        mmd(x[rng.choice(len(x), size, replace=False)], y[rng.choice(len(y), size, replace=False)])
        for _ in range(SUBSETS)
    ]
    return {
        "mean": float(np.mean(values)), "deviation": float(np.std(values)), "size": size, "counts": (len(x), len(y))
    }  # fmt: skip
