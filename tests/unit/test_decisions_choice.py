"""The choice of a prompt: every propensity is the probability it says it is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.choosing import choose
from bandit.linucb import LinUCB

X = np.array([0.6, 0.3, 0.1])
ARMS = st.lists(st.integers(1, 10**9), min_size=1, max_size=6, unique=True)


def taught(arms: list[int], rewards: list[float], seed: int) -> LinUCB:
    model = LinUCB(3, alpha=0.5, seed=seed)
    for arm in arms:
        model.add_arm(arm)
    for arm, reward in zip(arms, rewards, strict=False):
        model.update(X, arm, reward)
    return model


def seen(model: LinUCB | None, arms: list[int], epsilon: float, draws: int) -> dict[int, float]:
    """The propensity of every arm that came up in ``draws`` choices."""
    rng = np.random.default_rng(1)
    return dict(choose(model, X, arms, epsilon, rng) for _ in range(draws))


@given(arms=ARMS, rewards=st.lists(st.sampled_from([0.0, 1.0]), max_size=6), epsilon=st.floats(0.3, 1.0))
@settings(max_examples=60, deadline=None)
def test_propensities_sum_to_one_over_the_arms(arms: list[int], rewards: list[float], epsilon: float) -> None:
    found = seen(taught(arms, rewards, 0), arms, epsilon, 400)
    assert set(found) == set(arms)  # each comes up with at least 5 %: missing one in 400 has odds below 1e-8
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)


@given(arms=ARMS)
@settings(max_examples=20, deadline=None)
def test_the_control_arm_is_uniform(arms: list[int]) -> None:
    assert seen(None, arms, 0.0, 300) == {arm: 1 / len(arms) for arm in arms}


def test_the_greedy_arm_and_the_others() -> None:
    model = taught([7, 8, 9], [0.0, 1.0, 0.0], 0)
    found = seen(model, [7, 8, 9], 0.1, 2000)
    assert found == {
        8: pytest.approx(0.9 + 0.1 / 3),
        7: pytest.approx(0.1 / 3),
        9: pytest.approx(0.1 / 3),
    }


def test_ties_share_evenly() -> None:
    assert seen(taught([7, 8], [], 0), [7, 8], 0.0, 100) == {7: 0.5, 8: 0.5}


def test_without_exploration_the_best_arm_always_wins() -> None:
    assert seen(taught([7, 8], [0.0, 1.0], 0), [7, 8], 0.0, 200) == {8: 1.0}


def test_frequencies_agree_with_propensities() -> None:
    model = taught([7, 8, 9], [0.0, 1.0, 0.0], 0)
    rng, draws = np.random.default_rng(5), 20_000
    counts = Counter(choose(model, X, [7, 8, 9], 0.3, rng).arm for _ in range(draws))
    for arm, propensity in seen(model, [7, 8, 9], 0.3, 500).items():
        spread = np.sqrt(propensity * (1 - propensity) / draws)
        assert abs(counts[arm] / draws - propensity) < 5 * spread


def test_arms_that_are_not_eligible_never_win() -> None:
    model = taught([7, 8, 9], [0.0, 1.0, 0.0], 0)
    assert set(seen(model, [7, 9], 0.5, 300)) == {7, 9}
