"""Why this arm: contributions of the features, the bonus, and the probability of the choice."""

import numpy as np
import pytest

from bandit.linucb import HybridLinUCB, LinTS, LinUCB, UnknownArmError

POLICIES = [LinUCB, HybridLinUCB, LinTS]


def taught(kind, alpha=0.5):
    rng = np.random.default_rng(0)
    policy = kind(4, alpha=alpha)
    for arm in "abc":
        policy.add_arm(arm)
    X = rng.normal(size=(300, 4))
    return policy.partial_fit(X, ["abc"[i] for i in rng.integers(0, 3, 300)], rng.random(300) + X[:, 0])


@pytest.mark.parametrize("kind", POLICIES)
def test_contributions_add_up_to_the_mean_and_with_the_bonus_to_the_bound(kind):
    policy = taught(kind)
    x = np.array([1.0, -0.5, 0.0, 2.0])
    found = policy.explain(x, ["c", "a"])
    assert [entry.arm for entry in found] == ["c", "a"]
    bounds = policy.scores(x[None], ["c", "a"])[0]
    for entry, bound in zip(found, bounds, strict=True):
        assert entry.contributions.sum() == pytest.approx(entry.mean, abs=1e-12)
        assert entry.score == pytest.approx(bound, abs=1e-12)
        assert entry.contributions[2] == entry.deviations[2] == 0.0
        assert entry.learned == policy.counts[entry.arm]
    chances = policy.probabilities(x, ["c", "a"])
    np.testing.assert_allclose([entry.probability for entry in found], chances, atol=1e-15)


@pytest.mark.parametrize("kind", POLICIES)
def test_deviations_are_those_of_the_weights(kind):
    policy = taught(kind)
    weights, deviations = policy.coefficients("b")
    entry = policy.explain([2.0, -1.0, 0.5, 0.0], ["b"])[0]
    np.testing.assert_allclose(entry.contributions, np.array([2.0, -1.0, 0.5, 0.0]) * weights, atol=1e-15)
    np.testing.assert_allclose(entry.deviations, np.array([2.0, 1.0, 0.5, 0.0]) * deviations, atol=1e-15)


def test_by_hand():
    policy = LinUCB(2, alpha=2.0)
    policy.add_arm("a")
    policy.update([1.0, 0.0], "a", 1.0)
    (entry,) = policy.explain([3.0, 1.0])
    # A = diag(2, 1), b = (1, 0): weights (.5, 0), variances (.5, 1).
    np.testing.assert_allclose(entry.contributions, [1.5, 0.0])
    np.testing.assert_allclose(entry.deviations, [3 * 0.5**0.5, 1.0])
    assert entry.bonus == pytest.approx(2.0 * (9 * 0.5 + 1.0) ** 0.5)
    assert (entry.arm, entry.probability, entry.learned, entry.prior) == ("a", 1.0, 1, 0.0)


@pytest.mark.parametrize("kind", POLICIES)
def test_explaining_changes_nothing_and_refuses_what_select_refuses(kind):
    policy = taught(kind)
    before = policy.state()["rng_state"]
    policy.explain(np.ones(4))
    assert policy.state()["rng_state"] == before
    with pytest.raises(UnknownArmError):
        policy.explain(np.ones(4), ["z"])
    with pytest.raises(ValueError, match="not \\(4,\\)"):
        policy.explain(np.ones(3))
