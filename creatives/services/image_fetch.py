"""Fetching the pictures that feeds name by address: in parallel, politely, and again later where that may help."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from requests_hardened import HTTPSession

from creatives.models import ProductImage
from creatives.net import FetchError, FetchLimits, fetch, hardened_session
from creatives.pipeline.image_io import ImageError
from creatives.services.images import StoredImage, store_image

log = structlog.get_logger(__name__)

PER_HOST: Final = 4
BUFFER: Final = 500
BACKOFF_SECONDS: Final = (15, 120, 900)
"""Pauses before the second, third and fourth try; after that a picture has failed, in sight."""
TIRED_AFTER: Final = 6
REST_SECONDS: Final = 60
"""A host that fails so many times in a row is left alone for so long."""

Outcome = StoredImage | ImageError | FetchError


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
        self._sessions = threading.local()

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
        return not due_pictures(self._merchant_id).filter(pk__gt=self._last).exists() and not self._rows

    def _fill(self) -> None:
        """Read on when few addresses wait, unless time is up."""
        if len(self._rows) > BUFFER // 2 or time.monotonic() >= self._deadline:
            return
        rows = due_pictures(self._merchant_id).filter(pk__gt=self._last).order_by("pk")
        for pk, url in rows.values_list("pk", "source_url")[:BUFFER]:
            self._last = pk
            if url not in self._rows:
                self._hosts[urlsplit(url).netloc].waiting.append(url)
            self._rows.setdefault(url, []).append(pk)

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
        ids = self._rows.pop(url)
        outcome = future.result()
        is_weak = isinstance(outcome, FetchError) and outcome.is_transient
        host.failures = host.failures + 1 if is_weak else 0
        save_outcome(ids, url, outcome)
        if host.is_tired:
            self._let_rest(host)

    def _let_rest(self, host: _Host) -> None:
        """Put off what waits for a host that does not answer; that is nobody's failed try."""
        ids = [pk for url in host.waiting for pk in self._rows.pop(url)]
        host.waiting.clear()
        host.failures = 0
        pause = timedelta(seconds=REST_SECONDS)
        ProductImage.objects.filter(pk__in=ids, status=ProductImage.Status.PENDING).update(
            due_at=Now() + pause
        )


def save_outcome(ids: Sequence[int], url: str, outcome: Outcome) -> None:
    """Write what came of fetching ``url`` to the rows that still wait for it."""
    waiting = ProductImage.objects.filter(pk__in=ids, source_url=url, status=ProductImage.Status.PENDING)
    if isinstance(outcome, StoredImage):
        waiting.update(
            status=ProductImage.Status.READY,
            error="",
            file=outcome.name,
            sha256=outcome.sha256,
            width=outcome.width,
            height=outcome.height,
            fetched_at=timezone.now(),
        )
        return
    failed = {"status": ProductImage.Status.FAILED, "error": str(outcome), "fetched_at": timezone.now()}
    if isinstance(outcome, FetchError) and outcome.is_transient:
        for tries, pause in enumerate(BACKOFF_SECONDS):
            seconds = max(pause, outcome.retry_after or 0)
            waiting.filter(attempts=tries, due_at__lte=Now()).update(
                attempts=F("attempts") + 1, error=str(outcome), due_at=Now() + timedelta(seconds=seconds)
            )
        waiting = waiting.filter(attempts__gte=len(BACKOFF_SECONDS), due_at__lte=Now())
    count = waiting.update(**failed)
    if count:
        log.info("image refused", images=count, error=str(outcome))
