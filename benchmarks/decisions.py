"""Decisions, events and learning against a real PostgreSQL, through Django's test client in one process.

``/healthz`` in the same run says what a request costs that does nothing: ratios to it are comparable between machines.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

SECONDS = 3.0
ITEMS = 20
EVENTS = 1000
BATCHES = 24
CLIENTS = 4
LESSONS = 150_000
SAMPLE = 500
CLICKED = 0.05


def run() -> list[Result]:
    """Requests per second of one process, and rows per second of events and of the learner."""
    with _database(durable=True):
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
        served = _events_over_http(shop)
        lessons = _lessons_per_second(shop)
        rebuilt = _rebuilt_per_second()
    return [
        _result("healthz", health, "requests/s"),
        _result("decisions, 1 item", one, "requests/s", "healthz requests", health),
        _result(f"decisions, {ITEMS} items", many * ITEMS, "decisions/s", "decisions, 1 item", one),
        _result(f"events, batches of {EVENTS}, one process", events, "events/s", "healthz requests", health),
        _result(f"events, batches of {EVENTS}, HTTP, 2 workers", served, "events/s", "one process", events),
        _result("learner", lessons, "impressions/s", "events, one process", events),
        _result("rebuild from the log", rebuilt, "impressions/s", "learner", lessons),
    ]


@contextmanager
def _database(*, durable: bool = False) -> Iterator[None]:
    """A migrated test database in a private cluster, gone afterwards; ``durable`` as in production, with fsync."""
    import django
    from django.conf import settings

    from config import services

    django.setup()
    if "testserver" not in settings.ALLOWED_HOSTS:
        raise RuntimeError("run it with DJANGO_SETTINGS_MODULE=config.settings.test")
    from django.db import connection, connections

    base = Path(os.environ["STUDIO_VAR"])
    postgres = services.Postgres(base, durable=durable)
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


def _bodies(shop: Any, count: int) -> list[list[dict[str, str]]]:
    """Batches of impressions of different shoppers, as a recommender reports them; every twentieth has its click."""
    from bandit.tokens import seal, user_key
    from tests.bandit_rows import FEATURES, token

    batches = []
    for _ in range(count):
        batch: list[dict[str, str]] = []
        while len(batch) < EVENTS:
            number = random.randrange(10**6)
            user = {"device": ("mobile", "desktop")[number % 2], "age": 18 + number % 60}
            made = token(
                shop.merchant,
                shop.versions[number % 3],
                user_key=user_key(shop.merchant.pk, str(number)),
                features=FEATURES | {"user": user},
            )
            batch.append({"type": "impression", "token": seal(made), "event_id": f"i-{number}"})
            if len(batch) % 20 == 0:
                batch[-1] = {**batch[-2], "type": "click", "event_id": f"c-{number}"}
        batches.append(batch)
    return batches


def _events_per_second(shop: Any) -> float:
    from tests.bandit_rows import post

    _expect(post("/api/v1/events", _bodies(shop, 1)[0], shop.key), 202)
    batches = _bodies(shop, 6)
    start = time.perf_counter()
    for batch in batches:
        _expect(post("/api/v1/events", batch, shop.key), 202)
    return len(batches) * EVENTS / (time.perf_counter() - start)


def _events_over_http(shop: Any) -> float:
    """Two workers as `make run` starts them, and clients that do nothing but send what was made before."""
    bodies = [json.dumps(batch).encode() for batch in _bodies(shop, BATCHES)]
    warm = [json.dumps(batch).encode() for batch in _bodies(shop, 2 * CLIENTS)]
    port = _free_port()
    environment = os.environ | {"STUDIO_USE_TEST_DATABASE": "1"}
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "config/gunicorn.py"]
    server = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}"], env=environment)
    try:
        _wait_for(port)
        _send_all(port, shop.key, warm)
        start = time.perf_counter()
        _send_all(port, shop.key, bodies)
        return len(bodies) * EVENTS / (time.perf_counter() - start)
    finally:
        server.terminate()
        server.wait(20)


def _send_all(port: int, key: str, bodies: list[bytes]) -> None:
    def send(mine: list[bytes]) -> None:
        for body in mine:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            client.request("POST", "/api/v1/events", body, headers)
            answer = client.getresponse()
            receipt = json.loads(answer.read())
            if answer.status != 202 or receipt["accepted"] < 0.99 * EVENTS:
                raise RuntimeError(f"{answer.status}: {receipt}")
            client.close()

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(send, [bodies[start::CLIENTS] for start in range(CLIENTS)]))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn did not start")


# Impressions and lessons as they were recorded, each many times over under ids of their own.
_MULTIPLY = """
WITH copies AS (
    SELECT gen_random_uuid() AS id, l.decision_id AS of, random() < %(clicked)s AS is_clicked
    FROM bandit_pendinglesson l CROSS JOIN generate_series(1, %(times)s)
),
shown AS (
    INSERT INTO bandit_impression
    SELECT (jsonb_populate_record(i, jsonb_build_object('decision_id', c.id))).*
    FROM copies c JOIN bandit_impression i ON i.decision_id = c.of
),
clicked AS (
    INSERT INTO bandit_click (decision_id, merchant_id, event_id, is_simulated, occurred_at)
    SELECT c.id, i.merchant_id, '', false, i.occurred_at FROM copies c
    JOIN bandit_impression i ON i.decision_id = c.of WHERE c.is_clicked
)
INSERT INTO bandit_pendinglesson
SELECT (jsonb_populate_record(l, jsonb_build_object('decision_id', c.id))).*
FROM copies c JOIN bandit_pendinglesson l ON l.decision_id = c.of
"""


def _lessons_per_second(shop: Any) -> float:
    from django.db import connection
    from django.utils import timezone

    from bandit.events import Event, record_events
    from bandit.learning import learn_once

    learn_once()
    batch = [one for one in _bodies(shop, 1)[0] if one["type"] == "impression"][:SAMPLE]
    record_events([Event("impression", one["token"]) for one in batch], {shop.merchant.pk})
    with connection.cursor() as cursor:
        cursor.execute(_MULTIPLY, {"times": LESSONS // SAMPLE, "clicked": CLICKED})
        cursor.execute("VACUUM ANALYZE bandit_pendinglesson, bandit_impression, bandit_click")
    begun = time.perf_counter()
    learned = learn_once(timezone.now() + timedelta(minutes=1), is_thorough=False)
    spent = time.perf_counter() - begun
    if learned < LESSONS:
        raise RuntimeError(f"learned from {learned} impressions, not {LESSONS}")
    return learned / spent


def _rebuilt_per_second() -> float:
    """How fast the state is computed anew from the raw log, and that it is the same."""
    from bandit.learning import load, rebuild
    from bandit.lineage import difference
    from bandit.models import Policy

    policy = Policy.objects.get(is_active=True)
    begun = time.perf_counter()
    model = rebuild(policy)
    spent = time.perf_counter() - begun
    if (apart := difference(load(policy), model)) > 1e-9:
        raise RuntimeError(f"the log gives another state, {apart} away")
    return sum(model.counts.values()) / spent


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
