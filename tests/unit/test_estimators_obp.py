"""The estimators against the Open Bandit Pipeline's, on the same logs."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from bandit.estimators import doubly_robust, ips, replay, snips
from bandit.reward_model import cross_fit

N, K, D = 4000, 3, 4


@pytest.fixture(scope="module")
def ope() -> ModuleType:
    import obp.ope

    return obp.ope


@pytest.fixture(scope="module")
def logged() -> dict[str, Any]:
    """Clicks logged by a policy that leans to one arm, and the probabilities of another."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(N, D))
    means = 1 / (1 + np.exp(1.5 - X @ rng.normal(size=(D, K))))
    behaviour = np.exp(0.5 * X @ rng.normal(size=(D, K)))
    behaviour = 0.7 * behaviour / behaviour.sum(axis=1, keepdims=True) + 0.1
    actions = (behaviour.cumsum(axis=1) > rng.random((N, 1))).argmax(axis=1)
    target = np.full((N, K), 0.05)
    target[np.arange(N), (X @ rng.normal(size=(D, K))).argmax(axis=1)] = 0.9
    rewards = (rng.random(N) < means[np.arange(N), actions]).astype(float)
    return {
        "contexts": X,
        "rewards": rewards,
        "actions": actions,
        "propensities": behaviour[np.arange(N), actions],
        "target": target,
    }


def ours(logged: dict[str, Any]) -> tuple[np.ndarray, ...]:
    return logged["actions"], logged["rewards"], logged["propensities"], logged["target"]


def theirs(logged: dict[str, Any]) -> dict[str, Any]:
    return {
        "reward": logged["rewards"],
        "action": logged["actions"],
        "pscore": logged["propensities"],
        "action_dist": logged["target"][:, :, np.newaxis],
        "position": np.zeros(N, int),
    }


def close_to_the_bootstrap(found: Any, interval: dict[str, float]) -> bool:
    """The analytic interval and a bootstrap of 2,000 draws have nearly the same bounds."""
    bounds = [value for name, value in interval.items() if "CI" in name]
    half = (found.high - found.low) / 2
    return bool(np.allclose([found.low, found.high], sorted(bounds), atol=0.15 * half))


def test_ips_and_snips_are_obp_s(ope: ModuleType, logged: dict[str, Any]) -> None:
    pairs = (
        (ips, ope.InverseProbabilityWeighting()),
        (snips, ope.SelfNormalizedInverseProbabilityWeighting()),
    )
    for mine, peer in pairs:
        found = mine(*ours(logged))
        assert found.value == pytest.approx(peer.estimate_policy_value(**theirs(logged)), rel=1e-12)
        interval = peer.estimate_interval(**theirs(logged), n_bootstrap_samples=2000, random_state=1)
        assert close_to_the_bootstrap(found, interval)


def test_the_doubly_robust_estimate_is_obp_s_for_the_same_predictions(
    ope: ModuleType, logged: dict[str, Any]
) -> None:
    predicted = cross_fit(logged["contexts"], logged["actions"], logged["rewards"], K, seed=3)
    found = doubly_robust(*ours(logged), logged["contexts"], seed=3)
    given = {**theirs(logged), "estimated_rewards_by_reg_model": predicted[:, :, np.newaxis]}
    assert found.value == pytest.approx(ope.DoublyRobust().estimate_policy_value(**given), rel=1e-12)
    interval = ope.DoublyRobust().estimate_interval(**given, n_bootstrap_samples=2000, random_state=1)
    assert close_to_the_bootstrap(found, interval)


def test_cross_fitting_agrees_with_obp_s_own(ope: ModuleType, logged: dict[str, Any]) -> None:
    """Other folds, and one model of contexts times arms there: the same estimate to a fraction of its error."""
    per_arm = make_pipeline(PolynomialFeatures(2, interaction_only=True), Ridge(alpha=1.0))
    model = ope.RegressionModel(n_actions=K, action_context=np.eye(K), base_model=per_arm)
    predicted = model.fit_predict(
        context=logged["contexts"],
        action=logged["actions"],
        reward=logged["rewards"],
        pscore=logged["propensities"],
        n_folds=5,
        random_state=1,
    )
    given = {**theirs(logged), "estimated_rewards_by_reg_model": predicted}
    found = doubly_robust(*ours(logged), logged["contexts"])
    assert abs(found.value - ope.DoublyRobust().estimate_policy_value(**given)) < 0.25 * found.std_error


def test_replay_is_obp_s(ope: ModuleType, logged: dict[str, Any]) -> None:
    chosen = logged["target"].argmax(axis=1)
    certain = np.eye(K)[chosen][:, :, np.newaxis]
    peer = ope.ReplayMethod().estimate_policy_value(
        reward=logged["rewards"], action=logged["actions"], action_dist=certain, position=np.zeros(N, int)
    )
    found = replay(logged["actions"], logged["rewards"], chosen)
    assert found.value == pytest.approx(peer, rel=1e-12)


def test_without_overlap_obp_has_a_number_and_we_have_none(ope: ModuleType, logged: dict[str, Any]) -> None:
    """Where the two part ways: no row of the log says anything, and an interval of zero width would be a lie."""
    never = np.zeros((N, K))
    never[np.arange(N), (logged["actions"] + 1) % K] = 1.0
    peer = ope.InverseProbabilityWeighting().estimate_policy_value(
        **{**theirs(logged), "action_dist": never[:, :, np.newaxis]}
    )
    found = ips(logged["actions"], logged["rewards"], logged["propensities"], never)
    assert peer == found.value == 0.0
    assert (found.low, found.high) == (-math.inf, math.inf)
