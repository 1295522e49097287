"""Priors: a new arm starts from what the others, or a parent policy, have learned, with a stated weight."""

import numpy as np
import pytest

from bandit import snapshot
from bandit.linucb import HybridLinUCB, LinTS, LinUCB, Prior

POLICIES = [LinUCB, HybridLinUCB, LinTS]
D = 3


def taught(kind=LinUCB, rows=400, seed=0, **options):
    """Two arms with click rates of .2 and .4 at x = (1, 0, 1)."""
    rng = np.random.default_rng(seed)
    policy = kind(D, **options)
    policy.add_arm("a")
    policy.add_arm("b")
    X = np.column_stack([np.ones(rows), rng.integers(0, 2, (rows, 2))]).astype(float)
    arms = ["a", "b"] * (rows // 2)
    means = np.where(np.arange(rows) % 2, 0.4, 0.2) + 0.1 * X[:, 1]
    return policy.partial_fit(X, arms, (rng.random(rows) < means).astype(float))


def test_the_prior_is_the_average_arm_shrunk():
    policy = LinUCB(2)
    for arm in ("a", "b", "never shown"):
        policy.add_arm(arm)
    policy.partial_fit([[1.0, 0.0]] * 100, ["a"] * 100, [1.0] * 50 + [0.0] * 50)
    policy.partial_fit([[1.0, 1.0]] * 4, ["b"] * 4, [1.0, 0.0, 0.0, 0.0])
    prior = policy.prior(strength=20.0)
    # a: 10 of its 100 rewards; b: all its 4, fewer than its share of 10.
    assert prior.strength == 14.0
    np.testing.assert_allclose(prior.gram, [[14.0, 4.0], [4.0, 4.0]])
    np.testing.assert_allclose(prior.sums, [6.0, 1.0])
    only_a = policy.prior(["a"], strength=20.0)
    np.testing.assert_allclose(only_a.gram, [[20.0, 0.0], [0.0, 0.0]])
    assert only_a.sums[0] == pytest.approx(10.0)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_new_arm_starts_near_the_others_and_learns_its_own_way(kind):
    policy = taught(kind)
    x = np.array([1.0, 0.0, 1.0])
    siblings = policy._point(x, (0, 1))[0]
    policy.add_arm("cold")
    policy.add_arm("warm", prior=policy.prior(strength=50.0))
    cold, warm = (policy.explain(x, [arm])[0] for arm in ("cold", "warm"))
    assert min(siblings) < warm.mean < max(siblings)
    assert warm.bonus < cold.bonus
    assert (warm.learned, warm.prior) == (0, pytest.approx(50.0))
    policy.partial_fit([x] * 5000, ["warm"] * 5000, np.r_[np.ones(4500), np.zeros(500)])
    assert policy.explain(x, ["warm"])[0].mean == pytest.approx(0.9, abs=0.03)


def test_a_stronger_prior_is_given_up_later():
    x, means = np.array([1.0, 0.0, 1.0]), []
    for strength in (10.0, 100.0, 300.0):
        policy = taught()
        policy.add_arm("new", prior=policy.prior(strength=strength))
        policy.partial_fit([x] * 50, ["new"] * 50, np.zeros(50))
        means.append(policy.explain(x, ["new"])[0].mean)
    assert 0.0 < means[0] < means[1] < means[2] < 0.4


@pytest.mark.parametrize("kind", POLICIES)
def test_a_parent_s_policy_can_be_the_prior_of_another_kind(kind):
    parent = taught(LinUCB)
    child = kind(D)
    child.add_arm(1, prior=parent.prior(strength=200.0))
    assert child.explain([1.0, 0.0, 1.0])[0].mean == pytest.approx(0.3, abs=0.08)


@pytest.mark.parametrize("kind", POLICIES)
def test_the_prior_is_not_passed_on_as_if_it_were_learned(kind):
    policy = taught(kind)
    before = policy.prior(strength=1e9)
    policy.add_arm("new", prior=policy.prior(strength=300.0))
    after = policy.prior(strength=1e9)
    np.testing.assert_allclose(after.gram, before.gram, atol=1e-9)
    assert after.strength == before.strength == 400.0


@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize("half_life", [None, 30.0])
def test_learners_that_share_a_prior_merge_into_one_that_saw_it_all(kind, half_life):
    rng = np.random.default_rng(1)
    prior = taught().prior(strength=40.0)
    X, arms = rng.normal(size=(60, D)), [("new", "b")[i] for i in rng.integers(0, 2, 60)]
    rewards, times = rng.random(60), np.arange(60.0)

    def learn(rows):
        policy = kind(D, half_life=half_life)
        policy.advance(0.0)
        policy.add_arm("new", prior=prior)
        policy.add_arm("b")
        return policy.partial_fit(X[rows], [arms[i] for i in rows], rewards[rows], times[rows])

    whole = learn(np.arange(60))
    parts = [learn(np.arange(60)[start::3]) for start in range(3)]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    for name in {"A", "b", "Z", "c", "B", "prior_grams", "prior_sums"} & set(whole.state()):
        np.testing.assert_allclose(merged.state()[name], whole.state()[name], atol=1e-9)
    probes = rng.normal(size=(5, D))
    np.testing.assert_allclose(merged.scores(probes), whole.scores(probes), atol=1e-9)


@pytest.mark.parametrize("kind", POLICIES)
def test_an_arm_known_there_only_brings_its_prior_along(kind):
    left, right = kind(D), kind(D)
    left.add_arm("a")
    right.add_arm("new", prior=taught().prior(strength=40.0))
    left.merge(right)
    np.testing.assert_allclose(left.scores(np.eye(D), ["new"]), right.scores(np.eye(D), ["new"]), atol=1e-12)
    assert left.explain(np.ones(D), ["new"])[0].prior == pytest.approx(40.0)
    left.merge(right)
    np.testing.assert_allclose(left.scores(np.eye(D), ["new"]), right.scores(np.eye(D), ["new"]), atol=1e-12)


@pytest.mark.parametrize("kind", POLICIES)
def test_arms_that_started_from_different_priors_are_not_merged(kind):
    left, right = kind(D), kind(D)
    left.add_arm("a")
    right.add_arm("a", prior=taught().prior(strength=40.0))
    before = left.state()["A"]
    with pytest.raises(ValueError, match="arm 'a' started from another prior there"):
        left.merge(right)
    np.testing.assert_array_equal(left.state()["A"], before)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_known_arm_keeps_what_it_started_with(kind):
    policy = taught(kind)
    before = policy.scores(np.eye(D))
    policy.remove_arm("a")
    policy.add_arm("a", prior=policy.prior(strength=100.0))
    np.testing.assert_array_equal(policy.scores(np.eye(D), ["a", "b"]), before)


@pytest.mark.parametrize("kind", POLICIES)
def test_snapshots_and_rebuilding_keep_priors(kind):
    policy = taught(kind)
    policy.add_arm("new", prior=policy.prior(strength=50.0))
    start = policy.without_rewards()
    assert start.counts == {"a": 0, "b": 0, "new": 0}
    assert start.explain(np.ones(D), ["new"])[0].prior == 50.0
    policy.update([1.0, 0.0, 0.0], "new", 1.0)
    twin = kind.from_state(snapshot.from_bytes(snapshot.to_bytes(policy.state())))
    np.testing.assert_array_equal(twin.scores(np.eye(D)), policy.scores(np.eye(D)))
    np.testing.assert_allclose(twin.without_rewards().state()["A"], start.state()["A"], atol=1e-12)


def test_nobody_has_learned_anything_yet():
    policy = LinUCB(D)
    prior = policy.prior(strength=50.0)
    assert prior.strength == 0.0
    policy.add_arm("a", prior=prior)
    policy.add_arm("b")
    assert policy.select([1.0, 0.0, 0.0]).propensity == 0.5


@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (Prior(np.eye(2), np.zeros(2), 1.0), r"a prior for 3 features has gram \(3, 3\)"),
        (Prior(np.diag([1.0, 1.0, -1.0]), np.zeros(D), 1.0), "positive semidefinite"),
        (Prior(np.triu(np.ones((D, D))), np.zeros(D), 1.0), "symmetric"),
        (Prior(np.eye(D), np.array([1.0, np.nan, 0.0]), 1.0), "finite"),
        (Prior(np.eye(D), np.zeros(D), -1.0), "strength must be finite and at least 0"),
    ],
)
def test_a_prior_that_does_not_fit_adds_no_arm(kind, prior, words):
    policy = taught(kind)
    with pytest.raises(ValueError, match=words):
        policy.add_arm("new", prior=prior)
    assert policy.arms == ("a", "b")
    assert set(policy.counts) == {"a", "b"}


def test_a_strength_is_at_least_zero():
    with pytest.raises(ValueError, match="strength must be finite and at least 0, not -1"):
        taught().prior(strength=-1.0)


@pytest.mark.parametrize("change", [{"prior_rows": [5]}, {"prior_rows": [0, 0]}])
def test_a_damaged_prior_is_refused(change):
    policy = taught()
    policy.add_arm("new", prior=policy.prior())
    with pytest.raises(ValueError, match="priors do not match its arms"):
        LinUCB.from_state({**policy.state(), **change})


def test_the_hybrid_does_not_count_what_it_shares_twice():
    """β explains most of an arm already, so its prior is about the rest."""
    policy = taught(HybridLinUCB)
    x = np.array([1.0, 0.0, 1.0])
    siblings = [entry.mean for entry in policy.explain(x)]
    policy.add_arm("cold")
    policy.add_arm("warm", prior=policy.prior(strength=300.0))
    cold, warm = (policy.explain(x, [arm])[0].mean for arm in ("cold", "warm"))
    assert cold > 0.15
    assert warm == pytest.approx(np.mean(siblings), abs=0.02)
