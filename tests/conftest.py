"""A private PostgreSQL and Redis for this run of pytest, on unix sockets in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from config import services

_running: list[subprocess.Popen[bytes]] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    base = Path(os.environ["STUDIO_VAR"])
    postgres = services.Postgres(base, durable=False)
    postgres.init()
    _running.append(services.start(postgres))
    _running.append(services.start(services.Redis(base)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    from django.db import connections

    connections.close_all()
    while _running:
        services.stop(_running.pop())
    shutil.rmtree(os.environ["STUDIO_VAR"], ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    fixtures = {"db", "transactional_db"} & set(request.fixturenames)
    if fixtures or request.node.get_closest_marker("django_db"):
        import django_rq

        django_rq.get_connection("default").flushall()
