"""`manage.py dispatch`: carries the outbox to the queue, sends webhooks, and sweeps up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection
from redis import RedisError

from creatives.outbox import BATCH, dispatch_once
from creatives.sender import Sender
from creatives.services import catalog_sweep
from creatives.services.sweeper import sweep

log = structlog.get_logger("dispatcher")

POLL_SECONDS = 0.5
MAX_PAUSE_SECONDS = 15.0


class Task:
    """Something done every ``period`` seconds; after a failure of database or Redis, less and less often."""

    def __init__(self, name: str, run: Callable[[], object], period: float) -> None:
        self.name, self.run, self.period = name, run, period
        self.due = 0.0
        self.pause = period

    def run_if_due(self, now: float) -> None:
        if now < self.due:
            return
        try:
            self.run()
            self.pause = self.period
        except (RedisError, DatabaseError) as error:
            # Nothing is lost: what was not done is still in the database.
            self.pause = min(self.pause * 2, MAX_PAUSE_SECONDS)
            log.warning(
                "task failed", task=self.name, retry_in=self.pause, error=f"{type(error).__name__}: {error}"
            )
            connection.close()
        self.due = time.monotonic() + self.pause


class Command(BaseCommand):
    """Run until SIGTERM or SIGINT. Several dispatchers may run at once: they pass over each other's rows."""

    help = "Carry the outbox to the queue, send webhooks, and pick up what workers left behind."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round of everything, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        sender = Sender()
        tasks = [
            Task("sweep", sweep, settings.SWEEP_SECONDS),
            Task("catalogue", catalog_sweep.sweep, settings.SWEEP_SECONDS),
            Task("outbox", drain_outbox, POLL_SECONDS),
            Task("webhooks", sender.start_due, POLL_SECONDS),
        ]
        if options["once"]:
            for task in tasks:
                task.run()
            sender.wait(2 * settings.WEBHOOK_TIMEOUT_SECONDS)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.wait(POLL_SECONDS):
            for task in tasks:
                task.run_if_due(time.monotonic())


def drain_outbox() -> None:
    """Put everything that is due on the queue."""
    while dispatch_once() == BATCH:
        pass
