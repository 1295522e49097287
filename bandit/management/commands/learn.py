"""`manage.py learn`: the learner."""

from __future__ import annotations

import signal
import threading
import zlib
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, transaction
from django.utils import timezone

from bandit import rollup_loop
from bandit.config_cache import forget_old_changes
from bandit.experiments import ensure_default_experiments
from bandit.learning import learn_once
from bandit.lineage import difference, load, lock_pool, publish, rebuild
from bandit.models import LearningStep, Policy

log = structlog.get_logger("learner")

HOUSEKEEPING_ROUNDS = 12


class Command(BaseCommand):
    help = "Fold finished impressions into the policies: every LEARN_SECONDS until stopped, --once, or anew with --rebuild."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="learn from what is due, and exit")
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="compute every policy anew from the log, publish it as a new version, say how far it is from the old one",
        )
        parser.add_argument(
            "--merchant", help="with --rebuild: only the policies of this merchant (its slug)"
        )
        parser.add_argument(
            "--share",
            default="1/1",
            metavar="N/M",
            help="be the Nth of M learners, each of which takes its own categories",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_mine = _share(options["share"])
        if options["rebuild"]:
            self._rebuild(options["merchant"])
            return
        if options["once"]:
            ensure_default_experiments()
            self.stdout.write(f"learned from {learn_once(is_mine=is_mine)} impressions")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        counting = rollup_loop.start(stop)
        rounds = 0
        while not stop.is_set():
            self._round(stop, is_mine, is_housekeeping=rounds % HOUSEKEEPING_ROUNDS == 0)
            rounds += 1
            stop.wait(settings.LEARN_SECONDS)
        counting.join()

    def _round(
        self, stop: threading.Event, is_mine: Callable[[int, int], bool], *, is_housekeeping: bool
    ) -> None:
        close_old_connections()
        try:
            if is_housekeeping:
                forget_old_changes()
            ensure_default_experiments()
            learn_once(is_mine=is_mine, is_stopped=stop.is_set, is_thorough=is_housekeeping)
        except Exception:  # the database may be away: the next round finds everything where it was
            log.exception("round_failed")

    def _rebuild(self, merchant: str | None) -> None:
        rows = Policy.objects.filter(is_active=True, current_version__gt=0).select_related(
            "merchant", "category"
        )
        if merchant is not None:
            rows = rows.filter(merchant__slug=merchant)
            if not rows.exists():
                raise CommandError(f"--merchant: no policy of a merchant {merchant!r}", returncode=2)
        for row in rows.order_by("merchant__slug", "category__path"):
            with transaction.atomic():
                policy = lock_pool(row.merchant_id, row.category_id)
                model = rebuild(policy)
                apart = difference(load(policy), model)
                before = policy.current_version
                publish(policy, model, LearningStep.Kind.REBUILD, timezone.now())
            self.stdout.write(
                f"{row.merchant.slug} {row.category.path}: version {before} computed anew as version "
                f"{policy.current_version}, largest difference {apart:.1e}"
            )


def _share(text: str) -> Callable[[int, int], bool]:
    """Which pools the ``N/M``-th learner takes: by category, the same in every process. Raises CommandError."""
    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise CommandError(f"--share: {text!r} is not N/M with 1 ≤ N ≤ M", returncode=2)

    def is_mine(merchant_id: int, category_id: int) -> bool:
        return zlib.crc32(f"{category_id}".encode()) % int(total) == int(number) - 1

    return is_mine
