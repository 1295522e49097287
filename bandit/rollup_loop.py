"""Counting for the reports every few seconds, beside the learner: a thread with a database connection of its own."""

from __future__ import annotations

import threading
import time

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from bandit.demand import count_demand
from bandit.rollups import roll_up

log = structlog.get_logger("rollups")

MAX_PAUSE_SECONDS = 300.0
BUSY_SHARE = 0.1
"""At most this share of the time is spent counting: on a busy installation reports lag, and the learner does not."""


def start(stop: threading.Event) -> threading.Thread:
    """Start counting until ``stop`` is set."""
    thread = threading.Thread(target=_run, args=(stop,), name="rollups")
    thread.start()
    return thread


def pause_after(seconds: float) -> float:
    """How long to wait after a round that took ``seconds``."""
    return min(max(settings.ROLLUP_SECONDS, seconds * (1 / BUSY_SHARE - 1)), MAX_PAUSE_SECONDS)


def _run(stop: threading.Event) -> None:
    pause = 0.0
    while not stop.wait(pause):
        started = time.monotonic()
        close_old_connections()
        try:
            roll_up(is_stopped=stop.is_set)
            count_demand()
        except Exception:  # the database may be away: the next round finds the touches where they were
            log.exception("round_failed")
        pause = pause_after(time.monotonic() - started)
    connection.close()
