"""Compiled kernels (extra `fast`) decide and learn like the NumPy they stand in for."""

import subprocess
import sys

import numpy as np
import pytest

from bandit.linucb import LinTS, LinUCB

KINDS = [LinUCB, LinTS]


def pair(kind, d, k, **options):
    policies = kind(d, alpha=0.7, **options), kind(d, alpha=0.7, **options).compile()
    for policy in policies:
        for arm in range(k):
            policy.add_arm(arm)
    return policies


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("d", "k"), [(1, 1), (6, 3), (33, 5)])
@pytest.mark.parametrize("half_life", [None, 50.0])
def test_a_long_run_goes_the_same_way(kind, d, k, half_life):
    rng = np.random.default_rng(0)
    plain, compiled = pair(kind, d, k, half_life=half_life)
    for time, x in enumerate(rng.normal(size=(400, d)) / d**0.5):
        arms = None if time % 3 else [k - 1]
        choices = [policy.select(x, arms) for policy in (plain, compiled)]
        assert choices[0].arm == choices[1].arm
        np.testing.assert_allclose(choices[0].scores, choices[1].scores, atol=1e-10)
        reward = float(rng.random() < 0.3)
        for policy in (plain, compiled):
            policy.update(x, choices[0].arm, reward, time)
    assert plain.counts == compiled.counts
    X = rng.normal(size=(130, d))
    np.testing.assert_allclose(plain.scores(X), compiled.scores(X), atol=1e-10)
    np.testing.assert_array_equal(plain.predict(X), compiled.predict(X))
    for name in ("A", "b"):
        np.testing.assert_allclose(plain.state()[name], compiled.state()[name], atol=1e-10)


def test_arms_that_come_later_are_compiled_too():
    plain, compiled = pair(LinUCB, 3, 2)
    for policy in (plain, compiled):
        policy.add_arm("late")
        policy.update([1.0, 2.0, 3.0], "late", 1.0)
        policy.partial_fit(np.eye(3), [0, 1, "late"], [1.0, 0.0, 1.0])
    X = np.random.default_rng(0).normal(size=(5, 3))[:, ::-1]
    np.testing.assert_allclose(plain.scores(X), compiled.scores(X), atol=1e-13)
    np.testing.assert_allclose(plain.scores(X, ["late"]), compiled.scores(X, ["late"]), atol=1e-13)


@pytest.mark.parametrize("x", [[np.nan, 1.0], [np.inf, 1.0], [1e200, 1e200]])
def test_what_is_not_finite_is_refused_and_changes_nothing(x):
    _, policy = pair(LinUCB, 2, 1)
    policy.update([1.0, 0.5], 0, 1.0)
    before = policy.state()
    with pytest.raises(ValueError, match="not finite, or too large"):
        policy.update(x, 0, 1.0)
    with pytest.raises(ValueError, match="not finite, or too large"):
        policy.update([1.0, 0.0], 0, np.nan)
    np.testing.assert_array_equal(policy.state()["A"], before["A"])
    np.testing.assert_array_equal(policy.state()["b"], before["b"])
    assert policy.counts == {0: 1}


def test_numba_is_imported_only_when_asked_for():
    code = "import sys, bandit.linucb; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
