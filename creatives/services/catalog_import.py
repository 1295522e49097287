"""Running an import: batch by batch, each in one transaction, so that it resumes where it stopped."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from creatives.feeds import Feed, FeedError, Record, RowIssue, Severity
from creatives.models import CatalogImport, ImportMode, Product
from creatives.services.catalog_rows import Plan, Planner
from creatives.services.catalog_write import save_issues, write_plan
from creatives.services.categories import CategoryIndex
from creatives.services.product_status import lock_catalogue, retire_with_products
from creatives.services.uploads import Source, opened, problem_of, settle

log = structlog.get_logger(__name__)

MAX_ISSUES: Final = 250_000
ARCHIVE_BATCH_ROWS: Final = 100
RETIRE_BATCH: Final = 1_000
SHOWN_RETIRING: Final = 20
OBJECTS_BETWEEN_COLLECTIONS: Final = 100_000

Progress = Callable[[CatalogImport], None]


class LeaseLostError(Exception):
    """Another worker has taken the import over."""


def run_import(import_id: int, on_progress: Progress | None = None) -> CatalogImport | None:
    """Run or resume an import that waits or whose worker is gone; ``None`` when there is nothing to do."""
    upload = _claim(import_id)
    if upload is None:
        return None
    try:
        with _rare_collections():
            _Run(upload, on_progress or (lambda _: None)).run()
    except FeedError as error:
        _fail(import_id, error)
    except LeaseLostError:
        return None
    except Exception:
        _fail(
            import_id, FeedError("The import stopped on an internal error; what was imported so far stays.")
        )
        raise
    return CatalogImport.objects.get(pk=import_id)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage once a batch: its rows hold no cycles, and a look every 700 objects costs a quarter of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@transaction.atomic
def _claim(import_id: int) -> CatalogImport | None:
    now = timezone.now()
    upload = CatalogImport.objects.select_for_update().filter(pk=import_id).first()
    if upload is None or upload.status in (CatalogImport.Status.DONE, CatalogImport.Status.FAILED):
        return None
    if upload.status == CatalogImport.Status.RUNNING and upload.lease_until and upload.lease_until > now:
        return None
    upload.status = CatalogImport.Status.RUNNING
    upload.started_at = upload.started_at or now
    upload.lease_until = now + _lease()
    upload.save(update_fields=["status", "started_at", "lease_until"])
    return upload


def _lease() -> timedelta:
    return timedelta(seconds=settings.CATALOG_LEASE_SECONDS)


def _fail(import_id: int, error: FeedError) -> None:
    problem, fingerprint = problem_of(error)
    changes = {"fingerprint": fingerprint} if fingerprint else {}
    CatalogImport.objects.filter(pk=import_id).update(
        status=CatalogImport.Status.FAILED,
        error=str(error),
        problem=problem,
        finished_at=timezone.now(),
        lease_until=None,
        **changes,
    )


class _Run:
    """One run of one import."""

    def __init__(self, upload: CatalogImport, on_progress: Progress) -> None:
        self.upload = upload
        self.merchant_id = upload.merchant_id
        self.on_progress = on_progress
        self.categories = CategoryIndex()
        self.planner = Planner(self.merchant_id, self.categories, lock=not upload.dry_run)
        self.issue_count = upload.issues.count()

    def run(self) -> None:
        if self.upload.rows_total is None:
            self._first_pass()
        with opened(self.upload, self.categories.digest) as source:
            records = iter(source.feed)
            for _ in islice(records, self.upload.rows_done):
                pass
            while batch := list(islice(records, _batch_rows(source))):
                self._apply(batch, source)
                self.on_progress(self.upload)
            self._finish(source.feed)

    def _first_pass(self) -> None:
        """Find out how the file is read, count its rows and report on it; in strict mode refuse it if any row would be.

        Raises FeedError.
        """
        settle(self.upload)
        refused: list[RowIssue] = []
        total = 0
        with opened(self.upload, self.categories.digest) as source:
            notes = [*source.feed.issues, *_ignored(source)]
            if not self.upload.strict or self.upload.dry_run:
                total = source.feed.count()
            else:
                records = iter(source.feed)
                while batch := list(islice(records, _batch_rows(source))):
                    total += len(batch)
                    plan = self._plan(batch, source, *source.read_pictures(batch, keep=False))
                    refused += [issue for issue in plan.issues if issue.severity is Severity.ERROR]
        rows = len({issue.line for issue in refused})
        with transaction.atomic():
            found = self._locked()
            for name in ("columns", "format", "currency", "link_template", "fingerprint"):
                setattr(found, name, getattr(self.upload, name))
            found.rows_total, found.refused = total, rows
            found.read_as = source.feed.read_as[:120]
            if found.mode == ImportMode.AUTO:
                found.mode = ImportMode.SNAPSHOT if source.feed.is_snapshot else ImportMode.UPSERT
            self._save_issues(notes + refused)
            found.save()
        self.upload = found
        if refused:
            raise FeedError(f"{rows} of {total} rows were refused; strict, so nothing was imported.")

    def _plan(self, batch: Sequence[Record], source: Source, pictures: dict, broken: dict[str, str]) -> Plan:
        return self.planner.plan(batch, pictures, broken, by_digest=source.archive is None)

    def _apply(self, batch: Sequence[Record], source: Source) -> None:
        dry_run = self.upload.dry_run
        pictures, broken = source.read_pictures(batch, keep=not dry_run)  # before the transaction: it is slow
        with transaction.atomic():
            upload = self._locked()
            if not dry_run:  # one import of a merchant writes at a time; readers are not held up
                lock_catalogue(self.merchant_id)
            plan = self._plan(batch, source, pictures, broken)
            if not dry_run:
                write_plan(self.merchant_id, plan)
            self._save_issues(plan.issues)
            upload.rows_done += len(batch)
            upload.created += plan.created
            upload.changed += plan.changed
            upload.unchanged += plan.unchanged
            upload.refused += plan.refused
            upload.lease_until = timezone.now() + _lease()
            upload.save()
        self.upload = upload

    def _locked(self) -> CatalogImport:
        """The import's row, locked; it must be where this run left it, or another run goes on with it."""
        upload = CatalogImport.objects.select_for_update(of=("self",)).get(pk=self.upload.pk)
        if upload.status != CatalogImport.Status.RUNNING or upload.rows_done != self.upload.rows_done:
            raise LeaseLostError
        return upload

    def _save_issues(self, issues: Sequence[RowIssue]) -> None:
        if not issues:
            return
        room = max(MAX_ISSUES - self.issue_count, 0)
        self.issue_count += len(issues)
        save_issues(self.upload.pk, issues[:room])
        if room and len(issues) >= room:
            save_issues(self.upload.pk, [_TOO_MANY])

    def _finish(self, feed: Feed) -> None:
        if self.upload.mode == ImportMode.SNAPSHOT:
            if feed.complete:
                self._retire_missing(feed)
            else:
                self._note(_NOTHING_RETIRED)
        with transaction.atomic():
            upload = self._locked()
            upload.status = CatalogImport.Status.DONE
            upload.finished_at = timezone.now()
            upload.lease_until = None
            upload.save()
        self.upload = upload
        log.info("import done", catalog_import=upload.pk, rows=upload.rows_done, refused=upload.refused)

    def _note(self, issue: RowIssue) -> None:
        with transaction.atomic():
            self._locked()
            self._save_issues([issue])

    def _retire_missing(self, feed: Feed) -> None:
        """Retire the merchant's active products that the feed does not name, some per transaction."""
        active = Product.objects.filter(merchant=self.merchant_id, status=Product.Status.ACTIVE)
        total = 0
        missing = []
        for pk, external_id in active.order_by("pk").values_list("pk", "external_id").iterator():
            total += 1
            if external_id not in feed.ids:
                missing.append((pk, external_id))
        limit = self.upload.retire_limit
        if limit is not None and self.upload.retired == 0 and len(missing) * 100 > limit * total:
            self._hold_back(len(missing), total, limit)
            return
        if self.upload.dry_run:
            self._count_retired(missing)
            return
        for start in range(0, len(missing), RETIRE_BATCH):
            self._count_retired(missing[start : start + RETIRE_BATCH])

    def _count_retired(self, missing: Sequence[tuple[int, str]]) -> None:
        with transaction.atomic():
            upload = self._locked()
            if not upload.dry_run:
                lock_catalogue(self.merchant_id)
                ids = [pk for pk, _ in missing]
                retire_with_products(self.merchant_id, ids)
                Product.objects.filter(pk__in=ids).update(
                    status=Product.Status.RETIRED, feed_digest="", updated_at=Now()
                )
            upload.retired += len(missing)
            shown = [external_id for _, external_id in missing]
            upload.retiring = [*upload.retiring, *shown][:SHOWN_RETIRING]
            upload.lease_until = timezone.now() + _lease()
            upload.save()
        self.upload = upload

    def _hold_back(self, missing: int, total: int, limit: int) -> None:
        CatalogImport.objects.filter(pk=self.upload.pk).update(held_back=missing)
        self._note(
            RowIssue(
                1, "", "", f"{missing} of {total} products",
                f"The feed leaves out more than {limit} % of the catalogue, so nothing was retired.",
                "If that is right, import it once by hand or raise the limit of the source.", Severity.WARNING,
            )
        )  # fmt: skip


def _batch_rows(source: Source) -> int:
    """Fewer rows where each brings pictures along, so that the lease is extended in time."""
    rows: int = settings.CATALOG_BATCH_ROWS
    return rows if source.archive is None else min(rows, ARCHIVE_BATCH_ROWS)


_NOTHING_RETIRED: Final = RowIssue(
    1, "", "", "", "Rows that could not be read may be products that seem missing, so nothing was retired.",
    "Mend the rows and import again.", Severity.WARNING,
)  # fmt: skip
_TOO_MANY: Final = RowIssue(
    1, "", "", "", f"There are more problems than the {MAX_ISSUES:,} that are kept.",
    "Mend these and import again.", Severity.WARNING,
)  # fmt: skip


def _ignored(source: Source) -> list[RowIssue]:
    notes = []
    if source.feed.ignored:
        names = ", ".join(source.feed.ignored)[:200]
        notes.append(RowIssue(1, "", "", names, "These columns are not used.", "", Severity.WARNING))
    if source.archive is not None and source.archive.ignored:
        names = ", ".join(source.archive.ignored)[:200]
        notes.append(
            RowIssue(1, "", "", names, "These files of the ZIP are not pictures.", "", Severity.WARNING)
        )
    return notes
