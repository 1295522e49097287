"""Expected reward by context and arm, predicted only for rows the model has not seen."""

from __future__ import annotations

import numpy as np


def cross_fit(
    contexts: np.ndarray,
    actions: np.ndarray,
    rewards: np.ndarray,
    n_arms: int,
    *,
    folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    """Out-of-fold predictions (n, n_arms) of a ridge regression per arm.

    Rows are dealt at random, evenly, into min(folds, n) folds. The model of a fold is the mean reward of
    the other folds plus, per arm, a ridge regression of what remains on (x, 1): an arm without rows
    falls back to the mean. A single row is predicted as 0. Raises ValueError for fewer than two folds.
    """
    if folds < 2:
        raise ValueError(f"cross-fitting needs two folds or more, not {folds!r}")
    n = len(rewards)
    design = np.hstack([contexts, np.ones((n, 1))])
    fold_of = np.random.default_rng(seed).permutation(n) % min(folds, max(n, 1))
    predictions = np.zeros((n, n_arms))
    for fold in range(min(folds, n)):
        held_out = fold_of == fold
        train = ~held_out
        if train.any():
            predictions[held_out] = _fit_predict(
                design[train], actions[train], rewards[train], design[held_out], n_arms, ridge
            )
    return predictions


def _fit_predict(
    design: np.ndarray,
    actions: np.ndarray,
    rewards: np.ndarray,
    unseen: np.ndarray,
    n_arms: int,
    ridge: float,
) -> np.ndarray:
    mean = rewards.mean()
    coefficients = np.zeros((design.shape[1], n_arms))
    for arm in range(n_arms):
        mine = design[actions == arm]
        gram = mine.T @ mine + ridge * np.eye(design.shape[1])
        coefficients[:, arm] = np.linalg.solve(gram, mine.T @ (rewards[actions == arm] - mean))
    return mean + unseen @ coefficients
