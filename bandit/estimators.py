"""What a policy would have earned, from impressions that another policy logged.

Arrays: `actions` (n,) index the arms that were shown, `rewards` (n,), `propensities` (n,) the
probability with which the shown arm was chosen, `probabilities` (n, K) those of the evaluated policy.
A policy that learned along the way may be evaluated, as long as its probabilities for row t depend
on earlier rows only.

Intervals are the estimate ± a Student t quantile times its standard error, with one degree of
freedom less than the effective sample size (Σw)² / Σw²: a few heavy rows make them wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from bandit.reward_model import cross_fit
from bandit.statistics import wilson


@dataclass(frozen=True)
class Estimate:
    """A mean reward per impression, its interval and standard error, the rows behind it, and how many
    equally weighted rows they are worth. NaN and infinite bounds say that the data tell nothing."""

    value: float
    low: float
    high: float
    std_error: float
    rows: int
    effective_rows: float


def weights(actions: np.ndarray, propensities: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Importance weights π(a_t | x_t) / p_t, (n,)."""
    return probabilities[np.arange(len(actions)), actions] / propensities


def effective_rows(weight: np.ndarray) -> float:
    """Kish's effective sample size (Σw)² / Σw²; 0 without any weight."""
    square = float(weight @ weight)
    return float(weight.sum()) ** 2 / square if square > 0.0 else 0.0


def replay(
    actions: np.ndarray, rewards: np.ndarray, chosen: np.ndarray, confidence: float = 0.95
) -> Estimate:
    """Mean reward of the rows where the policy chose what was shown (Li et al. 2011, algorithm 2).

    Unbiased when the log chose uniformly at random. Wilson's interval for rewards of 0 and 1.
    """
    matched = rewards[actions == chosen]
    if np.isin(matched, (0.0, 1.0)).all() and len(matched):
        successes, n = int(matched.sum()), len(matched)
        low, high = wilson(successes, n, confidence)
        p = successes / n
        return Estimate(p, low, high, math.sqrt(p * (1.0 - p) / n), n, float(n))
    return _mean(matched, float(len(matched)), confidence)


def ips(
    actions: np.ndarray,
    rewards: np.ndarray,
    propensities: np.ndarray,
    probabilities: np.ndarray,
    confidence: float = 0.95,
) -> Estimate:
    """Inverse propensity score (Horvitz and Thompson 1952): mean of w_t r_t. Unbiased."""
    weight = weights(actions, propensities, probabilities)
    return _mean(weight * rewards, effective_rows(weight), confidence)


def snips(
    actions: np.ndarray,
    rewards: np.ndarray,
    propensities: np.ndarray,
    probabilities: np.ndarray,
    confidence: float = 0.95,
) -> Estimate:
    """Self-normalised IPS (Swaminathan and Joachims 2015): Σ w_t r_t / Σ w_t.

    Consistent, within the range of the rewards, and usually tighter. Delta-method standard error.
    """
    weight = weights(actions, propensities, probabilities)
    n, total = len(weight), float(weight.sum())
    if not total > 0.0:
        return Estimate(math.nan, -math.inf, math.inf, math.nan, n, 0.0)
    value = float(weight @ rewards) / total
    residual = weight * (rewards - value)
    correction = n / (n - 1.0) if n > 1 else math.nan
    error = math.sqrt(float(residual @ residual) * correction) / total
    return _around(value, error, n, effective_rows(weight), confidence)


def doubly_robust(
    actions: np.ndarray,
    rewards: np.ndarray,
    propensities: np.ndarray,
    probabilities: np.ndarray,
    contexts: np.ndarray,
    *,
    folds: int = 5,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Doubly robust (Dudík, Langford and Li 2011), cross-fitted: unbiased if propensities *or* model are right.

    Mean of Σ_a π(a|x_t) q(x_t, a) + w_t (r_t − q(x_t, a_t)), where q, a ridge regression per arm on the
    contexts (n, d), has never seen the fold it predicts.
    """
    predicted = cross_fit(contexts, actions, rewards, probabilities.shape[1], folds=folds, seed=seed)
    weight = weights(actions, propensities, probabilities)
    direct = np.einsum("ij,ij->i", probabilities, predicted)
    residual = rewards - predicted[np.arange(len(actions)), actions]
    return _mean(direct + weight * residual, effective_rows(weight), confidence)


def _mean(values: np.ndarray, effective: float, confidence: float) -> Estimate:
    n = len(values)
    if n == 0:
        return Estimate(math.nan, -math.inf, math.inf, math.nan, 0, 0.0)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return _around(float(values.mean()), error, n, effective, confidence)


def _around(value: float, error: float, n: int, effective: float, confidence: float) -> Estimate:
    if not effective > 1.0 or math.isnan(error):
        return Estimate(value, -math.inf, math.inf, error, n, effective)
    half = float(stdtrit(effective - 1.0, 0.5 + confidence / 2.0)) * error
    return Estimate(value, value - half, value + half, error, n, effective)
