"""Forgetting: rewards fade by their age, the ridge does not, and only the log matters."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit import snapshot
from bandit.forgetting import STEPS, Discount
from bandit.linucb import HybridLinUCB, LinTS, LinUCB

POLICIES = [LinUCB, HybridLinUCB, LinTS]
ARMS = ["a", 7]
D, HALF_LIFE = 3, 10.0

numbers = st.floats(-2, 2, allow_nan=False, width=32).map(float)
contexts = st.lists(numbers, min_size=D, max_size=D)
rows = st.tuples(contexts, st.sampled_from(ARMS), st.floats(0, 1, width=32).map(float), st.integers(0, 60))
histories = st.lists(rows, max_size=20)
kinds = st.sampled_from(POLICIES)


def learner(kind, history=(), half_life=HALF_LIFE):
    policy = kind(D, ridge=1.5, half_life=half_life)
    for arm in ARMS:
        policy.add_arm(arm)
    for x, arm, reward, time in history:
        policy.update(x, arm, reward, time)
    return policy


def columns(history):
    X = np.array([row[0] for row in history]).reshape(-1, D)
    return X, [row[1] for row in history], [row[2] for row in history], [float(row[3]) for row in history]


def assert_same(left, right):
    a, b = left.state(), right.state()
    assert a["arms"] == b["arms"]
    assert a["clock"] == b["clock"]
    np.testing.assert_array_equal(a["counts"], b["counts"])
    for name in {"A", "b", "Z", "c", "B", "worth"} & set(a):
        np.testing.assert_allclose(a[name], b[name], atol=1e-9)
    probes = np.random.default_rng(0).normal(size=(8, D))
    np.testing.assert_allclose(left.scores(probes), right.scores(probes), atol=1e-9)


def test_a_reward_one_half_life_older_counts_half():
    policy = LinUCB(1, half_life=64.0)
    policy.add_arm("a")
    policy.update([1.0], "a", 1.0, time=0.0)
    policy.update([1.0], "a", 0.0, time=64.0)
    state = policy.state()
    assert state["A"].item() == pytest.approx(1.0 + 0.5 + 1.0)
    assert state["b"].item() == pytest.approx(0.5)
    assert (policy.counts, policy.worth) == ({"a": 2}, {"a": pytest.approx(1.5)})


def test_a_late_reward_weighs_what_it_would_have_weighed_in_time():
    in_time, late = LinUCB(1, half_life=64.0), LinUCB(1, half_life=64.0)
    for policy, times in ((in_time, (0.0, 128.0)), (late, (128.0, 0.0))):
        policy.add_arm("a")
        for time in times:
            policy.update([1.0], "a", float(time == 0.0), time)
    assert in_time.state()["b"].item() == late.state()["b"].item() == pytest.approx(0.25)


@given(kinds, histories, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_neither_order_nor_batches_matter(kind, history, random):
    shuffled = list(history)
    random.shuffle(shuffled)
    batched = learner(kind)
    for start in range(0, len(shuffled), 7):
        batched.partial_fit(*columns(shuffled[start : start + 7]))
    assert_same(learner(kind, history), batched)


@given(kinds, histories, st.integers(0, 20))
@settings(deadline=None, max_examples=40)
def test_learners_at_different_clocks_merge_into_one_that_saw_it_all(kind, history, cut):
    left, right = learner(kind, history[:cut]), learner(kind, history[cut:])
    clock = right.state()["clock"]
    merged = left.merge(right)
    assert right.state()["clock"] == clock
    assert_same(learner(kind, history), merged)


@given(kinds, histories)
@settings(deadline=None, max_examples=40)
def test_a_never_falls_below_the_ridge(kind, history):
    policy = learner(kind, history)
    policy.advance(1000.0)
    state = policy.state()
    for matrices in (state["A"], *([state["Z"][None]] if "Z" in state else [])):
        smallest = np.linalg.eigvalsh(matrices)[:, 0]
        assert (smallest >= 1.5 - 1e-12).all()


@given(kinds, histories)
@settings(deadline=None, max_examples=40)
def test_the_derived_follow_the_sums(kind, history):
    policy = learner(kind, history)
    probes = np.random.default_rng(1).normal(size=(5, D))
    drifted = policy.scores(probes)
    policy.refresh()
    np.testing.assert_allclose(drifted, policy.scores(probes), atol=1e-10)


@given(kinds, histories)
@settings(deadline=None, max_examples=30)
def test_a_snapshot_goes_on_forgetting(kind, history):
    policy = learner(kind, history)
    twin = kind.from_state(snapshot.from_bytes(snapshot.to_bytes(policy.state())))
    for one in (policy, twin):
        one.update([1.0, 0.0, -1.0], "a", 1.0, 75.0)
    assert_same(policy, twin)


@pytest.mark.parametrize("kind", POLICIES)
def test_rebuilding_from_the_log_gives_the_same(kind):
    rng = np.random.default_rng(3)
    history = [(rng.normal(size=D).tolist(), ARMS[i % 2], float(i % 3 == 0), i * 0.7) for i in range(300)]
    policy = learner(kind, history)
    rebuilt = policy.without_rewards()
    assert set(rebuilt.counts.values()) == {0}
    assert_same(policy, rebuilt.partial_fit(*columns(history)))


@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize("half_life", [None, HALF_LIFE])
def test_a_late_click_mends_what_was_learned_as_a_miss(kind, half_life):
    rng = np.random.default_rng(4)
    X, arms, times = rng.normal(size=(30, D)), ARMS * 15, np.arange(30.0)
    known, corrected = learner(kind, half_life=half_life), learner(kind, half_life=half_life)
    clicks = (rng.random(30) < 0.4).astype(float)
    known.partial_fit(X, arms, clicks, times)
    corrected.partial_fit(X, arms, np.zeros(30), times)
    corrected.reward(
        X[clicks > 0],
        [arms[i] for i in np.flatnonzero(clicks)],
        np.ones(int(clicks.sum())),
        times[clicks > 0],
    )
    assert_same(known, corrected)


def test_after_a_drift_it_finds_the_new_best_arm_sooner():
    found = {}
    for half_life in (None, 200.0):
        policy = LinUCB(1, alpha=0.1, half_life=half_life)
        for arm in ("a", "b"):
            policy.add_arm(arm)
        rewards = np.r_[np.ones(2000), np.zeros(2000)]
        for time, a in enumerate(rewards):
            for arm, reward in (("a", a), ("b", 1.0 - a)):
                policy.update([1.0], arm, reward, time)
            if time >= 2000 and half_life not in found and policy.predict([[1.0]])[0] == "b":
                found[half_life] = time - 2000
    assert found[200.0] < 250
    assert found[None] > 1900


@pytest.mark.parametrize("kind", POLICIES)
def test_without_a_half_life_times_do_not_matter(kind):
    rng = np.random.default_rng(5)
    X, arms, rewards = rng.normal(size=(20, D)), ARMS * 10, rng.random(20)
    timed = learner(kind, half_life=None).partial_fit(X, arms, rewards, np.arange(20.0))
    timed.advance(1e9)
    assert_same(learner(kind, half_life=None).partial_fit(X, arms, rewards), timed)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_half_life_can_be_given_to_what_was_learned_without_one(kind):
    policy = learner(kind, half_life=None)
    policy.partial_fit(np.eye(3), ["a", "a", 7], [1.0, 0.0, 1.0])
    forgetful = kind.from_state({**policy.state(), "half_life": 64.0})
    forgetful.advance(100.0)
    forgetful.advance(164.0)
    assert forgetful.worth["a"] == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(np.diagonal(forgetful.state()["A"][0]), [2.0, 2.0, 1.5])


@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: p.update([1.0, 0.0, 0.0], "a", 1.0), "needs the time"),
        (lambda p: p.update([1.0, 0.0, 0.0], "a", 1.0, math.nan), "time must be finite"),
        (lambda p: p.update([math.inf, 0.0, 0.0], "a", 1.0, 99.0), "not finite"),
        (lambda p: p.update([1.0, 0.0, 0.0], "a", math.nan, 99.0), "not finite"),
        (lambda p: p.partial_fit([[1.0, 0.0, 0.0]], ["a"], [1.0]), "needs the time"),
        (lambda p: p.partial_fit([[1.0, 0.0, 0.0]], ["a"], [1.0], [99.0, 1.0]), "do not match"),
        (lambda p: p.partial_fit([[1.0, 0.0, 0.0]], ["a"], [1.0], [math.inf]), "time 0 is not finite"),
        (lambda p: p.partial_fit([[1.0, 0.0, 0.0]], ["a"], [math.nan], [99.0]), "reward 0 is not finite"),
        (lambda p: p.advance(math.nan), "time must be finite"),
    ],
)
def test_bad_times_are_refused_and_change_nothing(kind, call, words):
    policy = learner(kind, [([0.5, 0.5, 1.0], "a", 1.0, 3.0)])
    before = {name: np.asarray(value).tolist() for name, value in policy.state().items()}
    with pytest.raises(ValueError, match=words):
        call(policy)
    assert {name: np.asarray(value).tolist() for name, value in policy.state().items()} == before


def test_a_half_life_is_above_zero():
    for half_life in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="half_life must be finite and above 0"):
            LinUCB(2, half_life=half_life)


def test_policies_that_forget_differently_are_not_merged():
    with pytest.raises(ValueError, match=r"half_life is 10.0 here, 5.0 there"):
        learner(LinUCB).merge(learner(LinUCB, half_life=5.0))


@given(st.floats(1e-3, 1e7), st.integers(-(10**6), 10**6))
@settings(deadline=None)
def test_the_time_of_a_step_is_that_step(half_life, number):
    """A clock handed on, as merging does, is the same clock."""
    step = half_life / STEPS
    clock = Discount(half_life)
    clock.reach(number * step)
    assert clock.clock == number * step
    again = Discount(half_life)
    assert clock.clock is not None
    again.reach(clock.clock)
    assert again.clock == clock.clock
