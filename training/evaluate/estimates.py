"""Shares and means with 95 % intervals, so that small counts do not look like certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from scipy import stats

Z = 1.959963984540054


class Estimate(TypedDict):
    """A value with its 95 % interval and the number of pictures (or pairs) behind it."""

    value: float
    low: float
    high: float
    count: int


def share(hits: int, count: int) -> Estimate:
    """A share with Wilson's interval. Raises ValueError for a count of 0."""
    if count < 1:
        raise ValueError("a share of nothing: count is 0")
    p, square = hits / count, Z * Z
    middle = (p + square / (2 * count)) / (1 + square / count)
    half = Z / (1 + square / count) * math.sqrt(p * (1 - p) / count + square / (4 * count * count))
    low, high = middle - half if hits else 0.0, middle + half if hits < count else 1.0
    return {"value": p, "low": low, "high": high, "count": count}


def mean(values: Sequence[float]) -> Estimate:
    """A mean with Student's interval. Raises ValueError for fewer than two values, which have none."""
    middle, count = float(np.mean(values)) if len(values) else 0.0, len(values)
    if count < 2:
        raise ValueError(f"a mean of {count} values has no interval; at least 2 are needed")
    half = float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / math.sqrt(count))
    return {"value": middle, "low": middle - half, "high": middle + half, "count": count}


def paired(treated: Sequence[float], control: Sequence[float]) -> Estimate:
    """The mean of the differences treated − control of the same shots."""
    return mean([a - b for a, b in zip(treated, control, strict=True)])
