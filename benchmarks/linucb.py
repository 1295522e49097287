"""LinUCB one context at a time, in batch, and learning, against the algorithm written plainly.

The plain one is what a first reading of the paper gives: a loop over arms, each with its own inverse
kept by Sherman-Morrison; in batch a three-way einsum.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB
from benchmarks.__main__ import Result

SHAPES = ((32, 3), (64, 10))
_CONTEXTS = 500
_BATCH = 8000
_ROUNDS = 20


class PlainLinUCB:
    """Li et al. 2010, algorithm 1, arm by arm."""

    def __init__(self, d: int, k: int) -> None:
        self.inverses = [np.eye(d) for _ in range(k)]
        self.sums = [np.zeros(d) for _ in range(k)]

    def decide(self, x: np.ndarray) -> int:
        bounds = []
        for inverse, b in zip(self.inverses, self.sums, strict=True):
            theta = inverse @ b
            bounds.append(theta @ x + np.sqrt(x @ inverse @ x))
        return int(np.argmax(bounds))

    def update(self, x: np.ndarray, arm: int, reward: float) -> None:
        v = self.inverses[arm] @ x
        self.inverses[arm] -= np.outer(v, v) / (1.0 + x @ v)
        self.sums[arm] += reward * x

    def batch(self, X: np.ndarray) -> np.ndarray:
        inverses = np.stack(self.inverses)
        means = X @ np.einsum("kij,kj->ik", inverses, np.stack(self.sums))
        return means + np.sqrt(np.einsum("ni,kij,nj->nk", X, inverses, X))


def rate(work: Callable[[], object], n: int) -> float:
    """n over the fastest of a few rounds, per second: what the machine does when it is not disturbed."""
    work()
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return n / min(times)


def _taught(
    kind: type[LinearPolicy], X: np.ndarray, arms: list[int], rewards: list[float], k: int
) -> LinearPolicy:
    policy = kind(X.shape[1])
    for arm in range(k):
        policy.add_arm(arm)
    return policy.partial_fit(X, arms, rewards)


def _learn_one_by_one(
    policy: LinearPolicy | PlainLinUCB, X: np.ndarray, arms: list[int], rewards: list[float]
) -> Callable[[], None]:
    rows = list(zip(X, arms, rewards, strict=True))

    def work() -> None:
        for x, arm, reward in rows:
            policy.update(x, arm, reward)

    return work


def _rates(policy: LinearPolicy, X: np.ndarray, arms: list[int], rewards: list[float]) -> dict[str, float]:
    rows, block = list(X), np.resize(X, (_BATCH, X.shape[1]))
    return {
        "decide": rate(lambda: [policy.select(x) for x in rows], len(rows)),
        "update": rate(_learn_one_by_one(policy, X, arms, rewards), len(rows)),
        "batch": rate(lambda: policy.scores(block), _BATCH),
        "learn a batch": rate(lambda: policy.partial_fit(X, arms, rewards), len(rows)),
    }


def _plain_rates(
    plain: PlainLinUCB, X: np.ndarray, arms: list[int], rewards: list[float]
) -> dict[str, float]:
    rows, block = list(X), np.resize(X, (_BATCH, X.shape[1]))
    updates = rate(_learn_one_by_one(plain, X, arms, rewards), len(rows))
    return {
        "decide": rate(lambda: [plain.decide(x) for x in rows], len(rows)),
        "update": updates,
        "batch": rate(lambda: plain.batch(block), _BATCH),
        "learn a batch": updates,
    }


def run() -> list[Result]:
    """Contexts per second for each policy, and how many times the plain algorithm that is."""
    results: list[Result] = []
    rng = np.random.default_rng(0)
    for d, k in SHAPES:
        X = rng.normal(size=(_CONTEXTS, d))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        arms = rng.integers(0, k, _CONTEXTS).tolist()
        rewards = (rng.random(_CONTEXTS) < 0.1).astype(float).tolist()
        plain = _plain_rates(PlainLinUCB(d, k), X, arms, rewards)
        for kind in (LinUCB, HybridLinUCB, LinTS):
            for what, value in _rates(_taught(kind, X, arms, rewards, k), X, arms, rewards).items():
                name = f"{kind.__name__} {what}, d = {d}, K = {k}"
                results.append(
                    Result(
                        name=name,
                        value=value,
                        unit="contexts/s",
                        versus="plain LinUCB",
                        ratio=value / plain[what],
                    )
                )
    return results
