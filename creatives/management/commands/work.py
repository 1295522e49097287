"""`manage.py work`: a worker that paints, renders and imports."""

from __future__ import annotations

from typing import Any

import django_rq
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from creatives.pipeline import FolderCache, Painter, Segmenter
from creatives.services.profiles import painter_of, profile_in_use
from creatives.worker import Studio, StudioWorker

QUEUES = ("default", "generate")
"""Small jobs first: imports and renditions slip in between two batches of paintings."""


class Command(BaseCommand):
    """Run jobs of the given queues until SIGTERM or SIGINT; the checkpoint is loaded once and kept warm."""

    help = "Run jobs: paintings (queue generate), renditions and imports (queue default)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "queues", nargs="*", help=f"queues to work on, of {', '.join(QUEUES)} (default: all)"
        )
        parser.add_argument("--burst", action="store_true", help="stop when the queues are empty")

    def handle(self, *args: Any, **options: Any) -> None:
        names = list(dict.fromkeys(options["queues"])) or list(QUEUES)
        if unknown := set(names) - set(QUEUES):
            raise CommandError(
                f"no queue {', '.join(sorted(unknown))}; there are {', '.join(QUEUES)}", returncode=2
            )
        cache = FolderCache(settings.STAGE_CACHE_DIR)
        studio = Studio(lambda: _painter(cache), cache, Segmenter(settings.SEGMENTER, settings.MODELS_DIR))
        queues = [django_rq.get_queue(name) for name in names]
        worker = StudioWorker(queues, connection=queues[0].connection, studio=studio)
        worker.work(burst=options["burst"], logging_level=None)


def _painter(cache: FolderCache) -> Painter:
    """The painter of the profile in use, on as many threads as the settings allow."""
    painter = painter_of(profile_in_use(), cache)
    painter.warm()
    return painter
