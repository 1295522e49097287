"""Laws that hold for any history: order, batches, merging, snapshots."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit import snapshot
from bandit.linucb import HybridLinUCB, LinTS, LinUCB

POLICIES = [LinUCB, HybridLinUCB, LinTS]
ARMS = ["a", 7, "c"]
D = 3

numbers = st.floats(-2, 2, allow_nan=False, width=32).map(float)
contexts = st.lists(numbers, min_size=D, max_size=D)
rows = st.tuples(contexts, st.sampled_from(ARMS), st.floats(0, 1, width=32).map(float))
histories = st.lists(rows, max_size=25)
kinds = st.sampled_from(POLICIES)


def learner(kind, history=(), seed=0, alpha=0.8):
    policy = kind(D, alpha=alpha, ridge=1.5, seed=seed)
    for arm in ARMS:
        policy.add_arm(arm)
    for x, arm, reward in history:
        policy.update(x, arm, reward)
    return policy


def assert_same(left, right, tolerance=1e-9):
    a, b = left.state(), right.state()
    assert a["arms"] == b["arms"]
    assert a["active"] == b["active"]
    np.testing.assert_array_equal(a["counts"], b["counts"])
    for name in {"A", "b", "Z", "c", "B"} & set(a):
        np.testing.assert_allclose(a[name], b[name], atol=tolerance)
    probes = np.random.default_rng(0).normal(size=(8, D))
    np.testing.assert_allclose(left.scores(probes), right.scores(probes), atol=tolerance)


@given(kinds, histories, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_rewards_does_not_matter(kind, history, random):
    shuffled = list(history)
    random.shuffle(shuffled)
    assert_same(learner(kind, history), learner(kind, shuffled))


@given(kinds, histories)
@settings(deadline=None, max_examples=60)
def test_a_batch_is_as_good_as_its_updates(kind, history):
    batched = learner(kind)
    X = np.array([x for x, _, _ in history]).reshape(-1, D)
    batched.partial_fit(X, [arm for _, arm, _ in history], [reward for _, _, reward in history])
    assert_same(learner(kind, history), batched)


@given(kinds, histories, st.integers(0, 25))
@settings(deadline=None, max_examples=60)
def test_two_learners_merge_into_one_that_saw_it_all(kind, history, cut):
    merged = learner(kind, history[:cut]).merge(learner(kind, history[cut:]))
    assert_same(learner(kind, history), merged)


@given(kinds, histories, st.lists(contexts, min_size=1, max_size=10))
@settings(deadline=None, max_examples=60)
def test_a_snapshot_makes_the_same_decisions(kind, history, probes):
    policy = learner(kind, history, seed=5)
    through_json = json.loads(json.dumps(policy.state(), default=lambda array: array.tolist()))
    through_npz = snapshot.from_bytes(snapshot.to_bytes(policy.state()))
    copies = [kind.from_state(through_json), kind.from_state(through_npz)]
    for x in probes:
        expected = policy.select(x)
        for twin in copies:
            choice = twin.select(x)
            assert choice[:2] == expected[:2]
            np.testing.assert_array_equal(choice.scores, expected.scores)
        policy.update(x, expected.arm, 1.0)
        for twin in copies:
            twin.update(x, expected.arm, 1.0)


@given(kinds, histories, contexts)
@settings(deadline=None, max_examples=60)
def test_probabilities_sum_to_one_and_agree_with_the_choice(kind, history, x):
    policy = learner(kind, history)
    chances = policy.probabilities(x)
    choice = policy.select(x)
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)
    assert chances[choice.arms.index(choice.arm)] == pytest.approx(choice.propensity, abs=2e-2)


@pytest.mark.parametrize("kind", POLICIES)
def test_ten_thousand_rank_one_updates_stay_exact(kind):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(10_000, D))
    arms = [ARMS[i] for i in rng.integers(0, 3, len(X))]
    policy = learner(kind, zip(X, arms, rng.random(len(X)), strict=True))
    drifted = policy.scores(X[:100])
    policy.refresh()
    np.testing.assert_allclose(drifted, policy.scores(X[:100]), atol=1e-10)


def test_merging_joins_arms_that_only_one_side_knows():
    left, right = LinUCB(1), LinUCB(1)
    left.add_arm("a")
    right.add_arm("b")
    left.update([1.0], "a", 1.0)
    right.update([2.0], "b", 1.0)
    left.merge(right)
    assert left.arms == ("a", "b")
    np.testing.assert_array_equal(left.state()["A"].ravel(), [2.0, 5.0])
    assert right.arms == ("b",)


@pytest.mark.parametrize(
    ("other", "error", "words"),
    [
        (LinTS(2), TypeError, "cannot merge LinTS into LinUCB"),
        (LinUCB(3), ValueError, "n_features is 2 here, 3 there"),
        (LinUCB(2, ridge=2.0), ValueError, "ridge is 1.0 here, 2.0 there"),
    ],
)
def test_what_does_not_fit_is_not_merged(other, error, words):
    policy = LinUCB(2)
    policy.add_arm("a")
    with pytest.raises(error, match=words):
        policy.merge(other)
    assert policy.arms == ("a",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"policy": "LinTS"}, "the state is of 'LinTS'"),
        ({"version": 99}, "state version 99"),
        ({"A": np.eye(2)}, "A has shape"),
        ({"b": [[np.nan, 0.0]]}, "b is not finite"),
        ({"counts": []}, "counts do not match"),
    ],
)
def test_a_damaged_state_is_refused(change, words):
    policy = LinUCB(2)
    policy.add_arm("a")
    with pytest.raises(ValueError, match=words):
        LinUCB.from_state({**policy.state(), **change})


def test_bytes_that_are_no_snapshot_are_refused():
    for data in (b"", b"PK\x03\x04nonsense", b"{}"):
        with pytest.raises(snapshot.SnapshotError, match="not a policy snapshot"):
            snapshot.from_bytes(data)


@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda policy: pickle.loads(pickle.dumps(policy))]
)
def test_copies_learn_on_their_own(kind, duplicate):
    policy = learner(kind, [([1.0, 0.0, 0.5], "a", 1.0)])
    twin = duplicate(policy)
    twin.update([0.5, 1.0, 0.0], "c", 1.0)
    assert policy.counts["c"] == 0
    policy.update([0.5, 1.0, 0.0], "c", 1.0)
    assert_same(policy, twin, tolerance=1e-14)


def test_a_state_is_a_copy():
    policy = LinUCB(1)
    policy.add_arm("a")
    state = policy.state()
    policy.update([1.0], "a", 1.0)
    np.testing.assert_array_equal(state["A"], [[[1.0]]])


@pytest.mark.parametrize("kind", POLICIES)
def test_a_state_of_version_1_still_loads(kind):
    """Written before there were priors and forgetting."""
    policy = learner(kind, [([1.0, 0.0, 0.5], "a", 1.0), ([0.0, 1.0, 0.5], 7, 0.0)])
    newer = ("half_life", "clock", "worth", "prior_rows", "prior_grams", "prior_sums", "prior_strengths")
    old = {name: value for name, value in policy.state().items() if name not in newer} | {"version": 1}
    loaded = kind.from_state(old)
    assert_same(policy, loaded, tolerance=0.0)
    assert loaded.worth == {"a": 1.0, 7: 1.0, "c": 0.0}
    assert loaded.state()["version"] == 2
