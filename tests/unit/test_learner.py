"""The learner: what it learns from, what it counts as a click, and what it writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bandit import learning
from bandit.features import encoding
from bandit.learning import learn_once, load, rebuild
from bandit.linucb import LinUCB
from bandit.models import Click, Experiment, Impression, Policy, PolicySnapshot
from creatives.models import Merchant, PromptVersion
from tests import factories
from tests.bandit_rows import FEATURES, pool, shown

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=60)


@pytest.fixture
def arms() -> list[PromptVersion]:
    return pool(factories.category("Home"), 2)


def same(left: LinUCB, right: LinUCB) -> bool:
    a, b = left.state(), right.state()
    order = [b["arms"].index(arm) for arm in a["arms"]]
    return len(a["arms"]) == len(b["arms"]) and all(
        np.allclose(a[name], np.asarray(b[name])[order], rtol=0, atol=1e-9) for name in ("A", "b", "counts")
    )


def test_a_first_lesson(merchant: Merchant, arms: list[PromptVersion]) -> None:
    clicked = shown(merchant, arms[0], clicked_after=MINUTE)
    passed = shown(merchant, arms[1])
    assert learn_once() == 2
    policy = Policy.objects.get()
    snapshot = policy.snapshots.get()
    assert (policy.current_version, snapshot.version, snapshot.impressions, snapshot.clicks) == (1, 1, 2, 1)
    expected = LinUCB(encoding(1).n_features)
    x = encoding(1).encode(FEATURES["user"], FEATURES["item"], FEATURES["placement"])
    for arm, reward in ((arms[0].pk, 1.0), (arms[1].pk, 0.0)):
        expected.add_arm(arm)
        expected.update(x, arm, reward)
    assert same(load(policy), expected)
    for row, reward in ((clicked, 1.0), (passed, 0.0)):
        row.refresh_from_db()
        assert (row.learned_version, row.learned_reward, row.learned_at) == (1, reward, snapshot.created_at)


def test_learning_again_changes_nothing(merchant: Merchant, arms: list[PromptVersion]) -> None:
    shown(merchant, arms[0])
    learn_once()
    assert learn_once() == 0
    assert PolicySnapshot.objects.count() == 1


def test_it_waits_for_the_attribution_window(merchant: Merchant, arms: list[PromptVersion]) -> None:
    row = shown(merchant, arms[0], clicked_after=MINUTE)
    end = row.occurred_at + 60 * MINUTE
    assert learn_once(end - timedelta(seconds=1)) == 0
    assert not Policy.objects.exists()
    assert learn_once(end) == 1


def test_a_window_of_nothing_learns_at_once_from_the_clicks_that_are_there(arms: list[PromptVersion]) -> None:
    merchant = factories.merchant(attribution_minutes=0)
    row = shown(
        merchant, arms[0], issued_at=timezone.now() - timedelta(seconds=3), clicked_after=timedelta(seconds=2)
    )
    assert learn_once() == 1
    row.refresh_from_db()
    assert row.learned_reward == 1.0


@pytest.mark.parametrize(
    ("after", "reward"), [(60 * MINUTE, 1.0), (60 * MINUTE + timedelta(milliseconds=1), 0.0)]
)
def test_a_click_counts_until_the_window_ends(
    merchant: Merchant, arms: list[PromptVersion], after: timedelta, reward: float
) -> None:
    row = shown(merchant, arms[0], clicked_after=after)
    learn_once()
    row.refresh_from_db()
    assert row.learned_reward == reward


def test_a_click_that_is_reported_after_the_lesson_changes_nothing(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    row = shown(merchant, arms[0])
    learn_once()
    Click.objects.create(decision_id=row.pk, merchant=merchant, occurred_at=row.occurred_at + MINUTE)
    assert learn_once() == 0
    row.refresh_from_db()
    assert row.learned_reward == 0.0
    assert same(rebuild(Policy.objects.get()), load(Policy.objects.get()))


def test_a_click_without_an_impression_teaches_nothing(merchant: Merchant) -> None:
    Click.objects.create(
        decision_id="8a9d1a6e-6b1c-4a52-9a2b-2f8d6d0a7c11", merchant=merchant, occurred_at=timezone.now()
    )
    assert learn_once(timezone.now() + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"is_fallback": True},
        {"variant": "original"},
        {"variant": "positioned"},
        {"variant": "original", "prompt_version_id": None},
        {"category_id": None},
    ],
)
def test_only_a_prompt_that_was_shown_teaches(
    merchant: Merchant, arms: list[PromptVersion], fields: dict[str, Any]
) -> None:
    row = shown(merchant, arms[0], clicked_after=MINUTE, **fields)
    assert learn_once() == 0
    row.refresh_from_db()
    assert row.learned_at is None
    assert not Policy.objects.exists()


def test_flagged_impressions_are_kept_and_not_learned_from(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    row = shown(merchant, arms[0])
    Impression.objects.filter(pk=row.pk).update(flags=["bot"])
    assert learn_once() == 0


def test_features_that_cannot_be_encoded_are_flagged_and_hold_nobody_up(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    bad = shown(merchant, arms[0], features={"user": {"age": [1]}})
    good = shown(merchant, arms[0])
    learn_once()
    for row in (bad, good):
        row.refresh_from_db()
    assert (bad.flags, bad.learned_at) == (["unencodable"], None)
    assert good.learned_version == 1
    assert PolicySnapshot.objects.get().impressions == 1


def test_each_merchant_and_pool_has_a_policy_of_its_own(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    other_pool = pool(factories.category("Shoes"), 1)
    shown(merchant, arms[0])
    shown(merchant, other_pool[0])
    shown(factories.merchant(), arms[0])
    assert learn_once() == 3
    assert Policy.objects.count() == 3
    assert {snapshot.impressions for snapshot in PolicySnapshot.objects.all()} == {1}


def test_batches_add_up(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        shown(merchant, arms[number % 2], clicked_after=MINUTE if number % 3 == 0 else None)
    monkeypatch.setattr(learning, "BATCH", 3)
    assert learn_once() == 7
    policy = Policy.objects.get()
    assert policy.current_version == 3
    assert list(policy.snapshots.order_by("version").values_list("impressions", "clicks")) == [
        (3, 1),
        (6, 2),
        (7, 3),
    ]
    assert sorted(Impression.objects.values_list("learned_version", flat=True)) == [1, 1, 1, 2, 2, 2, 3]
    assert same(rebuild(policy), load(policy))


def test_the_number_of_queries_does_not_grow_with_the_batch(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    def queries(rows: int) -> int:
        for number in range(rows):
            shown(merchant, arms[0], clicked_after=MINUTE if number == 0 else None)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            learn_once()
        return len(captured)

    shown(merchant, arms[0], clicked_after=MINUTE)
    learn_once()
    assert queries(2) == queries(9)


def test_a_new_encoding_starts_from_the_log(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shown(merchant, arms[0], clicked_after=MINUTE if number else None)
    learn_once()
    old = Policy.objects.get()
    monkeypatch.setattr(learning, "CURRENT_VERSION", 2)
    monkeypatch.setitem(learning.encoding.__globals__["ENCODINGS"], 2, encoding(1))
    shown(merchant, arms[1])
    learn_once()
    new = Policy.objects.get(encoding_version=2)
    assert (new.current_version, new.snapshots.get().impressions, new.snapshots.get().clicks) == (1, 4, 2)
    assert load(new).counts == {arms[0].pk: 3, arms[1].pk: 1}
    old.refresh_from_db()
    assert old.current_version == 1


def test_a_failure_halfway_leaves_nothing(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = shown(merchant, arms[0])
    other = shown(merchant, pool(factories.category("Shoes"), 1)[0])

    def fail(lessons: Any, snapshot: PolicySnapshot) -> None:
        if snapshot.policy.category.path == "Home":
            raise DatabaseError("gone")
        mark(lessons, snapshot)

    mark = learning.mark
    monkeypatch.setattr(learning, "mark", fail)
    with pytest.raises(DatabaseError):
        learn_once()
    row.refresh_from_db()
    other.refresh_from_db()
    assert row.learned_at is None
    assert other.learned_version == 1
    assert Policy.objects.get(category__path="Home").current_version == 0
    assert not PolicySnapshot.objects.filter(policy__category__path="Home").exists()


def test_a_snapshot_cannot_be_changed(merchant: Merchant, arms: list[PromptVersion]) -> None:
    shown(merchant, arms[0])
    learn_once()
    with pytest.raises((InternalError, DatabaseError), match="immutable"), transaction.atomic():
        PolicySnapshot.objects.update(impressions=7)
    assert PolicySnapshot.objects.get().impressions == 1


def test_old_snapshots_are_thinned(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "BATCH", 1)
    for _ in range(60):
        shown(merchant, arms[0])
    learn_once()
    versions = set(PolicySnapshot.objects.values_list("version", flat=True))
    # All of them are of this hour (or of two, at the turn of one).
    assert versions >= {*range(41, 61)}
    assert 21 <= len(versions) <= 23
    assert same(rebuild(Policy.objects.get()), load(Policy.objects.get()))


def test_the_command(
    merchant: Merchant, arms: list[PromptVersion], capsys: pytest.CaptureFixture[str]
) -> None:
    shown(merchant, arms[0])
    call_command("learn", "--once")
    assert capsys.readouterr().out == "learned from 1 impressions\n"
    assert Experiment.objects.filter(merchant=merchant, status="running").exists()
