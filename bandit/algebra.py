"""The little linear algebra that ridge regression by arm needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri


def inverse(matrices: np.ndarray) -> np.ndarray:
    """Inverses of symmetric positive definite matrices (…, d, d), by their Cholesky factors; exactly symmetric.

    Raises numpy.linalg.LinAlgError for a matrix that is not positive definite.
    """
    found = np.empty_like(matrices, order="C")
    d = matrices.shape[-1]
    for matrix, out in zip(matrices.reshape(-1, d, d), found.reshape(-1, d, d), strict=True):
        factor, failed = dpotrf(matrix, lower=1)
        if failed:
            raise np.linalg.LinAlgError("the matrix is not positive definite")
        out[:], _ = dpotri(factor, lower=1, overwrite_c=1)
        out += np.tril(out, -1).T
    return found


def stacked(state: dict[str, Any], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A float64 array of a snapshot, C-contiguous and owned; raises ValueError when it does not fit."""
    array = np.array(state[name], dtype=np.float64, order="C")
    if array.size == 0:
        array = array.reshape(shape) if 0 in shape else array
    if array.shape != shape:
        raise ValueError(f"the state's {name} has shape {array.shape}, not {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"the state's {name} is not finite")
    return array
