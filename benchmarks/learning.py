"""How soon LinUCB finds out: lift over random prompts while it learns, with late rewards, and after tastes change.

The setting of a shop: three prompts, 16 features, a click rate of 2 %, and tastes such that always showing the
best prompt would bring 30.5 % more clicks than a random one. Clicks are drawn, but lifts are computed from the true
rates of what was chosen, so that they carry no noise of their own. Each figure is the mean of several worlds.

`python -m benchmarks.learning` prints the spread over the worlds as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB
from benchmarks.__main__ import Result

PROMPTS, FEATURES = 3, 16
CLICK_RATE, BEST_LIFT = 0.02, 0.305
BATCH = 100  # impressions between two versions of the policy
HOUR = 10_000  # impressions in an hour
WORLDS = 5


class World:
    """Click rates by prompt: logistic in the context, scaled so that rate and possible lift are as wanted."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._tastes = self._rng.normal(size=(FEATURES - 1, PROMPTS))
        likings = self.contexts(10_000)[:, :-1] @ self._tastes

        def offset(scale: float) -> float:
            return _root(lambda offset: _logistic(offset + scale * likings).mean() - CLICK_RATE, -20.0, 5.0)

        def excess(scale: float) -> float:
            rates = _logistic(offset(scale) + scale * likings)
            return float(rates.max(axis=1).mean() / rates.mean()) - 1.0 - BEST_LIFT

        self._scale = _root(excess, 0.0, 20.0)
        self._offset = offset(self._scale)

    def contexts(self, n: int) -> np.ndarray:
        """As an encoding makes them: unit length, 1 appended, divided by √2."""
        X = self._rng.normal(size=(n, FEATURES - 1))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        return np.hstack([X, np.ones((n, 1))]) / np.sqrt(2.0)

    def rates(self, X: np.ndarray) -> np.ndarray:
        return _logistic(self._offset + self._scale * X[:, :-1] @ self._tastes)

    def drift(self) -> None:
        """Everybody's favourite becomes the next prompt's."""
        self._tastes = np.roll(self._tastes, 1, axis=1)


