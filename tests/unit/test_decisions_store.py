"""Snapshots in memory: fresh within the refresh interval, read once per version."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from bandit.learning import learn_once
from bandit.models import Policy
from bandit.recent import Recently
from bandit.store import SnapshotStore
from creatives.models import Merchant, PromptVersion
from tests import factories
from tests.bandit_rows import pool, shown

pytestmark = pytest.mark.django_db
always_fresh = override_settings(SNAPSHOT_REFRESH_SECONDS=0)
never_fresh = override_settings(SNAPSHOT_REFRESH_SECONDS=3600)


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant()


@pytest.fixture
def arms() -> list[PromptVersion]:
    return pool(factories.category("Home"), 2)


def teach(merchant: Merchant, version: PromptVersion, times: int = 1) -> tuple[int, int]:
    for _ in range(times):
        shown(merchant, version, clicked_after=timedelta(minutes=1))
    learn_once()
    return merchant.pk, version.prompt.category_id


def queries(store: SnapshotStore, *keys: tuple[int, int]) -> int:
    with CaptureQueriesContext(connection) as captured:
        store.policies(keys)
    return len(captured)


def test_what_was_never_taught_is_version_0(merchant: Merchant, arms: list[PromptVersion]) -> None:
    key = (merchant.pk, arms[0].prompt.category_id)
    served = SnapshotStore().policies([key])[key]
    assert served.version == 0
    model = served.model([arms[0].pk, arms[1].pk], 0.7)
    assert set(model.arms) == {arm.pk for arm in arms}
    assert (model.alpha, set(model.counts.values())) == (0.7, {0})


def test_a_new_version_is_taken_up_once_the_interval_has_passed(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    key = teach(merchant, arms[0])
    store = SnapshotStore()
    with never_fresh:
        assert store.policies([key])[key].version == 1
        teach(merchant, arms[0])
        assert queries(store, key) == 0
        assert store.policies([key])[key].version == 1
    with always_fresh:
        assert store.policies([key])[key].version == 2
        assert queries(store, key) == 1  # the version only: the state is read once


def test_going_back_to_an_older_version_is_taken_up_too(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    key = teach(merchant, arms[0])
    teach(merchant, arms[0])
    store = SnapshotStore()
    with always_fresh:
        assert store.policies([key])[key].version == 2
        Policy.objects.update(current_version=1)
        assert store.policies([key])[key].version == 1


def test_many_pools_take_two_queries(merchant: Merchant, arms: list[PromptVersion]) -> None:
    keys = [teach(merchant, arms[0])]
    keys += [teach(merchant, pool(factories.category(name), 1)[0]) for name in ("Shoes", "Garden")]
    keys.append(teach(factories.merchant(), arms[0]))
    assert queries(SnapshotStore(), *keys) == 2


def test_pools_do_not_mix(merchant: Merchant, arms: list[PromptVersion]) -> None:
    mine, theirs = teach(merchant, arms[0]), teach(factories.merchant(), arms[1], 2)
    found = SnapshotStore().policies([mine, theirs])
    assert found[mine].model([], 1.0).counts == {arms[0].pk: 1}
    assert found[theirs].model([], 1.0).counts == {arms[1].pk: 2}


def test_new_prompts_and_another_alpha_leave_what_was_learned(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    key = teach(merchant, arms[0])
    served = SnapshotStore().policies([key])[key]
    first = served.model([arms[0].pk], 0.5)
    assert served.model([arms[0].pk], 0.5) is first
    wider = served.model([arms[0].pk, arms[1].pk], 0.5)
    assert first.arms == (arms[0].pk,)
    assert wider.counts == {arms[0].pk: 1, arms[1].pk: 0}
    assert served.model([arms[1].pk], 0.9).alpha == 0.9
    assert first.alpha == 0.5


def test_a_store_forgets_the_pools_that_nobody_asks_for(merchant: Merchant) -> None:
    store = SnapshotStore(max_pools=2)
    with never_fresh:
        for category in (1, 2, 3):
            store.policies([(merchant.pk, category)])
        assert queries(store, (merchant.pk, 3)) == 0
        assert queries(store, (merchant.pk, 1)) == 1


def test_recently_forgets_by_time_and_by_number() -> None:
    recently = Recently(seconds=60, size=2)
    assert recently.unknown(["a", "b"]) == ["a", "b"]
    recently.note(["a", "b"])
    assert recently.unknown(["a", "b", "c"]) == ["c"]
    recently.note(["c"])
    assert recently.unknown(["a", "b", "c"]) == ["a"]
    gone = Recently(seconds=-1)
    gone.note(["a"])
    assert gone.unknown(["a"]) == ["a"]
