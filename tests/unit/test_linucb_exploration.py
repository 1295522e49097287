"""The uniform share, the control policy, and the propensities that both report."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from bandit.exploration import UniformPolicy, choose_uniformly, explore
from bandit.linucb import LinTS, LinUCB, UnknownArmError
from bandit.thompson import win_probability

X = np.array([1.0, 0.0])


def taught(kind=LinUCB, alpha=0.1):
    policy = kind(2, alpha=alpha)
    for arm in "abc":
        policy.add_arm(arm)
    policy.partial_fit(np.tile(X, (40, 1)), ["a"] * 20 + ["b"] * 20, [1.0] * 20 + [0.9] * 20)
    return policy


def test_the_propensity_of_the_contract_s_example():
    choice = explore(taught(), X, epsilon=0.1, rng=np.random.default_rng(0))
    assert choice.arm == "a"
    assert not choice.explored
    assert choice.propensity == pytest.approx(0.9333, abs=5e-5)


def test_every_arm_is_shown_as_often_as_its_propensity_says():
    policy, rng, n = taught(), np.random.default_rng(0), 20_000
    propensity, seen = {}, dict.fromkeys("abc", 0)
    for _ in range(n):
        choice = explore(policy, X, epsilon=0.3, rng=rng)
        propensity[choice.arm] = choice.propensity
        seen[choice.arm] += 1
    assert propensity == pytest.approx({"a": 0.8, "b": 0.1, "c": 0.1})
    for arm, chance in propensity.items():
        assert seen[arm] / n == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / n))


def test_ties_share_the_greedy_part():
    policy = LinUCB(2)
    for arm in "abcd":
        policy.add_arm(arm)
    policy.update(X, "d", 0.0)
    rng = np.random.default_rng(0)
    found = {
        (c.arm, round(c.propensity, 12))
        for c in (explore(policy, X, epsilon=0.2, rng=rng) for _ in range(400))
    }
    third = round(0.05 + 0.8 / 3, 12)
    assert found == {("a", third), ("b", third), ("c", third), ("d", 0.05)}


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, float("nan")])
def test_epsilon_is_a_share(epsilon):
    with pytest.raises(ValueError, match="epsilon must be between 0 and 1"):
        explore(taught(), X, epsilon=epsilon, rng=np.random.default_rng(0))


def test_thompson_propensities_match_its_choices():
    policy, n = taught(LinTS, alpha=0.5), 20_000
    chances = policy.probabilities(X)
    picks = [policy.select(X) for _ in range(n)]
    for arm, chance in zip("abc", chances, strict=True):
        share = sum(pick.arm == arm for pick in picks) / n
        assert share == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / n))
        assert {round(p.propensity, 9) for p in picks if p.arm == arm} <= {round(chance, 9)}


def test_win_probability_by_hand():
    assert win_probability([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], 1) == pytest.approx(1 / 3, abs=1e-12)
    assert win_probability([1.0, 0.0], [3.0, 4.0], 0) == pytest.approx(0.579259709439103, abs=1e-14)
    assert win_probability([1.0, 0.0, 1.0], [0.0, 0.0, 0.0], 0) == 0.5
    assert win_probability([1.0, 0.0, 1.0], [0.0, 0.0, 0.0], 1) == 0.0
    parts = [win_probability([0.0, 0.1, 0.05], [1.0, 0.02, 0.3], arm) for arm in range(3)]
    assert sum(parts) == pytest.approx(1.0, abs=1e-7)


def test_the_uniform_policy_gives_each_arm_the_same_chance():
    policy = UniformPolicy(2, seed=3)
    for arm in "abcd":
        policy.add_arm(arm)
    policy.remove_arm("d")
    policy.update(X, "a", 1.0)
    picks = [policy.select(X) for _ in range(3000)]
    assert {pick.propensity for pick in picks} == {1 / 3}
    np.testing.assert_allclose([sum(p.arm == a for p in picks) / 3000 for a in "abc"], 1 / 3, atol=0.04)
    np.testing.assert_allclose(policy.probabilities(X, ["a", "b"]), [0.5, 0.5])
    with pytest.raises(UnknownArmError):
        policy.update(X, "z", 1.0)


def test_choosing_among_nothing_is_an_error():
    with pytest.raises(ValueError, match="no arm to choose from"):
        choose_uniformly([], np.random.default_rng(0))


def test_win_probability_is_the_integral_whatever_the_spreads():
    rng = np.random.default_rng(0)
    for k in (3, 5, 10):
        for _ in range(10):
            means, spreads = 0.1 * rng.normal(size=k), np.exp(rng.uniform(-3.0, 0.0, k))
            exact, _ = quad(
                lambda t: (
                    norm.pdf(t) * norm.cdf((means[0] + spreads[0] * t - means[1:]) / spreads[1:]).prod()  # noqa: B023
                ),
                -10,
                10,
                epsabs=1e-12,
                limit=400,
            )
            assert win_probability(means.tolist(), spreads.tolist(), 0) == pytest.approx(exact, abs=2e-8)
