"""Picks up what fell on the floor: killed workers, an emptied Redis, wake-ups that came too early.

Everything it looks for is a fact of the database, so it may run anywhere, at any time, and more than once at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from creatives.models import ComparisonEntry, Creative, CreativeRequest, PositionedRendition, Rendition
from creatives.outbox import wake
from creatives.services.generation import bucket_key
from creatives.services.retries import fail, is_last, put_back

log = structlog.get_logger("sweeper")

BATCH = 500
POSITION_BATCH = 50
"""Products on white come by the catalogue; what else the queue holds is not to wait for all of them."""


def sweep() -> dict[str, int]:
    """One round; what was found, by kind."""
    found = {
        "expired_leases": expire_leases(),
        "generate": _wake_all("generate", _due_buckets()),
        "render": _wake_all("render", _unrendered()),
        "position": _wake_all("position", _unpositioned()),
        "compare": _wake_all("compare", _uncompared()),
    }
    if any(found.values()):
        log.info("swept", **found)
    return found


def expire_leases() -> int:
    """Requests whose worker has stopped extending its lease go back to the queue, or fail when it was their last attempt."""
    with transaction.atomic():
        expired = CreativeRequest.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            status=CreativeRequest.Status.RUNNING, lease_until__lt=Now()
        )
        rows = list(expired.select_related("merchant", "prompt_version").order_by("pk")[:BATCH])
        for request in rows:
            reason = f"the worker stopped answering in attempt {request.attempts}"
            if is_last(request):
                fail(request, reason)
            else:
                put_back(request, reason, pause=0)
    return len(rows)


def _wake_all(job: str, keys: Iterable[str]) -> int:
    found = set(keys)
    wake(job, found)
    return len(found)


def _due_buckets() -> Iterable[str]:
    due = CreativeRequest.objects.filter(status=CreativeRequest.Status.QUEUED, due_at__lte=Now())
    return (bucket_key(*pair) for pair in due.order_by().values_list("pipeline_version", "bucket").distinct())


def _unrendered() -> Iterable[str]:
    rows = Rendition.objects.filter(
        file="",
        due_at__lte=Now(),
        attempts__lt=settings.GENERATION_MAX_ATTEMPTS,
        request__creatives__status__in=Creative.ALIVE,
    )
    return map(str, rows.values_list("request_id", flat=True)[:BATCH])


def _unpositioned() -> Iterable[str]:
    rows = PositionedRendition.objects.filter(
        file="", due_at__lte=Now(), attempts__lt=settings.GENERATION_MAX_ATTEMPTS
    )
    return map(str, rows.order_by("due_at", "pk").values_list("pk", flat=True)[:POSITION_BATCH])


def _uncompared() -> Iterable[str]:
    rows = ComparisonEntry.objects.filter(status__in=ComparisonEntry.OPEN, due_at__lte=Now())
    return map(str, rows.values_list("pk", flat=True)[:BATCH])
