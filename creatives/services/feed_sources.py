"""Feeds by address: fetched when their time comes, one run at a time, and handed to an import."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any, Final
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from creatives.models import CatalogImport, FeedRun, FeedSource, User
from creatives.net import Answer, FetchError, FetchLimits, download
from creatives.services import audit
from creatives.services.catalog import CatalogError
from creatives.services.imports import ImportHow, start_import
from creatives.services.wakeups import wake_feed

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = timedelta(minutes=5)
KEPT_RUNS: Final = 200
ACCEPT: Final = "text/tab-separated-values, text/csv, application/xml, application/zip, */*;q=0.5"
FACTS: Final = (
    "name",
    "url",
    "format",
    "mode",
    "interval_minutes",
    "currency",
    "link_template",
    "retire_limit",
)
HOW: Final = ("mode", "format", "currency", "link_template", "retire_limit")
"""What a source says of its feed."""


class SourceError(ValueError):
    """What a person asked of a source cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """An answer and, for a 200, the body's SHA-256 in hex."""

    answer: Answer
    digest: str


def save_source(source: FeedSource, user: User | None = None) -> FeedSource:
    """Add a source, or change one; a changed one forgets what it has seen and is fetched anew.

    Raises SourceError when the merchant has another one of that name.
    """
    is_new = source.pk is None
    if is_new:
        source.created_by = user
    source.etag = source.last_modified = source.digest = ""
    source.failures, source.next_run_at = 0, timezone.now()
    try:
        with transaction.atomic():
            source.save()
            _note(source, "added" if is_new else "changed", user)
            if not source.is_paused:
                wake_feed(source.pk)
    except IntegrityError as error:
        raise SourceError(f"There is a feed named {source.name!r} already.") from error
    return source


@transaction.atomic
def pause(source_id: int, is_paused: bool, by: User | None = None) -> None:
    """Stop fetching, or go on: then at once, if a run was missed."""
    FeedSource.objects.filter(pk=source_id).update(is_paused=is_paused)
    _note(FeedSource.objects.get(pk=source_id), "paused" if is_paused else "went on with", by)
    if not is_paused:
        wake_feed(source_id)


@transaction.atomic
def run_now(source_id: int) -> None:
    """Fetch the feed now, whatever it was when it was last fetched. Raises SourceError for a paused one."""
    source = FeedSource.objects.select_for_update().get(pk=source_id)
    if source.is_paused:
        raise SourceError("The feed is paused; go on with it first.")
    source.etag = source.last_modified = source.digest = ""
    source.next_run_at = timezone.now()
    source.save(update_fields=["etag", "last_modified", "digest", "next_run_at"])
    wake_feed(source_id)


def _note(source: FeedSource, action: str, by: User | None) -> None:
    url = reverse("feed-source", args=[source.pk]) if action != "deleted" else ""
    audit.note(by, "feeds", action, f"the feed {source}", url=url, merchant=source.merchant)


def run_source(source_id: int) -> FeedRun | None:
    """Fetch a source's feed if it is due, and have it imported; None when there is nothing to do.

    The caller keeps others from running the same source: a run that is still open was left behind by a worker that died.
    """
    begun = _begin(source_id)
    if begun is None:
        return None
    run, source, headers = begun
    if _is_importing(source):
        return _end(run, FeedRun.Outcome.UNCHANGED, "The last one is still being imported.")
    with tempfile.TemporaryFile() as spool:
        try:
            fetched = _fetch(source, spool, headers)
            return _hand_over(run, source, spool, fetched)
        except (FetchError, CatalogError) as error:
            return _fail(run, source, error)


def _begin(source_id: int) -> tuple[FeedRun, FeedSource, dict[str, str]] | None:
    """Note that a run starts, and when the next one is due; with it the headers to ask with."""
    with transaction.atomic():
        source = (
            FeedSource.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=source_id)
        )
        if source.is_paused or source.next_run_at > timezone.now() or not source.merchant.is_active:
            return None
        source.runs.filter(finished_at=None).update(
            finished_at=Now(), outcome=FeedRun.Outcome.FAILED, detail="The worker was stopped."
        )
        source.next_run_at = timezone.now() + timedelta(minutes=source.interval_minutes)
        source.save(update_fields=["next_run_at"])
        old = source.runs.order_by("-pk").values_list("pk", flat=True)[KEPT_RUNS - 1 :]
        FeedRun.objects.filter(pk__in=list(old)).delete()
        return FeedRun.objects.create(source=source), source, _headers(source)


