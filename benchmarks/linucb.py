"""The policies one context at a time, in batch, and learning, beside other libraries and the algorithm written plainly.

All take turns in one run, on one thread. What counts is the processor time of the fastest of several rounds: what the
machine does when it is not disturbed. A ratio is against the best of the other libraries. The plain algorithm is what a
first reading of the paper gives: a loop over arms, each with its own inverse kept by Sherman-Morrison; in batch a
three-way einsum.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB
from benchmarks.__main__ import Result
from benchmarks._peers import Peer, installed

SHAPES = ((32, 3), (64, 10))
_CONTEXTS = 200
_BATCH = 8000
_ROUNDS = 15
_WORDS = {
    "decide": "decisions",
    "update": "updates",
    "batch": "decisions in batch",
    "learn": "learning a batch",
}


class PlainLinUCB:
    """Li et al. 2010, algorithm 1, arm by arm."""

    learn = None

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
        return (means + np.sqrt(np.einsum("ni,kij,nj->nk", X, inverses, X))).argmax(axis=1)


class Ours:
    """A policy of this project behind the calls of a peer."""

    def __init__(self, policy: LinearPolicy, k: int) -> None:
        for arm in range(k):
            policy.add_arm(arm)
        self.decide, self.update, self.learn = policy.select, policy.update, policy.partial_fit
        self._scores = policy.scores

    def batch(self, X: np.ndarray) -> np.ndarray:
        return self._scores(X).argmax(axis=1)


OURS: dict[str, Callable[[int, int], Ours]] = {
    "LinUCB": lambda d, k: Ours(LinUCB(d), k),
    "LinUCB, compiled": lambda d, k: Ours(LinUCB(d).compile(), k),
    "HybridLinUCB": lambda d, k: Ours(HybridLinUCB(d), k),
    "LinTS": lambda d, k: Ours(LinTS(d), k),
}


@dataclass(frozen=True)
class Traffic:
    """The same contexts, arms and rewards for everybody: some one by one, many in a block."""

    rows: list[np.ndarray]
    arms: list[int]
    rewards: list[float]
    block: np.ndarray
    block_arms: np.ndarray
    block_rewards: np.ndarray

    @classmethod
    def of(cls, d: int, k: int) -> Traffic:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(_BATCH, d))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        arms, rewards = rng.integers(0, k, _BATCH), (rng.random(_BATCH) < 0.1).astype(float)
        few = slice(0, _CONTEXTS)
        return cls(list(X[few]), arms[few].tolist(), rewards[few].tolist(), X, arms, rewards)

    def tasks(self, one: Peer | Ours | PlainLinUCB) -> dict[str, tuple[Callable[[], object], int]]:
        """What there is to time, and how many contexts each call handles."""

        def decide() -> None:
            for x in self.rows:
                one.decide(x)

        def update() -> None:
            for x, arm, reward in zip(self.rows, self.arms, self.rewards, strict=True):
                one.update(x, arm, reward)

        found: dict[str, tuple[Callable[[], object], int]] = {
            "decide": (decide, _CONTEXTS),
            "update": (update, _CONTEXTS),
        }
        if one.batch is not None:
            found["batch"] = (partial(one.batch, self.block), _BATCH)
        if one.learn is not None:
            found["learn"] = (partial(one.learn, self.block, self.block_arms, self.block_rewards), _BATCH)
        return found


def rates(tasks: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Contexts per second by name, of tasks that take turns: the fastest of the rounds, after one that is not counted."""
    fastest = dict.fromkeys(tasks, float("inf"))
    for turn in range(_ROUNDS + 1):
        for name, (work, _) in tasks.items():
            start = time.thread_time()
            work()
            if turn:
                fastest[name] = min(fastest[name], time.thread_time() - start)
    return {name: n / fastest[name] for name, (_, n) in tasks.items()}


def run() -> list[Result]:
    """Contexts per second of everybody, and how many times the best other library each of our policies is."""
    peers, missing = installed()
    for name in missing:
        print(f"  {name} is not installed and left out")
    results: list[Result] = []
    with threadpool_limits(1):
        for d, k in SHAPES:
            traffic = Traffic.of(d, k)
            contestants = {
                name: make(d, k) for name, make in (OURS | peers | {"plain NumPy": PlainLinUCB}).items()
            }
            tasks = {name: traffic.tasks(one) for name, one in contestants.items()}
            for what in _WORDS:
                measured = rates({name: found[what] for name, found in tasks.items() if what in found})
                results += _results(f"{_WORDS[what]}, d = {d}, K = {k}", measured, set(peers))
    return results


def _results(what: str, measured: dict[str, float], peers: set[str]) -> list[Result]:
    rivals = {name: rate for name, rate in measured.items() if name in peers} or {
        name: rate for name, rate in measured.items() if name not in OURS
    }
    best = max(rivals, key=lambda name: rivals[name])
    found = []
    for name, value in measured.items():
        result = Result(name=f"{name}: {what}", value=value, unit="contexts/s")
        if name in OURS:
            result |= Result(**result, versus=best, ratio=value / rivals[best])
        found.append(result)
    return found
