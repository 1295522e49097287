"""Decisions, events and learning against a real PostgreSQL, through Django's test client in one process.

``/healthz`` in the same run says what a request costs that does nothing: ratios to it are comparable between machines.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

SECONDS = 3.0
ITEMS = 20
EVENTS = 1000
LESSONS = 10_000


def run() -> list[Result]:
    """Requests per second of one process, and rows per second of events and of the learner."""
    with _database():
        from tests.bandit_rows import Shop

        shop = Shop(prompts=3, attribution_minutes=0)
        products = [shop.product() for _ in range(ITEMS)]
        for product in products:
            for version in shop.versions:
                shop.approve(product, version)
        health = _rate(_health)
        one = _rate(lambda: _expect(shop.ask(products[0]), 200))
        many = _rate(lambda: _expect(shop.ask(*products), 200))
        events = _events_per_second(shop)
        lessons = _lessons_per_second(shop)
    return [
        _result("healthz", health, "requests/s"),
        _result("decisions, 1 item", one, "requests/s", "healthz requests", health),
        _result(f"decisions, {ITEMS} items", many * ITEMS, "decisions/s", "decisions, 1 item", one),
        _result(f"events, batches of {EVENTS}", events, "events/s", "healthz requests", health),
        _result("learner", lessons, "impressions/s", "events", events),
    ]


@contextmanager
def _database() -> Iterator[None]:
    """A migrated test database in a private cluster, gone afterwards."""
    import django
    from django.conf import settings

    from config import services

    django.setup()
    if "testserver" not in settings.ALLOWED_HOSTS:
        raise RuntimeError("run it with DJANGO_SETTINGS_MODULE=config.settings.test")
    from django.db import connection, connections

    base = Path(os.environ["STUDIO_VAR"])
    postgres = services.Postgres(base, durable=False)
    postgres.init()
    server = services.start(postgres)
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        yield
    finally:
        connections.close_all()
        services.stop(server)
        shutil.rmtree(base, ignore_errors=True)


def _rate(call: Callable[[], Any]) -> float:
    """Calls per second over ``SECONDS``, after a warm-up."""
    for _ in range(3):
        call()
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        call()
        count += 1
    return count / spent


def _health() -> None:
    from django.test import Client

    _expect(Client().get("/healthz"), 200)


def _expect(response: Any, status: int) -> None:
    if response.status_code != status:
        raise RuntimeError(f"{response.status_code}: {response.content[:300]!r}")


def _events_per_second(shop: Any) -> float:
    from bandit.tokens import seal
    from tests.bandit_rows import post, token

    batches = [
        [{"type": "impression", "token": seal(token(shop.merchant, shop.versions[0]))} for _ in range(EVENTS)]
        for _ in range(4)
    ]
    start = time.perf_counter()
    for batch in batches:
        _expect(post("/api/v1/events", batch, shop.key), 202)
    return len(batches) * EVENTS / (time.perf_counter() - start)


def _lessons_per_second(shop: Any) -> float:
    from bandit.events import Event, record_events
    from bandit.learning import learn_once
    from bandit.tokens import seal
    from tests.bandit_rows import token

    learn_once()
    for start in range(0, LESSONS, EVENTS):
        numbers = range(start, start + EVENTS)
        decided = [seal(token(shop.merchant, shop.versions[number % 3])) for number in numbers]
        record_events([Event("impression", text) for text in decided], {shop.merchant.pk})
        record_events([Event("click", text) for text in decided[::20]], {shop.merchant.pk})
    begun = time.perf_counter()
    from django.utils import timezone

    learned = learn_once(timezone.now() + timedelta(minutes=1))
    if learned != LESSONS:
        raise RuntimeError(f"learned from {learned} impressions, not {LESSONS}")
    return learned / (time.perf_counter() - begun)


def _result(name: str, value: float, unit: str, versus: str = "", of: float = 0.0) -> Result:
    if not versus:
        return {"name": name, "value": round(value, 1), "unit": unit}
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "versus": versus,
        "ratio": round(value / of, 3),
    }