def _headers(source: FeedSource) -> dict[str, str]:
    """Conditional where the last answer was imported well."""
    headers = {"Accept": ACCEPT, "Accept-Encoding": "gzip"}
    last = source.imports.order_by("-pk").values_list("status", flat=True).first()
    if last == CatalogImport.Status.FAILED:
        source.digest = ""
        return headers
    if source.etag:
        headers["If-None-Match"] = source.etag
    if source.last_modified:
        headers["If-Modified-Since"] = source.last_modified
    return headers


def _is_importing(source: FeedSource) -> bool:
    states = [CatalogImport.Status.QUEUED, CatalogImport.Status.RUNNING]
    return source.imports.filter(status__in=states).exists()


def _fetch(source: FeedSource, spool: IO[bytes], headers: dict[str, str]) -> _Fetched:
    limits = FetchLimits(
        max_bytes=settings.CATALOG_MAX_UPLOAD_BYTES,
        read_seconds=30.0,
        total_seconds=settings.FEED_FETCH_SECONDS,
    )
    answer = download(source.url, spool, limits, headers)
    spool.seek(0)
    return _Fetched(answer, "" if answer.status == 304 else _digest(iter(lambda: spool.read(1 << 20), b"")))


def _digest(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _hand_over(run: FeedRun, source: FeedSource, spool: IO[bytes], fetched: _Fetched) -> FeedRun:
    """Start an import of what was fetched, unless it is what was fetched before. Raises CatalogError."""
    run.http_status, run.size = fetched.answer.status, fetched.answer.size
    if fetched.answer.status == 304:
        return _end(run, FeedRun.Outcome.UNCHANGED, "The host says that nothing has changed.", failures=0)
    seen = _seen(fetched.answer)
    if fetched.digest == source.digest:
        return _end(run, FeedRun.Outcome.UNCHANGED, "The file is the same as before.", failures=0, **seen)
    spool.seek(0)
    how = ImportHow(**{name: getattr(source, name) for name in HOW})
    with transaction.atomic():
        run.catalog_import = start_import(
            source.merchant, spool, _filename(source.url), how, user=source.created_by, feed_source=source
        )
        return _end(run, FeedRun.Outcome.IMPORTED, "", failures=0, digest=fetched.digest, **seen)


def _seen(answer: Answer) -> dict[str, str]:
    """What the next question is to be conditional on; what does not fit is no condition."""
    etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    return {
        "etag": etag if len(etag) <= 500 else "",
        "last_modified": modified if len(modified) <= 100 else "",
    }


def _filename(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.path.rpartition("/")[2]) or f"{parts.hostname}.txt"


def _fail(run: FeedRun, source: FeedSource, error: FetchError | CatalogError) -> FeedRun:
    """Note the failure; what may pass is tried again sooner than the next run would come, less and less often."""
    failures = source.failures + 1
    changes: dict[str, Any] = {"failures": failures}
    if isinstance(error, FetchError):
        run.http_status = error.status
        if error.is_transient:
            pause = max(FIRST_PAUSE * 2 ** min(failures - 1, 10), timedelta(seconds=error.retry_after or 0))
            changes["next_run_at"] = timezone.now() + min(pause, timedelta(minutes=source.interval_minutes))
    log.info("feed not fetched", source=source.pk, error=str(error), failures=failures)
    return _end(run, FeedRun.Outcome.FAILED, str(error), **changes)


@transaction.atomic
def _end(run: FeedRun, outcome: str, detail: str, **changes: Any) -> FeedRun:
    """Close the run and note ``changes`` of its source."""
    run.outcome, run.detail, run.finished_at = outcome, detail[:300], timezone.now()
    run.save()
    if changes:
        FeedSource.objects.filter(pk=run.source_id).update(**changes)
    return run


@transaction.atomic
def delete_source(source_id: int, by: User | None = None) -> None:
    """Forget a source and its history; what it imported stays."""
    source = FeedSource.objects.select_related("merchant").get(pk=source_id)
    source.delete()
    _note(source, "deleted", by)
