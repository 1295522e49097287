"""The estimators on numbers worked out by hand, and what they promise on average."""

import math

import numpy as np
import pytest
from scipy import stats

from bandit.estimators import doubly_robust, effective_rows, ips, replay, snips, weights
from bandit.reward_model import cross_fit

ACTIONS = np.array([0, 1, 1, 0])
REWARDS = np.array([1.0, 0.0, 2.0, 4.0])
PROPENSITIES = np.array([0.5, 0.25, 0.5, 0.8])
PROBABILITIES = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.2, 0.8]])
LOGGED = (ACTIONS, REWARDS, PROPENSITIES, PROBABILITIES)
# w = 1/.5, .5/.25, 1/.5, .2/.8 = 2, 2, 2, .25
WEIGHTS = np.array([2.0, 2.0, 2.0, 0.25])


def test_weights_and_their_worth():
    np.testing.assert_array_equal(weights(ACTIONS, PROPENSITIES, PROBABILITIES), WEIGHTS)
    assert effective_rows(WEIGHTS) == 6.25**2 / 12.0625
    assert effective_rows(np.zeros(3)) == 0.0


def test_replay_by_hand():
    found = replay(ACTIONS, REWARDS, chosen=np.array([0, 0, 1, 0]))
    # Rows 0, 2 and 3 match: mean 7/3, variance 7/3.
    assert (found.rows, found.value) == (3, pytest.approx(7 / 3))
    assert found.std_error == pytest.approx(math.sqrt(7 / 9))
    half = stats.t(2).ppf(0.975) * math.sqrt(7 / 9)
    assert (found.low, found.high) == pytest.approx((7 / 3 - half, 7 / 3 + half))


def test_replay_of_clicks_has_wilson_s_interval():
    clicks = np.repeat([1.0, 0.0], [0, 100])
    found = replay(np.zeros(100, int), clicks, np.zeros(100, int))
    assert (found.value, found.low, found.rows) == (0.0, 0.0, 100)
    assert found.high == pytest.approx(0.0369934982, abs=1e-9)


def test_ips_by_hand():
    found = ips(*LOGGED)
    # w r = 2, 0, 4, 1
    assert found.value == 7 / 4
    assert found.std_error == pytest.approx(math.sqrt(np.var([2, 0, 4, 1], ddof=1) / 4))
    half = stats.t(6.25**2 / 12.0625 - 1).ppf(0.975) * found.std_error
    assert (found.low, found.high) == pytest.approx((1.75 - half, 1.75 + half))
    assert (found.rows, found.effective_rows) == (4, pytest.approx(3.2383419689))


def test_snips_by_hand():
    found = snips(*LOGGED)
    value = 7 / 6.25
    residuals = WEIGHTS * (REWARDS - value)
    assert found.value == pytest.approx(value)
    assert found.std_error == pytest.approx(math.sqrt((residuals**2).sum() * 4 / 3) / 6.25)


def test_doubly_robust_by_hand():
    contexts = np.array([[1.0], [2.0], [0.5], [1.5]])
    predicted = cross_fit(contexts, ACTIONS, REWARDS, 2, folds=2, seed=3)
    values = []
    for t in range(4):
        direct = PROBABILITIES[t] @ predicted[t]
        values.append(direct + WEIGHTS[t] * (REWARDS[t] - predicted[t, ACTIONS[t]]))
    found = doubly_robust(*LOGGED, contexts, folds=2, seed=3)
    assert found.value == pytest.approx(np.mean(values))
    assert found.std_error == pytest.approx(np.std(values, ddof=1) / 2)


def test_cross_fitting_by_hand():
    """Two rows, two folds: each is predicted from the other alone."""
    predicted = cross_fit(np.array([[2.0], [3.0]]), np.array([0, 1]), np.array([4.0, 1.0]), 2, folds=2)
    # The model of a single row is its reward, for every arm and context.
    np.testing.assert_allclose(predicted, [[1.0, 1.0], [4.0, 4.0]])


def test_the_reward_model_is_a_ridge_regression_around_the_mean():
    rng = np.random.default_rng(0)
    X, actions, rewards = rng.normal(size=(40, 3)), rng.integers(0, 2, 40), rng.random(40)
    predicted = cross_fit(X, actions, rewards, 2, folds=4, ridge=2.0, seed=1)
    fold_of = np.random.default_rng(1).permutation(40) % 4
    row = 7
    train = (fold_of != fold_of[row]) & (actions == 1)
    mean = rewards[fold_of != fold_of[row]].mean()
    design = np.column_stack([X[train], np.ones(train.sum())])
    theta = np.linalg.inv(design.T @ design + 2.0 * np.eye(4)) @ design.T @ (rewards[train] - mean)
    assert predicted[row, 1] == pytest.approx(mean + theta @ [*X[row], 1.0])


