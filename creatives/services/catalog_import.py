"""Running an import: batch by batch, each in one transaction, so that it resumes where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import BinaryIO, Final, cast

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from creatives.feeds import Feed, FeedArchive, FeedError, Record, RowIssue, Severity, is_zip, open_feed
from creatives.models import CatalogImport, ImportIssue, Merchant, Product, ProductImage
from creatives.pipeline.image_io import ImageError
from creatives.services.catalog_rows import Pictures, Plan, plan_batch
from creatives.services.categories import CategoryIndex
from creatives.services.images import StoredImage, inspect_image, store_image
from creatives.services.wakeups import wake_fetch

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=5)
MAX_ISSUES: Final = 20_000
RETIRE_BATCH: Final = 1_000
PRODUCT_FIELDS: Final = [
    "title", "description", "category", "link", "price", "currency", "availability", "brand", "color", "attributes",
    "status", "updated_at",
]  # fmt: skip
IMAGE_FIELDS: Final = ["source_url", "status", "error", "file", "sha256", "width", "height", "fetched_at"]

Progress = Callable[[CatalogImport], None]


class LeaseLostError(Exception):
    """Another worker has taken the import over."""


@dataclass(slots=True)
class Source:
    """An opened upload: the feed, and the ZIP around it if there is one."""

    feed: Feed
    archive: FeedArchive | None

    def read_pictures(
        self, records: Iterable[Record], keep: bool
    ) -> tuple[dict[str, StoredImage], dict[str, str]]:
        """The ZIP's pictures that ``records`` name, stored if ``keep``, and what is wrong with the others."""
        good: dict[str, StoredImage] = {}
        bad: dict[str, str] = {}
        for name in self._names(records):
            try:
                data = cast("FeedArchive", self.archive).read_image(name)
                good[name] = store_image(data) if keep else inspect_image(data)
            except (ImageError, FeedError) as error:
                bad[name] = str(error)
        return good, bad

    def _names(self, records: Iterable[Record]) -> set[str]:
        if self.archive is None:
            return set()
        rows = [record.row for record in records if record.row is not None]
        links = {row.image_link for row in rows if isinstance(row.image_link, str)}
        links |= {
            link
            for row in rows
            if isinstance(row.additional_image_link, tuple)
            for link in row.additional_image_link
        }
        return {link for link in links if link in self.archive}


@contextmanager
def opened(upload: CatalogImport) -> Iterator[Source]:
    """The stored upload, opened. Raises FeedError."""
    with ExitStack() as stack:
        stream = cast("BinaryIO", stack.enter_context(upload.file.open("rb")).file)
        archive: FeedArchive | None = None
        if is_zip(stream):
            archive = stack.enter_context(FeedArchive(stream))
            stream = cast("BinaryIO", stack.enter_context(archive.open_manifest()))
        yield Source(stack.enter_context(open_feed(stream, members=archive)), archive)


def run_import(import_id: int, on_progress: Progress | None = None) -> CatalogImport | None:
    """Run or resume an import that waits or whose worker is gone; ``None`` when there is nothing to do."""
    upload = _claim(import_id)
    if upload is None:
        return None
    try:
        _Run(upload, on_progress or (lambda _: None)).run()
    except FeedError as error:
        _fail(import_id, str(error))
    except LeaseLostError:
        return None
    except Exception:
        _fail(import_id, "The import stopped on an internal error; what was imported so far stays.")
        raise
    return CatalogImport.objects.get(pk=import_id)


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
    upload.lease_until = now + LEASE
    upload.save(update_fields=["status", "started_at", "lease_until"])
    return upload


def _fail(import_id: int, error: str) -> None:
    CatalogImport.objects.filter(pk=import_id).update(
        status=CatalogImport.Status.FAILED, error=error, finished_at=timezone.now(), lease_until=None
    )


