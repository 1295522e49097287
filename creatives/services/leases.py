"""Who may paint a request: leases with fencing tokens.

A claim raises the row's fence and holds a lease. Only the claim with the row's latest fence may write a result, so a worker
that was thought dead and lives on (a stopped process, a killed worker's child) changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from creatives.models import CreativeRequest
from creatives.outbox import wake
from creatives.services.generation import bucket_key

log = structlog.get_logger("leases")


class LeaseLostError(Exception):
    """Another worker has claimed the request since."""


@dataclass(frozen=True)
class Claim:
    """A request that this worker may paint, as it was when it was claimed."""

    request: CreativeRequest
    fence: int


def in_seconds(seconds: float) -> Combinable:
    """The database's clock plus ``seconds``: leases are compared with the clock that they were set by."""
    return Now() + timedelta(seconds=seconds)


def claim(key: str, limit: int) -> list[Claim]:
    """Claim up to ``limit`` due requests of a bucket ("version:bucket"), oldest first; others' claims are passed over.

    A request that has been tried before is claimed by itself, so that one that brings workers down takes no other with it.
    """
    version, _, bucket = key.rpartition(":")
    due = CreativeRequest.objects.filter(
        status=CreativeRequest.Status.QUEUED, due_at__lte=Now(), pipeline_version=version, bucket=bucket
    )
    with transaction.atomic():
        rows = list(
            due.select_for_update(skip_locked=True, of=("self",))
            .select_related("prompt_version", "merchant")
            .order_by("due_at", "pk")[:limit]
        )
        batch = rows[:1] if rows and rows[0].attempts else [row for row in rows if not row.attempts]
        CreativeRequest.objects.filter(pk__in=[row.pk for row in batch]).update(
            status=CreativeRequest.Status.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            lease_until=in_seconds(settings.GENERATION_LEASE_SECONDS),
        )
        if len(rows) == limit or len(batch) < len(rows):  # there may be more, for this worker or another
            wake("generate", [key])
    return [Claim(row, row.fence + 1) for row in batch]


def held(claims: Sequence[Claim]) -> Q:
    """The rows of ``claims`` that are still theirs."""
    ours = Q(pk__in=[])
    for one in claims:
        ours |= Q(pk=one.request.pk, fence=one.fence, status=CreativeRequest.Status.RUNNING)
    return ours


def lock_held(one: Claim) -> CreativeRequest:
    """The claim's row, locked for the caller's transaction. Raises LeaseLostError when it is not ours any more."""
    row = CreativeRequest.objects.select_for_update().filter(held([one])).first()
    if row is None:
        raise LeaseLostError(f"request {one.request.pk}: claim {one.fence} has been overtaken")
    return row


def release(claims: Sequence[Claim]) -> int:
    """Give claims back untried, as when the worker is asked to stop; returns how many were still ours."""
    if not claims:
        return 0
    with transaction.atomic():
        count = CreativeRequest.objects.filter(held(claims)).update(
            status=CreativeRequest.Status.QUEUED, attempts=F("attempts") - 1, lease_until=None, due_at=Now()
        )
        wake("generate", {bucket_key(one.request.pipeline_version, one.request.bucket) for one in claims})
    return count


@contextmanager
def kept_alive(claims: Sequence[Claim]) -> Iterator[None]:
    """Extend the leases from a thread, three times per lease, while the body runs."""
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(claims, done), name="lease-heartbeat", daemon=True)
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join()


def _beat(claims: Sequence[Claim], done: threading.Event) -> None:
    try:
        while not done.wait(settings.GENERATION_LEASE_SECONDS / 3):
            _extend(claims)
    finally:
        connection.close()  # this thread's own


def _extend(claims: Sequence[Claim]) -> None:
    try:
        kept = CreativeRequest.objects.filter(held(claims)).update(
            lease_until=in_seconds(settings.GENERATION_LEASE_SECONDS)
        )
        log.debug("leases extended", kept=kept, claimed=len(claims))
    except (
        DatabaseError
    ) as error:  # the next beat may get through; if none does, the lease runs out, as it should
        log.warning("leases not extended", error=str(error))
        connection.close()
