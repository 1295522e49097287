"""The choice of a prompt: every propensity is the probability it says it is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.choosing import Exploration, choose, distribution
from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB

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
    return dict(choose(model, X, arms, Exploration(epsilon), rng) for _ in range(draws))


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
    counts = Counter(choose(model, X, [7, 8, 9], Exploration(0.3), rng).arm for _ in range(draws))
    for arm, propensity in seen(model, [7, 8, 9], 0.3, 500).items():
        spread = np.sqrt(propensity * (1 - propensity) / draws)
        assert abs(counts[arm] / draws - propensity) < 5 * spread


def test_arms_that_are_not_eligible_never_win() -> None:
    model = taught([7, 8, 9], [0.0, 1.0, 0.0], 0)
    assert set(seen(model, [7, 9], 0.5, 300)) == {7, 9}


def test_newcomers_get_their_share_and_the_others_what_is_left() -> None:
    model = taught([6, 7, 8, 9], [0.0, 0.0, 1.0, 0.0], 0)
    chances = distribution(model, X, [6, 7, 8, 9], Exploration(0.2, {7, 9}, 0.1))
    own = np.array([0.05, 0.05, 0.85, 0.05])
    np.testing.assert_allclose(chances, 0.8 * own + np.array([0.0, 0.1, 0.0, 0.1]), atol=1e-12)
    assert min(distribution(model, X, [6, 7, 8, 9], Exploration(0.0, {9}, 0.1))[[3]]) >= 0.1


def test_however_many_newcomers_half_of_the_choices_stay_the_policys() -> None:
    model = taught([6, 7, 8, 9], [0.0, 0.0, 1.0, 0.0], 0)
    chances = distribution(model, X, [6, 7, 8, 9], Exploration(0.0, {6, 7, 9}, 0.5))
    np.testing.assert_allclose(chances, [1 / 6, 1 / 6, 1 / 2, 1 / 6], atol=1e-12)


@pytest.mark.parametrize("newcomers", [set(), {7, 8, 9}, {1, 2}])
def test_nothing_is_forced_where_all_are_new_or_none_is(newcomers: set[int]) -> None:
    model = taught([7, 8, 9], [0.0, 1.0, 0.0], 0)
    chances = distribution(model, X, [7, 8, 9], Exploration(0.3, newcomers, 0.2))
    np.testing.assert_allclose(chances, [0.1, 0.8, 0.1], atol=1e-12)


@given(
    arms=ARMS,
    rewards=st.lists(st.sampled_from([0.0, 1.0]), max_size=6),
    epsilon=st.floats(0.0, 1.0),
    new=st.sets(st.integers(0, 5)),
    share=st.floats(0.0, 0.5),
    kind=st.sampled_from([LinUCB, HybridLinUCB, LinTS]),
)
@settings(max_examples=60, deadline=None)
def test_chances_are_a_distribution_that_respects_every_floor(
    arms: list[int],
    rewards: list[float],
    epsilon: float,
    new: set[int],
    share: float,
    kind: type[LinearPolicy],
) -> None:
    model = kind(3, alpha=0.5)
    for arm in arms:
        model.add_arm(arm)
    for arm, reward in zip(arms, rewards, strict=False):
        model.update(X, arm, reward)
    newcomers = {arms[place] for place in new if place < len(arms)}
    chances = distribution(model, X, arms, Exploration(epsilon, newcomers, share))
    assert abs(chances.sum() - 1.0) < 1e-12
    assert chances.min() >= 0.5 * epsilon / len(arms) - 1e-12
    if 0 < len(newcomers) < len(arms):
        floor = min(share, 0.5 / len(newcomers))
        assert all(
            chance >= floor - 1e-9 for arm, chance in zip(arms, chances, strict=True) if arm in newcomers
        )


def test_frequencies_agree_with_propensities_for_newcomers_too() -> None:
    model = taught([7, 8, 9], [0.0, 1.0, 0.0], 0)
    rng, draws, exploration = np.random.default_rng(5), 20_000, Exploration(0.2, {9}, 0.15)
    chosen = [choose(model, X, [7, 8, 9], exploration, rng) for _ in range(draws)]
    counts, propensities = Counter(choice.arm for choice in chosen), dict(chosen)
    for arm, propensity in propensities.items():
        spread = np.sqrt(propensity * (1 - propensity) / draws)
        assert abs(counts[arm] / draws - propensity) < 5 * spread
    assert sum(propensities.values()) == pytest.approx(1.0)
