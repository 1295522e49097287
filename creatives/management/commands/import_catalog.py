"""`manage.py import_catalog`: the upload page's code path, on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from creatives.feeds import FORMATS
from creatives.feeds.columns import normalised
from creatives.models import CatalogImport, ImportMode, Merchant
from creatives.services.catalog import CatalogError
from creatives.services.catalog_import import run_import
from creatives.services.imports import ImportHow, start_import

COUNTS: Final = ("created", "changed", "unchanged", "retired", "refused")
SHOWN_ISSUES: Final = 100
NAMES: Final = {"record": "id", "number": "record"}
"""What the issues' fields are called in JSON, as in the API."""


class Command(BaseCommand):
    """Exit 0 with a summary; 2 when any row was refused or the file cannot be read."""

    help = "Import a product feed (TSV, CSV, RSS, Atom, Shopify CSV, or a ZIP with pictures) into a merchant's catalogue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant", metavar="MERCHANT", help="the merchant's slug")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--mode", choices=ImportMode.values, default="upsert")
        parser.add_argument("--dry-run", action="store_true", help="report, and change nothing")
        parser.add_argument("--strict", action="store_true", help="import nothing if any row is refused")
        parser.add_argument(
            "--format", choices=list(FORMATS), default="", help="default: found by the header"
        )
        parser.add_argument("--currency", default="", help="of prices that name none (ISO 4217)")
        parser.add_argument(
            "--pages",
            default="",
            metavar="URL",
            help="of the products, where the feed has no links: https://…/{id}",
        )
        parser.add_argument(
            "--column", action="append", default=[], metavar="HEADER=FIELD",
            help="name a column of a file of no known format; once per column",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = Merchant.objects.filter(slug=options["merchant"]).first()
        if merchant is None:
            known = ", ".join(Merchant.objects.order_by("slug").values_list("slug", flat=True)[:10])
            raise CommandError(
                f"no merchant {options['merchant']!r}; there are: {known or 'none'}", returncode=2
            )
        done = self._import(merchant, options)
        if options["json"]:
            self.stdout.write(json.dumps(_summary(done), indent=2))
        else:
            self._print(done)
        if done.status == CatalogImport.Status.FAILED:
            raise CommandError(f"{options['file']}: {done.error}", returncode=2)
        if done.refused:
            sys.exit(2)

    def _import(self, merchant: Merchant, options: dict[str, Any]) -> CatalogImport:
        path: Path = options["file"]
        names = ("mode", "dry_run", "strict", "format", "currency")
        chosen = {name: options[name] for name in names}
        how = ImportHow(link_template=options["pages"], columns=_columns(options["column"]), **chosen)
        try:
            with path.open("rb") as source:
                upload = start_import(merchant, source, path.name, how, queue=False)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}", returncode=2) from error
        except CatalogError as error:
            raise CommandError(f"{path}: {error}", returncode=2) from error
        done = run_import(upload.pk)
        assert done is not None  # nobody else knows of this import
        return done

    def _print(self, done: CatalogImport) -> None:
        for issue in done.issues.all()[:SHOWN_ISSUES]:
            where = f"{done.filename}:{issue.line}"
            what = " ".join(
                filter(None, [issue.record, issue.column, repr(issue.value) if issue.value else ""])
            )
            self.stderr.write(
                f"{where}: {issue.severity}: {what}: {issue.rule} {issue.fix}".replace(" : ", " ")
            )
        hidden = done.issues.count() - SHOWN_ISSUES
        if hidden > 0:
            self.stderr.write(f"… and {hidden} more")
        if done.status == CatalogImport.Status.DONE:
            counts = ", ".join(f"{getattr(done, name)} {name}" for name in COUNTS)
            self.stdout.write(f"{'dry run: ' if done.dry_run else ''}{done.rows_done} rows: {counts}")


def _columns(texts: list[str]) -> dict[str, str]:
    """Fields by normalised header. Raises CommandError."""
    for text in texts:
        if "=" not in text:
            raise CommandError(f"--column {text}: write it as HEADER=FIELD", returncode=2)
    return {normalised(header): name for header, _, name in (text.rpartition("=") for text in texts)}


def _summary(done: CatalogImport) -> dict[str, Any]:
    issues = done.issues.values("number", "line", "record", "column", "value", "severity", "rule", "fix")
    return {
        "id": done.pk,
        "merchant": done.merchant.slug,
        "file": done.filename,
        "mode": done.mode,
        "dry_run": done.dry_run,
        "read_as": done.read_as,
        "status": done.status,
        "error": done.error,
        "rows": done.rows_done,
        **{name: getattr(done, name) for name in COUNTS},
        "issues": [{NAMES.get(key, key): value for key, value in issue.items()} for issue in issues],
    }
