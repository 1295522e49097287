"""Arms come and go, subsets are honoured, bad input changes nothing."""

import numpy as np
import pytest

from bandit.linucb import HybridLinUCB, LinTS, LinUCB, UnknownArmError

POLICIES = [LinUCB, HybridLinUCB, LinTS]


def make(kind=LinUCB, arms=("a", "b", "c"), d=2, **options):
    policy = kind(d, **options)
    for arm in arms:
        policy.add_arm(arm)
    return policy


def fingerprint(policy):
    return {name: np.asarray(value).tolist() for name, value in policy.state().items()}


@pytest.mark.parametrize("kind", POLICIES)
def test_a_removed_arm_is_not_chosen_and_returns_with_what_it_learned(kind):
    policy = make(kind)
    policy.update([1.0, 0.0], "a", 1.0)
    before = policy.scores([[1.0, 0.0]], ["a"])
    policy.remove_arm("a")
    assert policy.arms == ("b", "c")
    assert "a" not in {policy.select([1.0, 0.0]).arm for _ in range(50)}
    policy.add_arm("a")
    assert policy.arms == ("b", "c", "a")
    np.testing.assert_array_equal(policy.scores([[1.0, 0.0]], ["a"]), before)
    assert policy.counts == {"a": 1, "b": 0, "c": 0}


def test_a_removed_arm_still_learns_from_late_rewards():
    policy = make()
    policy.remove_arm("a")
    policy.update([1.0, 0.0], "a", 1.0)
    policy.add_arm("a")
    assert policy.coefficients("a")[0][0] == 0.5


@pytest.mark.parametrize("kind", POLICIES)
def test_only_the_given_arms_are_eligible_in_the_given_order(kind):
    policy = make(kind, arms=range(12))
    policy.update([0.0, 1.0], 11, 1.0)
    for arms in ([3, 11], list(range(11, -1, -1)), [5]):
        choice = policy.select([0.0, 1.0], arms=arms)
        assert choice.arm in arms
        assert choice.arms == tuple(arms)
        np.testing.assert_allclose(
            policy.scores([[0.0, 1.0]], arms)[0], policy.scores([[0.0, 1.0]])[0][arms], rtol=1e-14
        )
        np.testing.assert_allclose(
            policy._bounds(np.array([0.0, 1.0]), tuple(arms)), policy.scores([[0.0, 1.0]], arms)[0]
        )


def test_arms_keep_their_kind():
    policy = make(arms=(np.int64(3), np.str_("x"), 4))
    assert [type(arm) for arm in policy.arms] == [int, str, int]
    assert make(arms=(3, 4)).predict([[1.0, 0.0]]).dtype.kind == "i"


@pytest.mark.parametrize("arm", [None, 1.5, True, ("a",), ["a"]])
def test_an_arm_is_a_string_or_an_integer(arm):
    policy = make()
    with pytest.raises(TypeError, match="an arm is a string or an integer"):
        policy.add_arm(arm)
    assert policy.arms == ("a", "b", "c")


def test_ties_are_broken_evenly_and_reproducibly():
    picks = [make(seed=4).select([1.0, 0.0]).arm for _ in range(3)]
    assert len(set(picks)) == 1
    policy = make(seed=4)
    drawn = [policy.select([1.0, 0.0]) for _ in range(3000)]
    assert {choice.propensity for choice in drawn} == {1 / 3}
    shares = [sum(choice.arm == arm for choice in drawn) / 3000 for arm in "abc"]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)


def test_scores_within_the_tolerance_are_tied():
    policy = make(alpha=0.0)
    policy.update([1.0, 0.0], "a", 1.0)
    policy.update([1.0, 0.0], "b", 1.0 + 1e-10)
    assert policy.select([1.0, 0.0]).propensity == 0.5
    policy.tie_tolerance = 0.0
    choice = policy.select([1.0, 0.0])
    assert (choice.arm, choice.propensity) == ("b", 1.0)


def test_prediction_leaves_the_bonus_out_and_breaks_ties_at_random():
    policy = make(alpha=100.0)
    for _ in range(5):
        policy.update([1.0, 0.0], "a", 1.0)
    assert policy.select([1.0, 0.0]).arm != "a"
    assert policy.predict(np.array([[1.0, 0.0]] * 4)).tolist() == ["a"] * 4
    assert set(policy.predict(np.array([[0.0, 1.0]] * 60))) == {"a", "b", "c"}


