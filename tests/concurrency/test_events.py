"""The same events from several connections at once are counted once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bandit.events import Event, EventReceipt, record_click, record_events, record_impression
from bandit.experiments import (
    ArmSpec,
    ExperimentError,
    create_experiment,
    ensure_default_experiments,
    start_experiment,
)
from bandit.models import Click, Conversion, Experiment, ExperimentArm, Impression
from bandit.tokens import seal
from tests import factories
from tests.bandit_rows import pool, token

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Results of calls that start at the same time, each on a connection of its own."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            start.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [task.result() for task in [threads.submit(run, call) for call in calls]]


def test_overlapping_batches_in_opposite_orders() -> None:
    merchant = factories.merchant()
    version = pool(factories.category("Home"), 1)[0]
    decided = [seal(token(merchant, version)) for _ in range(100)]
    batch = [
        Event(kind, text, f"{number}" if kind == "conversion" else "")
        for number, text in enumerate(decided)
        for kind in ("impression", "click", "conversion")
    ]

    def send(events: list[Event]) -> Callable[[], EventReceipt]:
        return lambda: record_events(events, {merchant.pk})

    receipts = together(*(send(batch[::-1] if number % 2 else batch) for number in range(AT_ONCE)))
    assert sum(receipt.accepted for receipt in receipts) == 300
    assert sum(receipt.duplicates for receipt in receipts) == 300 * (AT_ONCE - 1)
    assert not any(receipt.rejected for receipt in receipts)
    assert (Impression.objects.count(), Click.objects.count(), Conversion.objects.count()) == (100, 100, 100)


def test_one_pixel_opened_by_several() -> None:
    merchant = factories.merchant()
    decided = token(merchant, pool(factories.category("Home"), 1)[0])
    now = timezone.now()
    assert sorted(together(*[lambda: record_impression(decided, now)] * AT_ONCE)) == [False] * (
        AT_ONCE - 1
    ) + [True]
    assert sorted(together(*[lambda: record_click(decided, now)] * AT_ONCE)) == [False] * (AT_ONCE - 1) + [
        True
    ]
    assert (Impression.objects.count(), Click.objects.count()) == (1, 1)


def test_one_default_experiment_for_many_first_decisions() -> None:
    merchant = factories.merchant()
    made = together(*[lambda: ensure_default_experiments([merchant.pk])] * AT_ONCE)
    assert sorted(made) == [[]] * (AT_ONCE - 1) + [[merchant.pk]]
    assert Experiment.objects.count() == 1
    assert ExperimentArm.objects.count() == 2


def test_two_experiments_started_at_once() -> None:
    merchant = factories.merchant()
    arms = [ArmSpec("all", "random", 100)]
    drafts = [create_experiment(merchant, str(number), arms).pk for number in range(AT_ONCE)]

    def start(pk: int) -> Callable[[], bool]:
        def attempt() -> bool:
            try:
                return bool(start_experiment(pk))
            except ExperimentError:
                return False

        return attempt

    assert sum(together(*map(start, drafts))) == 1
    assert Experiment.objects.filter(status="running").count() == 1
