"""A Redis of one's own, to be stopped and started at will."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django_rq.settings import QUEUES

from config import services


class OwnRedis:
    """Stopping it loses what it holds, as it keeps nothing on disk."""

    def __init__(self, base: Path) -> None:
        self.service = services.Redis(base)
        self.url = services.redis_url(base)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = services.start(self.service)

    def stop(self) -> None:
        if self.process is not None:
            services.stop(self.process)
            self.process = None


@pytest.fixture
def own_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path)
    redis.start()
    settings.REDIS_URL = redis.url
    for name in QUEUES:
        monkeypatch.setitem(QUEUES[name], "URL", redis.url)
    try:
        yield redis
    finally:
        redis.stop()
