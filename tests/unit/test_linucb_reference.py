"""The policies against the algorithms as printed, written out line by line."""

import numpy as np
import pytest

from bandit.linucb import HybridLinUCB, LinTS, LinUCB

ARMS = ["a", "b", "c"]


class PrintedDisjoint:
    """Li et al. 2010, algorithm 1, one line of the paper per line."""

    def __init__(self, d, alpha, ridge):
        self.alpha = alpha
        self.A = {a: ridge * np.eye(d) for a in ARMS}
        self.b = {a: np.zeros(d) for a in ARMS}

    def scores(self, x):
        p = []
        for a in ARMS:
            inverse = np.linalg.inv(self.A[a])
            theta = inverse @ self.b[a]
            p.append(theta @ x + self.alpha * np.sqrt(x @ inverse @ x))
        return np.array(p)

    def update(self, x, a, r):
        self.A[a] += np.outer(x, x)
        self.b[a] += r * x


class PrintedHybrid:
    """Li et al. 2010, algorithm 2, one line of the paper per line; z = f ⊗ x."""

    def __init__(self, d, alpha, ridge, features):
        k = d * len(next(iter(features.values())))
        self.alpha, self.f = alpha, features
        self.A0, self.b0 = ridge * np.eye(k), np.zeros(k)
        self.A = {a: ridge * np.eye(d) for a in ARMS}
        self.B = {a: np.zeros((d, k)) for a in ARMS}
        self.b = {a: np.zeros(d) for a in ARMS}

    def scores(self, x):
        A0_inv = np.linalg.inv(self.A0)
        beta = A0_inv @ self.b0
        p = []
        for a in ARMS:
            z, B, inverse = np.kron(self.f[a], x), self.B[a], np.linalg.inv(self.A[a])
            theta = inverse @ (self.b[a] - B @ beta)
            s = (
                z @ A0_inv @ z
                - 2 * z @ A0_inv @ B.T @ inverse @ x
                + x @ inverse @ x
                + x @ inverse @ B @ A0_inv @ B.T @ inverse @ x
            )
            p.append(z @ beta + x @ theta + self.alpha * np.sqrt(s))
        return np.array(p)

    def update(self, x, a, r):
        z = np.kron(self.f[a], x)
        self.A0 += self.B[a].T @ np.linalg.inv(self.A[a]) @ self.B[a]
        self.b0 += self.B[a].T @ np.linalg.inv(self.A[a]) @ self.b[a]
        self.A[a] += np.outer(x, x)
        self.B[a] += np.outer(x, z)
        self.b[a] += r * x
        self.A0 += np.outer(z, z) - self.B[a].T @ np.linalg.inv(self.A[a]) @ self.B[a]
        self.b0 += r * z - self.B[a].T @ np.linalg.inv(self.A[a]) @ self.b[a]


def walk(policy, reference, d, rounds=150):
    rng = np.random.default_rng(3)
    for _ in range(rounds):
        x = rng.normal(size=d)
        expected = reference.scores(x)
        choice = policy.select(x)
        np.testing.assert_allclose(choice.scores, expected, rtol=1e-9)
        np.testing.assert_allclose(policy.scores(x[None])[0], expected, rtol=1e-9)
        assert choice.arms == tuple(ARMS)
        if np.sort(expected)[-1] - np.sort(expected)[-2] > 1e-6:
            assert choice.arm == ARMS[int(expected.argmax())]
        arm, reward = ARMS[rng.integers(3)], float(rng.random())
        policy.update(x, arm, reward)
        reference.update(x, arm, reward)


@pytest.mark.parametrize(("alpha", "ridge"), [(1.0, 1.0), (0.3, 2.5), (0.0, 1.0)])
def test_disjoint_follows_algorithm_1(alpha, ridge):
    policy = LinUCB(5, alpha=alpha, ridge=ridge)
    for arm in ARMS:
        policy.add_arm(arm)
    walk(policy, PrintedDisjoint(5, alpha, ridge), 5)


@pytest.mark.parametrize(("alpha", "ridge"), [(1.0, 1.0), (0.3, 2.5)])
def test_hybrid_follows_algorithm_2(alpha, ridge):
    policy = HybridLinUCB(4, alpha=alpha, ridge=ridge)
    for arm in ARMS:
        policy.add_arm(arm)
    walk(policy, PrintedHybrid(4, alpha, ridge, {a: [1.0] for a in ARMS}), 4)


def test_hybrid_with_arm_features_follows_algorithm_2():
    features = {"a": [1.0, 0.0], "b": [0.5, -1.0], "c": [1.0, 2.0]}
    policy = HybridLinUCB(3, alpha=0.7, n_arm_features=2)
    for arm in ARMS:
        policy.add_arm(arm, features[arm])
    walk(policy, PrintedHybrid(3, 0.7, 1.0, features), 3)


