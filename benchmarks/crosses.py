"""Do crossed features earn their keep? Lift over random with and without columns for device × gender × age group.

Shoppers have the features that the encoding declares. In one kind of world what they like adds up over their features, in
the other every combination has a taste of its own. Click rate 2 % and possible lift 30.5 %, as in `benchmarks.learning`.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from bandit.features import encoding
from bandit.linucb import LinUCB
from benchmarks.__main__ import Result
from benchmarks.learning import BEST_LIFT, CLICK_RATE, PROMPTS

DEVICES, GENDERS = ("mobile", "desktop", "tablet"), ("female", "male")
IMPRESSIONS, BATCH, WORLDS, PEOPLE = 200_000, 500, 8, 10_000
_HALF = np.sqrt(0.5)


def run() -> list[Result]:
    results: list[Result] = []
    with threadpool_limits(1):
        for adds_up in (True, False):
            tastes = "tastes add up" if adds_up else "tastes by combination"
            lifts = {crossed: _lift(adds_up, crossed) for crossed in (False, True)}
            for crossed, value in lifts.items():
                name = f"{tastes}: {'with crosses' if crossed else 'as encoded'}, first {IMPRESSIONS:,}"
                result = Result(name=name, value=100 * value, unit="% over random")
                if crossed:
                    result |= Result(**result, versus="as encoded", ratio=value / lifts[False])
                results.append(result)
    return results


def _lift(adds_up: bool, crossed: bool) -> float:
    return float(np.mean([_learn(np.random.default_rng(seed), adds_up, crossed) for seed in range(WORLDS)]))


def _learn(rng: np.random.Generator, adds_up: bool, crossed: bool) -> float:
    """Lift over random of LinUCB over all impressions, in true rates."""
    device, gender, old, X = _people(rng)
    combination = device * 4 + gender * 2 + old
    if adds_up:
        tastes = sum(
            rng.normal(size=(n, PROMPTS))[level] for n, level in ((3, device), (2, gender), (2, old))
        )
    else:
        tastes = rng.normal(size=(12, PROMPTS))[combination]
    rates = _rates(np.asarray(tastes))
    if crossed:
        X = _with_crosses(X, combination)
    policy = LinUCB(X.shape[1], alpha=0.5)
    for prompt in range(PROMPTS):
        policy.add_arm(prompt)
    earned = uniform = 0.0
    for _ in range(IMPRESSIONS // BATCH):
        who = rng.integers(0, PEOPLE, BATCH)
        scores = policy.scores(X[who])
        shown = (scores + 1e-10 * rng.random(scores.shape)).argmax(axis=1)
        rate = rates[who, shown]
        earned, uniform = earned + rate.sum(), uniform + rates[who].mean(axis=1).sum()
        policy.partial_fit(X[who], shown, (rng.random(BATCH) < rate).astype(float))
    return earned / uniform - 1.0


def _people(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Device, gender and age group of some shoppers, and their contexts by the encoding of decisions."""
    device, gender = rng.integers(0, 3, PEOPLE), rng.integers(0, 2, PEOPLE)
    age, hour = rng.integers(18, 75, PEOPLE), rng.integers(0, 24, PEOPLE)
    price = rng.lognormal(3.5, 0.8, PEOPLE)
    rows = [
        ({"device": DEVICES[d], "gender": GENDERS[g], "age": a, "hour": h}, {"price": p}, {"width": 300})
        for d, g, a, h, p in zip(
            *(column.tolist() for column in (device, gender, age, hour, price)), strict=True
        )
    ]
    return device, gender, (age > 40).astype(int), encoding().encode_many(rows)


def _rates(tastes: np.ndarray) -> np.ndarray:
    """Click rates by person and prompt, from tastes on a log scale that is stretched until the possible lift is reached."""
    low, high = 0.0, 5.0
    for _ in range(40):
        scale = (low + high) / 2.0
        rates = np.exp(scale * tastes)
        low, high = (
            (scale, high) if rates.max(axis=1).mean() / rates.mean() - 1.0 < BEST_LIFT else (low, scale)
        )
    return np.minimum(1.0, CLICK_RATE * rates / rates.mean())


def _with_crosses(X: np.ndarray, combination: np.ndarray) -> np.ndarray:
    """Contexts with one more column for each combination but the first, scaled to length 1 as an encoding does."""
    crossed = np.hstack([X[:, :-1], _HALF * np.eye(12)[combination][:, 1:]])
    crossed *= _HALF / np.linalg.norm(crossed, axis=1, keepdims=True)
    return np.hstack([crossed, X[:, -1:]])


if __name__ == "__main__":
    for result in run():
        print(result)