@dataclass(frozen=True)
class Run:
    """Expected clicks per batch: of the policy, of a random prompt, of the best prompt for each context."""

    policy: np.ndarray
    uniform: np.ndarray
    best: np.ndarray

    def lift(self, start: int, end: int) -> float:
        """Relative gain over random from impression `start` to `end`."""
        return self._over_random(self.policy, start, end)

    def possible(self, start: int, end: int) -> float:
        return self._over_random(self.best, start, end)

    def _over_random(self, clicks: np.ndarray, start: int, end: int) -> float:
        rows = slice(start // BATCH, end // BATCH)
        return float(clicks[rows].sum() / self.uniform[rows].sum()) - 1.0


def learn(
    make: Callable[[], LinearPolicy],
    seed: int,
    impressions: int,
    *,
    delay: int = 0,
    drift_at: int | None = None,
    epsilon: float = 0.0,
) -> Run:
    """One policy in one world. Rewards come `delay` impressions late; a share `epsilon` is shown a random prompt."""
    world, rng, policy = World(seed), np.random.default_rng(seed + 1), make()
    for prompt in range(PROMPTS):
        policy.add_arm(prompt)
    waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    clicks = []
    for start in range(0, impressions, BATCH):
        if start == drift_at:
            world.drift()
        X = world.contexts(BATCH)
        rates = world.rates(X)
        shown = np.where(
            rng.random(BATCH) < epsilon, rng.integers(0, PROMPTS, BATCH), _choices(policy, X, rng)
        )
        earned = rates[np.arange(BATCH), shown]
        clicks.append((earned.sum(), rates.mean(axis=1).sum(), rates.max(axis=1).sum()))
        waiting.append(
            (X, shown, (rng.random(BATCH) < earned).astype(float), np.arange(start, start + BATCH))
        )
        while waiting and waiting[0][3][-1] + delay <= start + BATCH:
            policy.partial_fit(*waiting.pop(0))
    return Run(*np.array(clicks).T)


def _choices(policy: LinearPolicy, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What `select` would choose for each context with what is known now, ties at random."""
    means, deviations = policy.estimates(X)
    if isinstance(policy, LinTS):
        deviations = deviations * rng.standard_normal(deviations.shape)
    scores = means + policy.alpha * deviations
    tied = scores >= scores.max(axis=1, keepdims=True) - policy.tie_tolerance
    return (tied * rng.random(scores.shape)).argmax(axis=1)


def _logistic(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-values))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function crosses zero, by bisection."""
    for _ in range(30):
        middle = (low + high) / 2.0
        low, high = (low, middle) if function(middle) > 0.0 else (middle, high)
    return (low + high) / 2.0


POLICIES: dict[str, Callable[[], LinearPolicy]] = {
    "LinUCB": lambda: LinUCB(FEATURES, alpha=0.5),
    "hybrid LinUCB": lambda: HybridLinUCB(FEATURES, alpha=0.5),
    "Thompson sampling": lambda: LinTS(FEATURES, alpha=0.15),
}
CURVE = (10_000, 50_000, 100_000, 200_000)


def run() -> list[Result]:
    """Lifts in per cent over random, and as a share of the lift that knowing all tastes would bring."""
    # Matrices this small are quicker on one thread.
    with threadpool_limits(1):
        return _while_learning() + _after_a_drift()


def _while_learning() -> list[Result]:
    results = []
    for name, make in POLICIES.items():
        runs = [learn(make, seed, CURVE[-1]) for seed in range(WORLDS)]
        results += [_result(f"{name}, first {end:,}", runs, 0, end) for end in CURVE]
    linucb = POLICIES["LinUCB"]
    late = [learn(linucb, seed, CURVE[-1], delay=HOUR) for seed in range(WORLDS)]
    results += [
        _result(f"LinUCB, rewards {HOUR:,} impressions late, first {end:,}", late, 0, end)
        for end in CURVE[1:]
    ]
    served = [learn(linucb, seed, CURVE[-1], epsilon=0.1) for seed in range(WORLDS)]
    results.append(_result(f"LinUCB, 10 % shown at random, first {CURVE[-1]:,}", served, 0, CURVE[-1]))
    return results


def _after_a_drift() -> list[Result]:
    """All favourites change after 200,000 impressions; the lift of what follows, with and without forgetting."""
    results, drift = [], CURVE[-1]
    for half_life in (None, 100_000.0, 50_000.0):

        def make(half_life: float | None = half_life) -> LinearPolicy:
            return LinUCB(FEATURES, alpha=0.5, half_life=half_life)

        runs = [learn(make, seed, 2 * drift, drift_at=drift) for seed in range(WORLDS)]
        name = "no forgetting" if half_life is None else f"half-life {half_life:,.0f}"
        for words, start, end in (
            ("the 50,000 before", drift - 50_000, drift),
            ("the first 20,000 after", drift, drift + 20_000),
            ("50,000 to 100,000 after", drift + 50_000, drift + 100_000),
            ("150,000 to 200,000 after", drift + 150_000, drift + 200_000),
        ):
            results.append(_result(f"LinUCB, drift, {name}: {words}", runs, start, end))
    return results


def _result(name: str, runs: list[Run], start: int, end: int) -> Result:
    lifts = [run.lift(start, end) for run in runs]
    possible = float(np.mean([run.possible(start, end) for run in runs]))
    value = float(np.mean(lifts))
    if __name__ == "__main__":
        print(
            f"{name:70} {value:+.1%} (from {min(lifts):+.1%} to {max(lifts):+.1%}), best possible {possible:+.1%}"
        )
    return {
        "name": name,
        "value": 100 * value,
        "unit": "% over random",
        "versus": "the oracle",
        "ratio": value / possible,
    }


if __name__ == "__main__":
    run()
