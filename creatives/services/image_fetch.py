"""Fetching the pictures that feeds name by address: in parallel, politely, and again later where that may help."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from requests_hardened import HTTPSession

from creatives.models import Creative, ProductImage
from creatives.net import FetchError, FetchLimits, fetch, hardened_session
from creatives.pipeline.image_io import ImageError
from creatives.selectors.arrays import any_id
from creatives.services.images import StoredImage, store_image
from creatives.services.photo_changes import REASON as REPLACED
from creatives.services.photo_changes import PhotoChange
from creatives.services.suspension import lock_catalogue

log = structlog.get_logger(__name__)

PER_HOST: Final = 4
BUFFER: Final = 500
BACKOFF_SECONDS: Final = (15, 120, 900)
"""Pauses before the second, third and fourth try; after that a picture has failed, in sight."""
TIRED_AFTER: Final = 6
REST_SECONDS: Final = 60
"""A host that fails so many times in a row is left alone for so long."""

SAVE_EVERY: Final = 64
SAVE_SECONDS: Final = 0.5
"""What was fetched is written in batches of so many, or after so long: a killed worker loses no more."""

Outcome = StoredImage | ImageError | FetchError

_READY: Final = """
UPDATE creatives_productimage AS i
SET status = 'ready', error = '', file = of.file, sha256 = of.sha256, width = of.width, height = of.height,
    fetched_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[])
    AS of (id, url, file, sha256, width, height)
WHERE i.id = of.id AND i.source_url = of.url AND i.status = 'pending'
"""


class Result(NamedTuple):
    """What came of fetching an address for some pictures (ids)."""

    ids: tuple[int, ...]
    url: str
    outcome: Outcome


def fetch_pending(merchant_id: int, seconds: float = 60.0) -> bool:
    """Fetch the merchant's due pictures for at most about ``seconds``; whether all of them were tried.

    Pictures are fetched in parallel, at most PER_HOST at a time from one host, each address once. A result is written
    only while the row still waits for the address that was fetched, so that a newer address, or a second run beside
    this one, loses nothing.
    """
    return _Round(merchant_id, time.monotonic() + seconds).run()


def due_pictures(merchant_id: int) -> QuerySet[Any]:
    """The merchant's pictures that may be fetched now."""
    return ProductImage.objects.filter(
        merchant=merchant_id, status=ProductImage.Status.PENDING, due_at__lte=Now()
    )


class _Host:
    """Addresses of one host that wait, and how it has been doing."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.busy = 0
        self.failures = 0
        self.rests_until = 0.0

    @property
    def is_tired(self) -> bool:
        return self.failures >= TIRED_AFTER


class _Round:
    """One stretch of fetching for one merchant: this thread reads and writes rows, the others fetch and store."""

    def __init__(self, merchant_id: int, deadline: float) -> None:
        self._merchant_id, self._deadline = merchant_id, deadline
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)
        self._rows: dict[str, list[int]] = {}  # ids by address
        self._running: dict[Future[Outcome], str] = {}
        self._last = 0
        self._is_read = False
        self._sessions = threading.local()
        self._results: list[Result] = []
        self._saved_at = time.monotonic()

    def run(self) -> bool:
        limit = settings.IMAGE_FETCH_THREADS
        with ThreadPoolExecutor(limit, thread_name_prefix="fetch") as pool:
            while True:
                self._fill()
                while len(self._running) < limit and self._start_one(pool):
                    pass
                if not self._running:
                    break
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._finish(future)
                if len(self._results) >= SAVE_EVERY or time.monotonic() > self._saved_at + SAVE_SECONDS:
                    self._save()
            self._save()
        return not due_pictures(self._merchant_id).filter(pk__gt=self._last).exists() and not self._rows

    def _fill(self) -> None:
        """Read on while few addresses wait, unless time is up."""
        while not self._is_read and len(self._rows) <= BUFFER // 2 and time.monotonic() < self._deadline:
            rows = due_pictures(self._merchant_id).filter(pk__gt=self._last).order_by("pk")
            batch = list(rows.values_list("pk", "source_url")[:BUFFER])
            self._is_read = len(batch) < BUFFER
            self._add(batch)

    def _add(self, batch: Sequence[tuple[int, str]]) -> None:
        """Line up addresses by host; what a resting host has is put off."""
        resting: defaultdict[float, list[int]] = defaultdict(list)
        for pk, url in batch:
            self._last = pk
            host = self._hosts[urlsplit(url).netloc]
            if host.rests_until > time.monotonic():
                resting[host.rests_until].append(pk)
                continue
            if url not in self._rows:
                host.waiting.append(url)
            self._rows.setdefault(url, []).append(pk)
        for until, ids in resting.items():
            put_off(ids, until - time.monotonic())

    def _start_one(self, pool: ThreadPoolExecutor) -> bool:
        """Start the next address of the host that is least busy; whether there was one."""
        if time.monotonic() >= self._deadline:
            return False
        ready = [host for host in self._hosts.values() if host.waiting and host.busy < PER_HOST]
        if not ready:
            return False
        host = min(ready, key=lambda host: host.busy)
        url = host.waiting.popleft()
        host.busy += 1
        self._running[pool.submit(self._fetch, url)] = url
        return True

    def _fetch(self, url: str) -> Outcome:
        """The stored picture, or why there is none. Runs in a thread of the pool."""
        try:
            limits = FetchLimits(total_seconds=settings.IMAGE_FETCH_SECONDS)
            return store_image(fetch(url, limits, self._session()))
        except (ImageError, FetchError) as error:
            return error

    def _session(self) -> HTTPSession:
        """This thread's own, so that connections to a host are used again."""
        session: HTTPSession | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = hardened_session()
        return session

    def _finish(self, future: Future[Outcome]) -> None:
        url = self._running.pop(future)
        host = self._hosts[urlsplit(url).netloc]
        host.busy -= 1
        outcome = future.result()
        is_weak = isinstance(outcome, FetchError) and outcome.is_transient
        host.failures = host.failures + 1 if is_weak else 0
        self._results.append(Result(tuple(self._rows.pop(url)), url, outcome))
        if isinstance(outcome, FetchError) and outcome.retry_after:
            self._let_rest(host, outcome.retry_after)
        elif host.is_tired:
            self._let_rest(host, REST_SECONDS)

    def _save(self) -> None:
        if self._results:
            save_outcomes(self._merchant_id, self._results)
            self._results.clear()
        self._saved_at = time.monotonic()

    def _let_rest(self, host: _Host, seconds: float) -> None:
        """Put off what waits for a host that does not answer or asked for a pause; that is nobody's failed try."""
        host.rests_until = max(host.rests_until, time.monotonic() + seconds)
        host.failures = 0
        ids = [pk for url in host.waiting for pk in self._rows.pop(url)]
        host.waiting.clear()
        put_off(ids, seconds)


