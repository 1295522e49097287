"""Why this prompt: reasons by feature that add up, for one shopper."""

from __future__ import annotations

import numpy as np
import pytest

from bandit.features import FeatureError, encoding
from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB, UnknownArmError
from bandit.reasons import why

ENCODING = encoding(1)
ITEM, PLACEMENT = {"price": 49.5}, {"width": 300, "height": 250, "site": "news"}


def taught(kind: type[LinearPolicy]) -> tuple[LinearPolicy, int]:
    """Arm 1 is liked on desktops, arm 2 on mobiles."""
    rng = np.random.default_rng(0)
    devices = ["mobile", "desktop"]
    model = kind(ENCODING.n_features, alpha=0.1)
    triples, arms, rewards = [], [], []
    for _ in range(3000):
        device, arm = int(rng.integers(2)), int(rng.integers(1, 3))
        triples.append(({"device": devices[device], "age": int(rng.integers(20, 60))}, ITEM, PLACEMENT))
        arms.append(arm)
        rewards.append(float(rng.random() < (0.5 if (arm == 1) == (device == 1) else 0.1)))
    for arm in (1, 2):
        model.add_arm(arm)
    model.partial_fit(ENCODING.encode_many(triples), arms, rewards)
    return model, int(sum(rewards))


@pytest.mark.parametrize("kind", [LinUCB, HybridLinUCB, LinTS])
def test_the_reasons_add_up_and_name_what_matters(kind: type[LinearPolicy]) -> None:
    model, clicks = taught(kind)
    user = {"device": "desktop", "age": 31}
    found = why(model, ENCODING, clicks, user, ITEM, PLACEMENT, [1, 2], epsilon=0.1)
    assert [entry.arm for entry in found.arms] == [1, 2]
    best, second = found.arms
    x = ENCODING.encode(user, ITEM, PLACEMENT)
    np.testing.assert_allclose(model.scores(x[None], [1, 2])[0], [best.score, second.score], atol=1e-12)
    for entry in found.arms:
        assert sum(reason.value for reason in entry.reasons) == pytest.approx(entry.rate, abs=1e-12)
        assert entry.learned == model.counts[entry.arm]
    assert abs(best.rate - 0.5) < best.margin < 0.1
    assert abs(second.rate - 0.1) < second.margin
    chance = model.probabilities(x, [1, 2])[0]
    assert best.probability == pytest.approx(0.05 + 0.9 * chance)
    assert found.ahead[0].words == "user device: desktop"
    assert found.ahead[0].is_certain
    assert sum(reason.value for reason in found.ahead) == pytest.approx(best.rate - second.rate)


def test_unknown_and_hashed_features_have_names_too() -> None:
    model, clicks = taught(LinUCB)
    found = why(model, ENCODING, clicks, {"member": True, "visits": 2.5}, None, {"site": "news"}, [2])
    words = {reason.words for reason in found.arms[0].reasons}
    assert {"placement site: news", "everyone"} <= words
    assert found.ahead == []
    parts = {(part.source, part.name) for part in ENCODING.parts({"member": True, "visits": 2.5})}
    assert {("user", "member"), ("user", "visits"), ("user", "device"), ("user", "gender")} <= parts


def test_a_prompt_without_lessons_has_its_bonus_and_its_prior() -> None:
    model, clicks = taught(LinUCB)
    model.add_arm(3, prior=model.prior(strength=40.0))
    model.add_arm(4)
    entries = {entry.arm: entry for entry in why(model, ENCODING, clicks, None, None, None, [1, 3, 4]).arms}
    assert (entries[4].rate, entries[4].reasons, entries[4].prior) == (0.0, [], 0.0)
    assert entries[4].bonus > entries[3].bonus > entries[1].bonus
    assert (entries[3].learned, entries[3].prior) == (0, pytest.approx(40.0))


def test_what_cannot_be_explained() -> None:
    model, clicks = taught(LinUCB)
    with pytest.raises(FeatureError, match=r"user\.features\.age must be a number"):
        why(model, ENCODING, clicks, {"age": "old"}, None, None, [1])
    with pytest.raises(UnknownArmError, match="9 is not active"):
        why(model, ENCODING, clicks, None, None, None, [9])