def test_the_first_update_by_hand():
    policy = LinUCB(2, alpha=1.0, ridge=2.0)
    policy.add_arm("a")
    policy.update([1.0, 1.0], "a", 1.0)
    # A = [[3, 1], [1, 3]], A⁻¹ = [[3, -1], [-1, 3]] / 8, θ = (1/4, 1/4)
    assert policy.scores([[1.0, 0.0]])[0, 0] == pytest.approx(0.25 + np.sqrt(3 / 8), abs=1e-15)
    weights, deviations = policy.coefficients("a")
    np.testing.assert_allclose(weights, [0.25, 0.25], atol=1e-15)
    np.testing.assert_allclose(deviations, np.sqrt([3 / 8, 3 / 8]), atol=1e-15)


def test_the_hybrid_is_one_joint_ridge_regression():
    rng = np.random.default_rng(0)
    d, n = 3, 60
    X, arms, rewards = rng.normal(size=(n, d)), rng.integers(0, 3, n), rng.random(n)
    policy = HybridLinUCB(d, alpha=0.0)
    for arm in range(3):
        policy.add_arm(arm)
    policy.partial_fit(X, arms, rewards)
    design = np.zeros((n, 4 * d))
    for i, (x, arm) in enumerate(zip(X, arms, strict=True)):
        design[i, :d] = x
        design[i, (arm + 1) * d : (arm + 2) * d] = x
    joint = np.linalg.solve(design.T @ design + np.eye(4 * d), design.T @ rewards)
    x = rng.normal(size=d)
    expected = [x @ joint[:d] + x @ joint[(a + 1) * d : (a + 2) * d] for a in range(3)]
    np.testing.assert_allclose(policy.scores(x[None])[0], expected, rtol=1e-10)


def test_a_new_hybrid_arm_starts_from_what_the_others_share():
    policy = HybridLinUCB(2, alpha=0.0)
    policy.add_arm("old")
    for _ in range(200):
        policy.update([1.0, 0.0], "old", 1.0)
    policy.add_arm("new")
    assert policy.scores([[1.0, 0.0]], ["new"])[0, 0] == pytest.approx(0.5, abs=0.01)
    assert policy.scores([[0.0, 1.0]], ["new"])[0, 0] == 0.0


def test_thompson_samples_have_the_posterior_s_mean_and_spread():
    policy = LinTS(2, alpha=0.5, seed=1)
    policy.add_arm("a")
    policy.update([1.0, 1.0], "a", 1.0)
    x = np.array([1.0, 0.5])
    weights, _ = policy.coefficients("a")
    spread = policy.scores([x])[0, 0] - weights @ x
    samples = np.array([policy.select(x).scores[0] for _ in range(20_000)])
    assert samples.mean() == pytest.approx(weights @ x, abs=4 * spread / np.sqrt(20_000))
    assert samples.std() == pytest.approx(spread, rel=0.03)


def test_digits_reach_the_published_accuracy():
    """α = 1, ten shuffles of scikit-learn's digits: 0.736 ± 0.015 over all steps."""
    datasets = pytest.importorskip("sklearn.datasets")
    X, labels = datasets.load_digits(return_X_y=True)
    X = X / np.linalg.norm(X, axis=1, keepdims=True)
    X = np.hstack([X, np.ones((len(X), 1))]) / np.sqrt(2)
    accuracies = []
    for seed in range(10):
        policy = LinUCB(X.shape[1], alpha=1.0, seed=seed)
        for digit in range(10):
            policy.add_arm(digit)
        hits = 0
        for i in np.random.default_rng(seed).permutation(len(X)):
            choice = policy.select(X[i])
            reward = float(choice.arm == labels[i])
            policy.update(X[i], choice.arm, reward)
            hits += int(reward)
        accuracies.append(hits / len(X))
    assert np.mean(accuracies) == pytest.approx(0.736, abs=0.015)


def test_the_hybrid_scores_alike_before_and_after_it_has_prepared():
    """A fresh reward is scored by the algorithm's own lines, a refreshed policy by quadratic forms of the context."""
    rng = np.random.default_rng(0)
    policy = HybridLinUCB(4, alpha=0.8, n_arm_features=2)
    for arm in range(3):
        policy.add_arm(arm, rng.normal(size=2))
    for x in rng.normal(size=(60, 4)):
        policy.update(x, int(rng.integers(3)), float(rng.random()))
    x = rng.normal(size=4)
    fresh = policy.select(x).scores
    np.testing.assert_allclose(policy.scores(x[None])[0], fresh, rtol=1e-10)
    policy.refresh()
    np.testing.assert_allclose(policy.select(x).scores, fresh, rtol=1e-10)
    policy.add_arm(3)
    np.testing.assert_allclose(policy.select(x).scores[:3], fresh, rtol=1e-10)
    policy.compile()
    np.testing.assert_allclose(policy.select(x).scores[:3], fresh, rtol=1e-10)
