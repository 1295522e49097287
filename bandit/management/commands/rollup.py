"""`manage.py rollup`: bring the roll-ups of the reports up to date, or count everything anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bandit.rollups import rebuild, roll_up
from creatives.models import Merchant


class Command(BaseCommand):
    help = "Count what has changed in the log since the last time (the learner does so every few seconds)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="count the whole log anew")
        parser.add_argument("--merchant", default="", help="slug of one merchant (default: all of them)")

    def handle(self, *args: Any, **options: Any) -> None:
        merchants = Merchant.objects.all()
        if slug := options["merchant"]:
            merchants = merchants.filter(slug=slug)
            if not merchants:
                raise CommandError(f"--merchant {slug}: there is no such merchant", returncode=2)
        ids = list(merchants.values_list("pk", flat=True))
        if options["rebuild"]:
            for pk in ids:
                rebuild(pk)
        hours = roll_up(ids)
        self.stdout.write(f"{hours:,} {'hour' if hours == 1 else 'hours'} counted")