def test_a_model_never_sees_the_row_it_predicts():
    rng = np.random.default_rng(0)
    X, actions, rewards = rng.normal(size=(30, 2)), rng.integers(0, 2, 30), rng.random(30)
    before = cross_fit(X, actions, rewards, 2)
    rewards[11] += 100.0
    np.testing.assert_array_equal(cross_fit(X, actions, rewards, 2)[11], before[11])


def test_rewards_that_never_change_leave_nothing_to_estimate():
    found = doubly_robust(ACTIONS, np.full(4, 0.3), PROPENSITIES, PROBABILITIES, np.ones((4, 1)))
    assert found.value == pytest.approx(0.3)
    assert found.std_error == pytest.approx(0.0, abs=1e-15)


def world(rng, n, k=3, d=2):
    """A log with known, uneven propensities; the value of always playing the best-looking arm."""
    X = rng.normal(size=(n, d))
    theta = np.array([[0.3, 0.0], [-0.2, 0.3], [0.0, -0.3]])
    means = 1 / (1 + np.exp(-(X @ theta.T) + 1.0))
    logging = np.exp(0.7 * X @ rng.normal(size=(d, k)))
    logging = 0.7 * logging / logging.sum(axis=1, keepdims=True) + 0.1
    actions = (logging.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    rewards = (rng.random(n) < means[np.arange(n), actions]).astype(float)
    target = np.full((n, k), 0.05)
    target[np.arange(n), X.argmax(axis=1)] = 0.9
    return (
        X,
        actions,
        rewards,
        logging[np.arange(n), actions],
        target,
        float((target * means).sum(axis=1).mean()),
    )


def test_estimators_are_unbiased_and_their_intervals_cover():
    rng = np.random.default_rng(2)
    errors, covered, widths = [], [], []
    for _ in range(200):
        X, actions, rewards, propensities, target, truth = world(rng, 400)
        logged = (actions, rewards, propensities, target)
        found = [ips(*logged), snips(*logged), doubly_robust(*logged, X)]
        errors.append([estimate.value - truth for estimate in found])
        covered.append([estimate.low <= truth <= estimate.high for estimate in found])
        widths.append([estimate.high - estimate.low for estimate in found])
    noise = np.std(errors, axis=0) / math.sqrt(200)
    assert (np.abs(np.mean(errors, axis=0)) < 4 * noise).all()
    assert (np.mean(covered, axis=0) >= 0.92).all()
    ips_width, snips_width, dr_width = np.mean(widths, axis=0)
    assert max(dr_width, snips_width) < ips_width


def test_wrong_propensities_are_mended_by_a_right_model_only_in_dr():
    rng = np.random.default_rng(3)
    n = 4000
    X = rng.normal(size=(n, 2))
    actions = (rng.random(n) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
    rewards = X[:, 0] + actions + 0.1 * rng.normal(size=n)
    target = np.tile([0.0, 1.0], (n, 1))
    logged = (actions, rewards, np.full(n, 0.5), target)
    truth = float((X[:, 0] + 1.0).mean())
    assert abs(doubly_robust(*logged, X).value - truth) < 0.02
    assert abs(snips(*logged).value - truth) > 0.3


def test_without_overlap_the_data_tell_nothing():
    never = np.array([[0.0, 1.0]] * 4)
    logged = (np.zeros(4, int), np.ones(4), np.full(4, 0.5), never)
    for found in (ips(*logged), snips(*logged), replay(np.zeros(4, int), np.ones(4), np.ones(4, int))):
        assert (found.low, found.high) == (-math.inf, math.inf)
        assert found.effective_rows == 0.0
    assert math.isnan(snips(*logged).value)


def test_one_row_has_no_interval():
    found = ips(np.array([0]), np.array([1.0]), np.array([0.5]), np.array([[1.0]]))
    assert (found.value, found.low, found.high) == (2.0, -math.inf, math.inf)


def test_cross_fitting_needs_two_folds():
    with pytest.raises(ValueError, match="two folds or more"):
        cross_fit(np.ones((2, 1)), np.zeros(2, int), np.ones(2), 1, folds=1)
