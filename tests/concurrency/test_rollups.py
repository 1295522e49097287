"""Events are counted once while they pour in, several processes count, and rows are flagged at the same time."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Flag
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bandit import rollups
from bandit.events import Event, record_events
from bandit.models import Experiment, Impression, RollupTouch
from bandit.tokens import DecisionToken, seal
from tests import factories
from tests.bandit_rows import token
from tests.rollup_checks import assert_equal_to_the_log

pytestmark = pytest.mark.django_db(transaction=True)
SENDERS, COUNTERS, BATCHES = 3, 2, 8


def on_its_own_connection(call: Callable[[], Any]) -> Any:
    try:
        return call()
    finally:
        connection.close()


def test_counting_while_events_pour_in() -> None:
    merchant = factories.merchant(attribution_minutes=60)
    version = factories.prompt_version(factories.category("Home"))
    experiment = Experiment.objects.create(
        merchant=merchant, name="x", status="running", started_at=timezone.now(), slot_start=0
    )
    done = Flag()

    def decided(rng: random.Random) -> DecisionToken:
        number = rng.randrange(25)
        return token(
            merchant,
            version,
            issued_at=timezone.now() - timedelta(minutes=rng.uniform(5, 600)),
            experiment_id=experiment.pk,
            arm="a" if number % 2 else "b",
            user_key=f"u{number}",
        )

    def send(seed: int) -> None:
        rng = random.Random(seed)
        waiting: list[str] = []
        for _ in range(BATCHES):
            tokens = [seal(decided(rng)) for _ in range(12)]
            clicked = [text for text in tokens if rng.random() < 0.4]
            ahead = clicked[::2]  # their clicks are reported before, the others after their impressions
            record_events([Event("click", text) for text in ahead], {merchant.pk})
            record_events([Event("impression", text) for text in tokens], {merchant.pk})
            record_events([Event("click", text) for text in waiting], {merchant.pk})
            record_events([Event("conversion", text, text[-20:]) for text in clicked[:2]], {merchant.pk})
            waiting = clicked[1::2]

    def flag() -> None:
        rng = random.Random(0)
        while not done.wait(0.01):
            for row in Impression.objects.order_by("decision_id")[: rng.randrange(3)]:
                Impression.objects.filter(pk=row.pk).update(flags=rng.choice([["bot"], []]))

    def count() -> None:
        while not done.wait(0.005):
            rollups.roll_up()

    with ThreadPoolExecutor(SENDERS + COUNTERS + 1) as threads:
        others = [threads.submit(on_its_own_connection, call) for call in (flag, *[count] * COUNTERS)]
        senders = [
            threads.submit(on_its_own_connection, lambda seed=seed: send(seed)) for seed in range(SENDERS)
        ]
        try:
            for sender in senders:
                sender.result()
        finally:
            done.set()
        for other in others:
            other.result()
    rollups.roll_up()
    assert Impression.objects.count() == SENDERS * BATCHES * 12
    assert not RollupTouch.objects.exists()
    assert_equal_to_the_log(merchant)
