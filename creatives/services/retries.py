"""What becomes of what could not be painted or rendered. Callers have locked the requests that they pass."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from creatives.models import CreativeRequest, PositionedRendition, Rendition
from creatives.outbox import wake
from creatives.services.delivery import announce_failure
from creatives.services.generation import bucket_key

REASON_LIMIT = 2000
UNTOLD = "the picture could not be painted"
"""What recommenders are told of errors that are ours: their texts are for operators."""


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


def fail(request: CreativeRequest, reason: str, told: str = UNTOLD) -> None:
    """Give the request up, with its ``reason`` in sight of the operators, and tell the recommenders."""
    request.status, request.error = CreativeRequest.Status.FAILED, reason[:REASON_LIMIT]
    request.lease_until, request.finished_at = None, timezone.now()
    request.save(update_fields=["status", "error", "lease_until", "finished_at"])
    announce_failure(request, told)


def retry_missing() -> int:
    """Give sizes whose attempts are used up a fresh set; how many there were. The sweeper starts them."""
    spent = Q(file="", attempts__gte=settings.GENERATION_MAX_ATTEMPTS)
    fresh = {"attempts": 0, "due_at": Now()}
    return Rendition.objects.filter(spent).update(**fresh) + PositionedRendition.objects.filter(spent).update(
        **fresh
    )