def put_off(ids: Sequence[int], seconds: float) -> None:
    """Leave pictures that wait alone for so long."""
    waiting = ProductImage.objects.filter(pk__in=ids, status=ProductImage.Status.PENDING)
    waiting.update(due_at=Now() + timedelta(seconds=seconds))


def save_outcomes(merchant_id: int, results: Sequence[Result]) -> None:
    """Write what came of fetching to the rows that still wait for those addresses, in one transaction."""
    ready = [result for result in results if isinstance(result.outcome, StoredImage)]
    with transaction.atomic():
        if ready:
            _save_ready(merchant_id, ready)
        for result in results:
            if not isinstance(result.outcome, StoredImage):
                _save_failure(result, result.outcome)


def _save_ready(merchant_id: int, results: Sequence[Result]) -> None:
    pictures = [
        (pk, result.url, cast(StoredImage, result.outcome)) for result in results for pk in result.ids
    ]
    photos = {(pk, url): picture.sha256 for pk, url, picture in pictures}
    change = None
    if _replaced(merchant_id, photos):
        lock_catalogue(merchant_id)  # and look again: an import may just have named other addresses
        replaced = _replaced(merchant_id, photos)
        change = PhotoChange.begin(merchant_id, replaced.values(), replaced, set(photos.values()))
    columns = zip(
        *((pk, url, of.name, of.sha256, of.width, of.height) for pk, url, of in sorted(pictures, key=_first)),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(_READY, [list(column) for column in columns])
    if change:
        change.settle()


def _replaced(merchant_id: int, photos: Mapping[tuple[int, str], str]) -> dict[int, int]:
    """Products by picture, of pictures that showed another photo or whose photo is one that was replaced before.

    ``photos`` are SHA-256 by picture and address.
    """
    rows = ProductImage.objects.filter(
        pk__in=any_id(pk for pk, _ in photos), status=ProductImage.Status.PENDING
    )
    asleep = (
        Creative.objects.filter(
            merchant=merchant_id, request__image_sha256__in=set(photos.values()), reason=REPLACED
        )
        .exclude(retired_from="")
        .values_list("request__image_sha256", flat=True)
    )
    back = set(asleep)
    found = {}
    for pk, url, product_id, old in rows.values_list("pk", "source_url", "product_id", "sha256"):
        new = photos.get((pk, url))
        if new is not None and (new in back or old not in ("", new)):
            found[pk] = product_id
    return found


def _save_failure(result: Result, outcome: ImageError | FetchError) -> None:
    waiting = ProductImage.objects.filter(
        pk__in=result.ids, source_url=result.url, status=ProductImage.Status.PENDING
    )
    if isinstance(outcome, FetchError) and outcome.is_transient:
        for tries, pause in enumerate(BACKOFF_SECONDS):
            seconds = max(pause, outcome.retry_after or 0)
            waiting.filter(attempts=tries, due_at__lte=Now()).update(
                attempts=F("attempts") + 1, error=str(outcome), due_at=Now() + timedelta(seconds=seconds)
            )
        waiting = waiting.filter(attempts__gte=len(BACKOFF_SECONDS), due_at__lte=Now())
    count = waiting.update(status=ProductImage.Status.FAILED, error=str(outcome), fetched_at=timezone.now())
    if count:
        log.info("image refused", images=count, error=str(outcome))


def _first(row: tuple[int, str, StoredImage]) -> int:
    return row[0]