class _Run:
    """One run of one import."""

    def __init__(self, upload: CatalogImport, on_progress: Progress) -> None:
        self.upload = upload
        self.merchant = upload.merchant
        self.on_progress = on_progress
        self.categories = CategoryIndex()
        self.issue_count = upload.issues.count()

    def run(self) -> None:
        if self.upload.rows_total is None:
            self._first_pass()
        with opened(self.upload) as source:
            records = iter(source.feed)
            for _ in islice(records, self.upload.rows_done):
                pass
            while batch := list(islice(records, settings.CATALOG_BATCH_ROWS)):
                self._apply(batch, source)
                self.on_progress(self.upload)
            self._finish(source.feed)

    def _first_pass(self) -> None:
        """Count the rows and report on the file; in strict mode refuse it if any row would be refused."""
        refused: list[RowIssue] = []
        total = 0
        with opened(self.upload) as source:
            notes = [*source.feed.issues, *_ignored(source)]
            if not self.upload.strict or self.upload.dry_run:
                total = source.feed.count()
            else:
                records = iter(source.feed)
                while batch := list(islice(records, settings.CATALOG_BATCH_ROWS)):
                    total += len(batch)
                    plan = self._plan(batch, *source.read_pictures(batch, keep=False))
                    refused += [issue for issue in plan.issues if issue.severity is Severity.ERROR]
        rows = len({issue.line for issue in refused})
        with transaction.atomic():
            upload = self._locked()
            upload.rows_total, upload.refused = total, rows
            self._save_issues(notes + refused)
            upload.save(update_fields=["rows_total", "refused"])
        if refused:
            raise FeedError(f"{rows} of {total} rows were refused; strict, so nothing was imported.")

    def _plan(self, batch: Sequence[Record], pictures: Pictures, broken: Mapping[str, str]) -> Plan:
        issues = [issue for record in batch for issue in record.issues]
        rows = []
        for record in batch:
            if record.row is None:
                continue
            damaged = [_picture_issue(record, name, broken[name]) for name in broken if _names(record, name)]
            issues.extend(damaged)
            if not damaged:
                rows.append(record.row)
        plan = plan_batch(self.merchant, rows, pictures, self.categories)
        plan.refused += len(batch) - len(rows)
        plan.issues = sorted([*issues, *plan.issues], key=lambda issue: issue.line)
        return plan

    def _apply(self, batch: Sequence[Record], source: Source) -> None:
        dry_run = self.upload.dry_run
        pictures, broken = source.read_pictures(batch, keep=not dry_run)  # before the transaction: it is slow
        with transaction.atomic():
            upload = self._locked()
            if not dry_run:  # one import of a merchant writes at a time; readers are not held up
                Merchant.objects.select_for_update(no_key=True).get(pk=self.merchant.pk)
            plan = self._plan(batch, pictures, broken)
            if not dry_run:
                _write(plan)
            self._save_issues(plan.issues)
            upload.rows_done += len(batch)
            upload.created += len(plan.new)
            upload.changed += len(plan.changed)
            upload.unchanged += plan.unchanged
            upload.refused += plan.refused
            upload.lease_until = timezone.now() + LEASE
            upload.save()
        self.upload = upload

    def _locked(self) -> CatalogImport:
        """The import's row, locked; it must be where this run left it, or another run goes on with it."""
        upload = CatalogImport.objects.select_for_update(of=("self",)).get(pk=self.upload.pk)
        if upload.status != CatalogImport.Status.RUNNING or upload.rows_done != self.upload.rows_done:
            raise LeaseLostError
        return upload

    def _save_issues(self, issues: Sequence[RowIssue]) -> None:
        room = MAX_ISSUES - self.issue_count
        self.issue_count += len(issues)
        ImportIssue.objects.bulk_create(
            ImportIssue(
                catalog_import=self.upload, severity=issue.severity.value, line=issue.line, record=issue.record_id,
                column=issue.column, value=issue.value, rule=issue.rule[:300], fix=issue.fix[:300],
            )
            for issue in issues[: max(room, 0)]
        )  # fmt: skip

    def _finish(self, feed: Feed) -> None:
        with transaction.atomic():
            upload = self._locked()
            if upload.mode == CatalogImport.Mode.SNAPSHOT:
                if feed.complete:
                    upload.retired = _retire_missing(self.merchant, feed, upload.dry_run)
                else:
                    self._save_issues([_NOTHING_RETIRED])
            upload.status = CatalogImport.Status.DONE
            upload.finished_at = timezone.now()
            upload.lease_until = None
            upload.save()
        self.upload = upload
        log.info("import done", catalog_import=upload.pk, rows=upload.rows_done, refused=upload.refused)


_NOTHING_RETIRED: Final = RowIssue(
    1, "", "", "", "Rows that could not be read may be products that seem missing, so nothing was retired.",
    "Mend the rows and import again.", Severity.WARNING,
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


def _names(record: Record, picture: str) -> bool:
    row = record.row
    if row is None:
        return False
    more = row.additional_image_link
    return row.image_link == picture or (isinstance(more, tuple) and picture in more)


def _picture_issue(record: Record, name: str, problem: str) -> RowIssue:
    row = record.row
    assert row is not None
    column = "image_link" if row.image_link == name else "additional_image_link"
    return RowIssue(
        record.line,
        row.id,
        column,
        name[:80],
        f"The picture cannot be used: {problem}"[:300],
        "Replace the picture.",
    )


def _write(plan: Plan) -> None:
    Product.objects.bulk_create(
        sorted([*plan.new, *plan.changed], key=lambda product: product.external_id),
        update_conflicts=True, unique_fields=["merchant", "external_id"], update_fields=PRODUCT_FIELDS,
    )  # fmt: skip
    ProductImage.objects.filter(pk__in=plan.drop_images).delete()
    ProductImage.objects.bulk_create(
        plan.images, update_conflicts=True, unique_fields=["product", "position"], update_fields=IMAGE_FIELDS
    )
    pending = next((image for image in plan.images if image.status == ProductImage.Status.PENDING), None)
    if pending is not None:
        wake_fetch(pending.merchant_id)


def _retire_missing(merchant: Merchant, feed: Feed, dry_run: bool) -> int:
    """Retire the merchant's active products that the feed does not name; how many there are."""
    active = Product.objects.filter(merchant=merchant, status=Product.Status.ACTIVE)
    missing = [
        pk
        for pk, external_id in active.values_list("pk", "external_id").iterator()
        if external_id not in feed.ids
    ]
    if not dry_run:
        for start in range(0, len(missing), RETIRE_BATCH):
            Product.objects.filter(pk__in=missing[start : start + RETIRE_BATCH]).update(
                status=Product.Status.RETIRED, updated_at=timezone.now()
            )
    return len(missing)
