"""`manage.py learn`: the learner."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from bandit import rollup_loop
from bandit.learning import learn_once
from bandit.services import ensure_default_experiments

log = structlog.get_logger("learner")


class Command(BaseCommand):
    help = "Fold finished impressions into LinUCB: every LEARN_SECONDS until stopped, or --once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="learn from what is due, and exit")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            ensure_default_experiments()
            self.stdout.write(f"learned from {learn_once()} impressions")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        counting = rollup_loop.start(stop)
        while not stop.is_set():
            self._round(stop)
            stop.wait(settings.LEARN_SECONDS)
        counting.join()

    def _round(self, stop: threading.Event) -> None:
        close_old_connections()
        try:
            ensure_default_experiments()
            learn_once(is_stopped=stop.is_set)
        except Exception:  # the database may be away: the next round finds everything where it was
            log.exception("round_failed")
