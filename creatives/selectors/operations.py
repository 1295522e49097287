"""What operators look at: queues by bucket, leases, failures, and messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import django_rq
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Now
from redis import RedisError
from rq import Worker

from creatives.models import CreativeRequest, OutboxEntry, PositionedRendition, Rendition, WebhookDelivery

QUEUES = ("generate", "default")
ROWS = 50

Status = CreativeRequest.Status


@dataclass(frozen=True)
class BucketDepth:
    """Open requests of one bucket and pipeline version; ``oldest`` is when its first waiting one was asked for."""

    bucket: str
    pipeline_version: str
    due: int
    later: int
    running: int
    oldest: datetime | None


@dataclass(frozen=True)
class Saved:
    """Exact sizes asked for, the generations that serve them, and the difference."""

    sizes: int
    generations: int

    @property
    def count(self) -> int:
        return self.sizes - self.generations

    @property
    def share(self) -> float:
        return self.count / self.sizes if self.sizes else 0.0


@dataclass(frozen=True)
class Broker:
    """Jobs by queue and workers listening, as Redis says."""

    jobs: dict[str, int]
    workers: int


@dataclass(frozen=True)
class Trouble:
    """A size that could not be rendered yet, and why."""

    merchant: str
    what: str
    attempts: int
    error: str


def bucket_depths() -> list[BucketDepth]:
    """Buckets with open requests, the fullest first (1 query)."""
    waiting = Q(status=Status.QUEUED)
    rows = (
        CreativeRequest.objects.filter(status__in=[Status.QUEUED, Status.RUNNING])
        .values("bucket", "pipeline_version")
        .annotate(
            due=Count("pk", filter=waiting & Q(due_at__lte=Now())),
            later=Count("pk", filter=waiting & Q(due_at__gt=Now())),
            running=Count("pk", filter=Q(status=Status.RUNNING)),
            oldest=Min("created_at", filter=waiting),
        )
        .order_by("-due", "bucket")
    )
    return [BucketDepth(**row) for row in rows]


def saved() -> Saved:
    """How many generations size buckets have saved so far (1 query)."""
    counts = Rendition.objects.aggregate(sizes=Count("pk"), generations=Count("request", distinct=True))
    return Saved(**counts)


def running_leases() -> QuerySet[CreativeRequest]:
    """Requests that a worker holds, the lease that ends first at the top."""
    rows: QuerySet[CreativeRequest] = CreativeRequest.objects.filter(status=Status.RUNNING)
    return rows.select_related("merchant", "prompt_version__prompt").order_by("lease_until")


def failed_requests() -> QuerySet[CreativeRequest]:
    """Requests that were given up, the latest first."""
    rows: QuerySet[CreativeRequest] = CreativeRequest.objects.filter(status=Status.FAILED)
    return rows.select_related("merchant", "prompt_version__prompt").order_by("-finished_at", "-pk")


def troubled_sizes() -> list[Trouble]:
    """Sizes whose rendering has failed at least once and that are still missing, the latest first (2 queries)."""
    sizes = Rendition.objects.filter(file="").exclude(error="").select_related("request__merchant")
    whites = PositionedRendition.objects.filter(file="").exclude(error="").select_related("merchant")
    return [
        Trouble(str(row.request.merchant), f"{row} ({row.request.bucket})", row.attempts, row.error)
        for row in sizes.order_by("-pk")[:ROWS]
    ] + [
        Trouble(str(row.merchant), str(row), row.attempts, row.error) for row in whites.order_by("-pk")[:ROWS]
    ]


def open_messages() -> QuerySet[WebhookDelivery]:
    """Messages that are not accepted yet: dead ones first, then those that wait."""
    rows: QuerySet[WebhookDelivery] = WebhookDelivery.objects.filter(
        status__in=[WebhookDelivery.Status.DEAD, WebhookDelivery.Status.PENDING]
    )
    return rows.select_related("merchant", "recommender").order_by(
        "status", "-pk"
    )  # "dead" sorts before "pending"


def message_counts() -> dict[str, int]:
    """Messages by status, 0 for none (1 query)."""
    found = dict(WebhookDelivery.objects.order_by().values_list("status").annotate(Count("pk")))
    return {status: found.get(status, 0) for status in WebhookDelivery.Status.values}


def request_counts() -> dict[str, int]:
    """Requests by status, 0 for none (1 query)."""
    found = dict(CreativeRequest.objects.order_by().values_list("status").annotate(Count("pk")))
    return {status: found.get(status, 0) for status in Status.values}


def outbox_size() -> int:
    """Wake-ups that are due and not on the queue yet."""
    return OutboxEntry.objects.filter(available_at__lte=Now()).count()


def broker() -> Broker | None:
    """What Redis holds, or None while it cannot be reached."""
    try:
        queues = {name: django_rq.get_queue(name) for name in QUEUES}
        jobs = {name: queue.count for name, queue in queues.items()}
        return Broker(jobs, Worker.count(connection=queues["default"].connection))
    except RedisError:
        return None
