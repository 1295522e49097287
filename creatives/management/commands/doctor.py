"""`manage.py doctor`: what this installation needs, one line each, with the fix."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.doctor import CHECKS, Level, run


class Command(BaseCommand):
    """Exit 0 when everything needed is there (warnings allowed), 1 otherwise."""

    help = __doc__ or ""
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", choices=[check.name for check in CHECKS], action="append", help="run only this check"
        )

    def handle(self, *args: Any, only: list[str] | None, **options: Any) -> None:
        findings = [run(check) for check in CHECKS if only is None or check.name in only]
        marks = {
            Level.OK: self.style.SUCCESS("ok  "),
            Level.WARNING: self.style.WARNING("warn"),
            Level.ERROR: self.style.ERROR("FAIL"),
        }
        for finding in findings:
            fix = f"  →  {finding.fix}" if finding.fix else ""
            self.stdout.write(f"{marks[finding.level]}  {finding.name:11} {finding.text}{fix}")
        if any(finding.level is Level.ERROR for finding in findings):
            sys.exit(1)
