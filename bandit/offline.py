"""Off-policy evaluation of a policy that learns as it goes, on a log in time order.

Each row is decided with what the policy has learned so far; where it chooses what was shown, it
learns the reward (Li et al. 2011). The same walk gives the probabilities that IPS, SNIPS and DR need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandit import estimators
from bandit.estimators import Estimate
from bandit.exploration import UniformPolicy
from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB
from bandit.replay_log import ReplayLog

Policy = LinearPolicy | UniformPolicy

POLICIES: dict[str, Callable[[int, float, int], Policy]] = {
    "linucb": lambda d, alpha, seed: LinUCB(d, alpha=alpha, seed=seed),
    "hybrid": lambda d, alpha, seed: HybridLinUCB(d, alpha=alpha, seed=seed),
    "ts": lambda d, alpha, seed: LinTS(d, alpha=alpha, seed=seed),
    "random": lambda d, alpha, seed: UniformPolicy(d, seed=seed),
}

ENOUGH_ROWS = 100
_HEAVY = 0.05


@dataclass(frozen=True)
class Evaluation:
    """Estimates by name (replay, ips, snips, dr), what the log itself earned, and what to be wary of."""

    logged: Estimate
    estimates: dict[str, Estimate]
    warnings: tuple[str, ...]


def walk(policy: Policy, log: ReplayLog, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sends a fresh policy through a log: its probabilities (n, K) and its choices (n,) at each row."""
    for arm in log.arms:
        policy.add_arm(arm)
    draws = np.random.default_rng(seed).random(len(log))
    probabilities = np.empty((len(log), len(log.arms)))
    chosen = np.empty(len(log), dtype=np.int64)
    for t, x in enumerate(log.contexts):
        probabilities[t] = policy.probabilities(x)
        reached = probabilities[t].cumsum().searchsorted(draws[t], side="right")
        chosen[t] = min(int(reached), int(probabilities[t].nonzero()[0][-1]))
        if chosen[t] == log.actions[t]:
            policy.update(x, log.arms[chosen[t]], float(log.rewards[t]))
    return probabilities, chosen


def evaluate(policy: Policy, log: ReplayLog, seed: int = 0) -> Evaluation:
    """Replay, IPS, SNIPS and DR estimates of a fresh policy's mean reward on a log."""
    probabilities, chosen = walk(policy, log, seed)
    logged = (log.actions, log.rewards, log.propensities, probabilities)
    estimates = {
        "replay": estimators.replay(log.actions, log.rewards, chosen),
        "ips": estimators.ips(*logged),
        "snips": estimators.snips(*logged),
        "dr": estimators.doubly_robust(*logged, log.contexts, seed=seed),
    }
    own = estimators.replay(log.actions, log.rewards, log.actions)
    return Evaluation(own, estimates, tuple(_warnings(log, probabilities, estimates)))


def _warnings(log: ReplayLog, probabilities: np.ndarray, estimates: dict[str, Estimate]) -> list[str]:
    weight = estimators.weights(log.actions, log.propensities, probabilities)
    n, total = len(weight), float(weight.sum())
    found = []
    if len(log.arms) == 1:
        found.append("the log shows one arm only: every policy looks alike")
    if np.ptp(log.propensities) > 1e-9:
        found.append("propensities differ, so replay is biased: trust SNIPS and DR")
    if estimates["replay"].rows < ENOUGH_ROWS:
        found.append(f"replay rests on {estimates['replay'].rows} matching rows")
    if estimates["ips"].effective_rows < ENOUGH_ROWS:
        found.append(
            f"IPS, SNIPS and DR are worth {estimates['ips'].effective_rows:.0f} equally weighted rows"
        )
    if total > 0 and n >= ENOUGH_ROWS and weight.max() > _HEAVY * total:
        found.append(f"one row carries {weight.max() / total:.0%} of the weight")
    error = float(weight.std(ddof=1)) / n**0.5 if n > 1 else 0.0
    if n >= ENOUGH_ROWS and abs(total / n - 1.0) > 4.0 * error + 1e-9:
        found.append(f"weights average {total / n:.3f} instead of 1: check the logged propensities")
    return found