def test_processes_that_reseed_part_ways():
    left, right = make(seed=1), make(seed=1)
    right.reseed(2)
    assert [left.select([1.0, 0.0]).arm for _ in range(30)] != [
        right.select([1.0, 0.0]).arm for _ in range(30)
    ]


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: p.update([1.0], "a", 1.0), ValueError, r"shape \(1,\), not \(2,\)"),
        (lambda p: p.update([np.nan, 0.0], "a", 1.0), ValueError, "not finite"),
        (lambda p: p.update([np.inf, 0.0], "a", 1.0), ValueError, "not finite"),
        (lambda p: p.update([1.0, 0.0], "a", np.nan), ValueError, "not finite"),
        (lambda p: p.update([1.0, 0.0], "z", 1.0), UnknownArmError, "unknown arm 'z'"),
        (
            lambda p: p.partial_fit([[1.0, 0.0], [np.nan, 0.0]], ["a", "a"], [1, 1]),
            ValueError,
            "context 1 is not",
        ),
        (lambda p: p.partial_fit([[1.0, 0.0]], ["z"], [1.0]), UnknownArmError, "unknown arm 'z'"),
        (lambda p: p.partial_fit([[1.0, 0.0]], ["a", "a"], [1.0]), ValueError, "do not match"),
        (lambda p: p.partial_fit([[1.0, 0.0]], ["a"], [np.inf]), ValueError, "reward 0 is not finite"),
        (lambda p: p.partial_fit([1.0, 0.0], ["a"], [1.0]), ValueError, "not \\(n, 2\\)"),
        (lambda p: p.select([np.nan, 0.0]), ValueError, "not finite"),
        (lambda p: p.select([1.0, 0.0], arms=[]), ValueError, "no arm to choose from"),
        (lambda p: p.select([1.0, 0.0], arms=["a", "a"]), ValueError, "listed twice"),
        (lambda p: p.select([1.0, 0.0], arms=["a", "z"]), UnknownArmError, "'z' is not active"),
        (lambda p: p.scores([[np.inf, 0.0]]), ValueError, "context 0 is not finite"),
        (lambda p: p.remove_arm("z"), UnknownArmError, "unknown arm 'z'"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(kind, call, error, words):
    policy = make(kind)
    policy.update([0.5, 0.5], "b", 1.0)
    before = fingerprint(policy)
    with pytest.raises(error, match=words):
        call(policy)
    assert fingerprint(policy) == before


def test_a_policy_without_arms_cannot_choose():
    with pytest.raises(ValueError, match="no arm to choose from"):
        LinUCB(2).select([1.0, 0.0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_features": 0}, "n_features"),
        ({"n_features": 2, "alpha": -1.0}, "alpha"),
        ({"n_features": 2, "alpha": np.nan}, "alpha"),
        ({"n_features": 2, "ridge": 0.0}, "ridge"),
        ({"n_features": 2, "tie_tolerance": -1.0}, "tie_tolerance"),
    ],
)
def test_parameters_are_checked(options, words):
    with pytest.raises(ValueError, match=words):
        LinUCB(**options)


def test_arm_features_of_the_hybrid_are_checked_and_stay():
    policy = HybridLinUCB(2, n_arm_features=2)
    with pytest.raises(ValueError, match="needs 2 finite features"):
        policy.add_arm("a", [1.0])
    policy.add_arm("a", [1.0, 0.5])
    with pytest.raises(ValueError, match="known with other features"):
        policy.add_arm("a", [1.0, 0.6])
    policy.add_arm("a")
    assert policy.arms == ("a",)


def test_arms_of_a_batch_may_be_an_array():
    listed, given = make(arms=(7, 3, "x")), make(arms=(7, 3, "x"))
    arms = np.array([3, 7, 7, 3])
    X, rewards = np.random.default_rng(0).normal(size=(4, 2)), [1.0, 0.0, 1.0, 1.0]
    listed.partial_fit(X, arms.tolist(), rewards)
    given.partial_fit(X, arms, rewards)
    assert fingerprint(listed) == fingerprint(given)
    assert given.counts == {7: 2, 3: 2, "x": 0}
    for strange in (np.array([3, 5]), np.array([99, 3])):
        with pytest.raises(UnknownArmError, match=r"unknown arm (5|99)"):
            given.partial_fit(X[:2], strange, rewards[:2])
    with pytest.raises(UnknownArmError, match="unknown arm 1"):
        make().partial_fit(X[:1], np.array([1]), [1.0])
    assert given.partial_fit(X[:1], np.array(["x"]), [1.0]).counts["x"] == 1
