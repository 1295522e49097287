"""The outbox: wake-ups written with the rows they are about, and carried to the queue afterwards.

The database is the truth; a wake-up only says that there may be something to do. Losing or doubling one is harmless.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import datetime

import django_rq
import structlog
from django.db import connection, transaction
from django.db.models.functions import Now

from creatives.models import OutboxEntry

log = structlog.get_logger("outbox")

BATCH = 200
FAILURE_TTL_SECONDS = 24 * 3600
QUEUE_OF = {"generate": "generate", "compare": "generate"}
"""Queues of jobs that need a painter; every other job goes to "default"."""

# The row lock of DO UPDATE makes a dispatcher pass over the entry until the rows it is about are committed.
_WAKE = """
INSERT INTO creatives_outboxentry (job, key, available_at)
SELECT %s, key, coalesce(%s, statement_timestamp()) FROM unnest(%s::text[]) AS key
ON CONFLICT (job, key) DO UPDATE SET available_at = least(creatives_outboxentry.available_at, EXCLUDED.available_at)
"""


def wake(job: str, keys: Iterable[str], at: datetime | None = None) -> None:
    """Have ``job(key)`` run for each key, now or at ``at``, once the caller's transaction has committed.

    ``job`` is a function of ``creatives.jobs``, or a dotted path (up to 40 characters); keys have up to 80 characters.
    An entry that waits already is kept, and brought forward if ``at`` is earlier.
    """
    ordered = sorted(set(keys))  # one order for all, so that two writers never wait for each other
    if ordered:
        with connection.cursor() as cursor:
            cursor.execute(_WAKE, [job, at, ordered])


def dispatch_once(limit: int = BATCH) -> int:
    """Put due entries on the queue and delete them, in one transaction; returns how many.

    At least once: a crash between the two leaves the entry, and jobs may run twice. Raises RedisError, with every entry
    kept, when the queue cannot be reached.
    """
    if not OutboxEntry.objects.filter(available_at__lte=Now()).exists():
        return 0
    # A Redis that does not answer is found out before rows are locked, for which decisions would have to wait.
    django_rq.get_connection("default").ping()
    with transaction.atomic():
        due = OutboxEntry.objects.select_for_update(skip_locked=True).filter(available_at__lte=Now())
        entries = list(due.order_by("available_at")[:limit])
        if not entries:
            return 0
        waiting = _waiting({_queue_name(entry.job) for entry in entries})
        for entry in entries:
            _enqueue(entry, waiting)
        OutboxEntry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
    return len(entries)


def _queue_name(job: str) -> str:
    return QUEUE_OF.get(job, "default")


def _job_name(job: str, key: str) -> str:
    """RQ ids hold letters, digits, dashes and underscores only."""
    return f"{job.replace('.', '-')}-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _waiting(queues: set[str]) -> set[str]:
    """Names of the jobs that nobody has started: those will see everything that is committed by now."""
    ids = (job_id for name in queues for job_id in django_rq.get_queue(name).job_ids)
    return {job_id.rpartition("_")[0] for job_id in ids}


def _enqueue(entry: OutboxEntry, waiting: set[str]) -> None:
    name = _job_name(entry.job, entry.key)
    if name in waiting:
        return
    waiting.add(name)
    # commit_mode: the default would wait for this very transaction and lose the job if Redis were down by then.
    queue = django_rq.get_queue(_queue_name(entry.job), commit_mode="auto")
    queue.enqueue(
        entry.job if "." in entry.job else f"creatives.jobs.{entry.job}",
        entry.key,
        job_id=f"{name}_{uuid.uuid4().hex[:12]}",
        description=f"{entry.job}({entry.key})",
        result_ttl=0,
        failure_ttl=FAILURE_TTL_SECONDS,
    )
    log.info("enqueued", job=entry.job, key=entry.key)
