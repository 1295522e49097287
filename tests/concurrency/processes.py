"""Processes that tests start, kill and stop; they use the test's own database and Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def process(*arguments: str, **environment: Any) -> Iterator[subprocess.Popen[bytes]]:
    """``python <arguments>`` on the test database; killed at the end if it still runs."""
    extra = {
        "STUDIO_USE_TEST_DATABASE": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "REDIS_URL": settings.REDIS_URL,
    }
    child = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | extra | {name: str(value) for name, value in environment.items()},
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def slow_worker(step_seconds: float = 0.0, **environment: Any) -> Any:
    """A worker whose paintings take ten times ``step_seconds``; ``BURST=1`` has it stop when the queues are empty."""
    return process("-m", "tests.concurrency.slow_worker", STEP_SECONDS=step_seconds, **environment)
