"""Beliefs: the numbers of the policy page, from a state alone."""

from __future__ import annotations

import numpy as np
import pytest

from bandit.beliefs import average_context, beliefs
from bandit.features import encoding
from bandit.linucb import HybridLinUCB, LinTS, LinUCB

ENCODING = encoding(1)


def taught(rates: dict[int, float], rows: int, seed: int = 0) -> tuple[LinUCB, int, np.ndarray]:
    """A policy whose arms were clicked with ``rates`` plus .3 on desktops; its clicks and the contexts it saw."""
    rng = np.random.default_rng(seed)
    model = LinUCB(ENCODING.n_features)
    contexts, arms, rewards = [], [], []
    for arm, rate in rates.items():
        model.add_arm(arm)
        for _ in range(rows):
            device = ("mobile", "desktop")[int(rng.integers(2))]
            contexts.append(
                ENCODING.encode({"device": device, "age": 40}, {"price": 50.0}, {"width": 300, "height": 250})
            )
            arms.append(arm)
            rewards.append(float(rng.random() < rate + 0.3 * (device == "desktop")))
    model.partial_fit(contexts, arms, rewards)
    return model, int(sum(rewards)), np.array(contexts)


def test_the_average_context_comes_out_of_the_state() -> None:
    model, _, contexts = taught({1: 0.1, 2: 0.2}, 50)
    np.testing.assert_allclose(average_context(model), contexts.mean(axis=0), atol=1e-12)


def test_without_lessons_the_average_knows_everyone_and_nothing_else() -> None:
    average = average_context(LinUCB(ENCODING.n_features))
    assert average[-1] == pytest.approx(0.5**0.5)
    assert not average[:-1].any()


def test_the_best_comes_first_with_an_interval_that_holds_the_truth() -> None:
    model, clicks, _ = taught({1: 0.05, 2: 0.3}, 2000)
    found = beliefs(model.state(), ENCODING, clicks)
    assert [belief.arm for belief in found] == [2, 1]
    for belief, truth in zip(found, (0.45, 0.2), strict=True):
        assert belief.learned == 2000
        assert belief.low < truth < belief.high
        assert 0.0 < belief.high - belief.low < 0.1
        assert belief.low < belief.rate < belief.high


def test_the_strongest_certain_weight_is_the_one_that_matters() -> None:
    model, clicks, _ = taught({1: 0.1}, 2000)
    weight = beliefs(model.state(), ENCODING, clicks)[0].weights[0]
    assert weight.words == "device is desktop (rather than mobile)"
    assert weight.is_certain
    assert weight.value > 0


def test_an_arm_without_lessons_is_wide_open() -> None:
    model, clicks, _ = taught({1: 0.1}, 100)
    new = next(belief for belief in beliefs(model.state(), ENCODING, clicks, [9]) if belief.arm == 9)
    assert (new.learned, new.rate, new.weights) == (0, 0.0, [])
    assert new.low == 0.0
    assert new.high > 0.3


def test_nothing_known_at_all() -> None:
    assert beliefs(LinUCB(ENCODING.n_features).state(), ENCODING, 0) == []


def test_reading_does_not_change_the_state() -> None:
    model, clicks, _ = taught({1: 0.1}, 20)
    before = model.state()
    beliefs(before, ENCODING, clicks, [5])
    after = model.state()
    assert before["arms"] == after["arms"] == [1]
    np.testing.assert_array_equal(before["A"], after["A"])


@pytest.mark.parametrize("kind", [LinUCB, HybridLinUCB, LinTS])
def test_every_kind_of_policy_has_beliefs_and_priors_and_age_do_not_distort_the_average(kind: type) -> None:
    rng = np.random.default_rng(1)
    contexts = ENCODING.encode_many(
        [({"device": ("mobile", "desktop")[int(rng.integers(2))]}, None, None) for _ in range(200)]
    )
    model = kind(ENCODING.n_features, half_life=1e9)
    model.add_arm(1)
    model.partial_fit(contexts, [1] * 200, (rng.random(200) < 0.2).astype(float), np.zeros(200))
    model.add_arm(2, prior=model.prior(strength=500.0))
    model.advance(1e9)
    np.testing.assert_allclose(average_context(model), contexts.mean(axis=0), atol=1e-9)
    found = {belief.arm: belief for belief in beliefs(model.state(), ENCODING, 40)}
    assert found[1].rate == pytest.approx(0.2, abs=0.08)
    assert found[2].rate == pytest.approx(found[1].rate, abs=0.05)
    assert found[2].learned == 0
