"""What becomes of a request that could not be painted. Callers have locked its row."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from creatives.models import CreativeRequest
from creatives.outbox import wake
from creatives.services.delivery import announce_failure
from creatives.services.generation import bucket_key

REASON_LIMIT = 2000


def is_last(request: CreativeRequest) -> bool:
    """Whether the attempts are used up."""
    return request.attempts >= settings.GENERATION_MAX_ATTEMPTS


def put_back(request: CreativeRequest, reason: str, pause: float | None = None) -> None:
    """Queue the request again after ``pause`` seconds; by default back-off that doubles with every attempt."""
    if pause is None:
        pause = settings.GENERATION_BACKOFF_SECONDS * 2 ** max(0, request.attempts - 1)
    request.status, request.error, request.lease_until = (
        CreativeRequest.Status.QUEUED,
        reason[:REASON_LIMIT],
        None,
    )
    request.due_at = timezone.now() + timedelta(seconds=pause)
    request.save(update_fields=["status", "error", "lease_until", "due_at"])
    wake("generate", [bucket_key(request.pipeline_version, request.bucket)], at=request.due_at)


def fail(request: CreativeRequest, reason: str) -> None:
    """Give the request up, in sight of the operators, and tell the recommenders."""
    request.status, request.error = CreativeRequest.Status.FAILED, reason[:REASON_LIMIT]
    request.lease_until, request.finished_at = None, timezone.now()
    request.save(update_fields=["status", "error", "lease_until", "finished_at"])
    announce_failure(request)
