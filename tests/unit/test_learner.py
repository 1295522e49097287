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
from bandit.linucb import LinearPolicy, LinUCB
from bandit.models import Click, Experiment, Impression, LearningStep, PendingLesson, Policy, PolicySnapshot
from creatives.models import Merchant, PromptVersion
from tests import factories
from tests.bandit_rows import FEATURES, learned, pool, shown

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=60)


@pytest.fixture
def arms() -> list[PromptVersion]:
    return pool(factories.category("Home"), 2)


def same(left: LinearPolicy, right: LinearPolicy) -> bool:
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
    assert learned(policy) == {clicked.pk: (1, 1), passed.pk: (1, 0)}
    assert not PendingLesson.objects.exists()


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
    assert learned(Policy.objects.get()) == {row.pk: (1, 1)}


@pytest.mark.parametrize(
    ("after", "reward"), [(60 * MINUTE, 1.0), (60 * MINUTE + timedelta(milliseconds=1), 0.0)]
)
def test_a_click_counts_until_the_window_ends(
    merchant: Merchant, arms: list[PromptVersion], after: timedelta, reward: float
) -> None:
    row = shown(merchant, arms[0], clicked_after=after)
    learn_once()
    assert learned(Policy.objects.get()) == {row.pk: (1, reward)}


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
    assert Impression.objects.get() == row
    assert not PendingLesson.objects.exists()
    assert not Policy.objects.exists()


def test_features_that_cannot_be_encoded_are_flagged_and_hold_nobody_up(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    bad = shown(merchant, arms[0], features={"user": {"age": [1]}})
    good = shown(merchant, arms[0])
    assert learn_once() == 1
    assert bad.flags == ["unencodable"]
    assert learned(Policy.objects.get()) == {good.pk: (1, 0)}
    assert PolicySnapshot.objects.get().impressions == 1


def test_lessons_of_another_encoding_are_encoded_anew(merchant: Merchant, arms: list[PromptVersion]) -> None:
    rows = [
        shown(merchant, arms[0], clicked_after=MINUTE),
        shown(merchant, arms[1]),
        shown(merchant, arms[1]),
    ]
    PendingLesson.objects.filter(pk=rows[0].pk).update(encoding_version=7)
    PendingLesson.objects.filter(pk=rows[1].pk).update(context=b"")
    Impression.objects.filter(pk=rows[2].pk).update(features={"user": {"age": []}})
    PendingLesson.objects.filter(pk=rows[2].pk).update(context=b"")
    assert learn_once() == 2
    assert learned(Policy.objects.get()) == {rows[0].pk: (1, 1), rows[1].pk: (1, 0)}
    assert same(rebuild(Policy.objects.get()), load(Policy.objects.get()))
    rows[2].refresh_from_db()
    assert rows[2].flags == ["unencodable"]
    assert not PendingLesson.objects.exists()


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
    assert sorted(version for version, _ in learned(policy).values()) == [1, 1, 1, 2, 2, 2, 3]
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


def test_a_failure_halfway_leaves_nothing(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = shown(merchant, arms[0])
    other = shown(merchant, pool(factories.category("Shoes"), 1)[0])

    def fail(policy: Policy, *args: Any, **fields: Any) -> PolicySnapshot:
        made = publish(policy, *args, **fields)
        if policy.category.path == "Home":
            raise DatabaseError("gone")
        return made

    publish = learning.publish
    monkeypatch.setattr(learning, "publish", fail)
    with pytest.raises(DatabaseError):
        learn_once()
    assert [lesson.pk for lesson in PendingLesson.objects.all()] == [row.pk]
    assert learned(Policy.objects.get(category__path="Shoes")) == {other.pk: (1, 0)}
    assert not Policy.objects.filter(category__path="Home", current_version__gt=0).exists()
    assert not PolicySnapshot.objects.filter(policy__category__path="Home").exists()
    assert not LearningStep.objects.filter(policy__category__path="Home").exists()


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
