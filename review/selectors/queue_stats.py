"""How the queue is doing: its length and age, and whether pictures are decided in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Min, Value
from django.utils import timezone

from creatives.models import Creative, Merchant, User
from creatives.permissions import REVIEWERS
from review.models import Claim, Decision
from review.services.rules import rules_for


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The queue now: how many wait, are being looked at, are overdue; how long the oldest and the average one have waited.

    Over a span of days: ``in_time``, the share (0–1) of creatives first decided by a person within the merchant's time,
    and ``automatic``, how many a rule approved.
    """

    waiting: int
    claimed: int
    overdue: int
    oldest: timedelta | None
    mean: timedelta | None
    in_time: float | None
    automatic: int


def queue(user: User, days: int = 14) -> QueueStats:
    """The queue of the merchants for whom ``user`` reviews, and how it did over the last ``days``."""
    now = timezone.now()
    since = now - timedelta(days=days)
    merchants = list(Merchant.objects.for_member(user, REVIEWERS).values_list("pk", flat=True))
    found = Creative.objects.filter(status=Creative.Status.IN_REVIEW, merchant__in=merchants)
    age = ExpressionWrapper(Value(now) - F("created_at"), output_field=DurationField())
    row = found.aggregate(waiting=Count("pk"), oldest=Max(age), mean=Avg(age))
    groups = _by_time_allowed(merchants).items()
    overdue = (found.filter(merchant__in=group, created_at__lt=now - allowed) for allowed, group in groups)
    decided = [_decided(group, allowed, since) for allowed, group in groups]
    total = sum(count for count, _ in decided)
    automatic = Decision.objects.filter(merchant__in=merchants, at__gte=since, purpose=Decision.Purpose.AUTO)
    return QueueStats(
        waiting=row["waiting"],
        claimed=Claim.objects.filter(expires_at__gt=now, shown_at__isnull=False, creative__in=found).count(),
        overdue=sum(rows.count() for rows in overdue),
        oldest=row["oldest"],
        mean=row["mean"],
        in_time=sum(count for _, count in decided) / total if total else None,
        automatic=automatic.count(),
    )


def _by_time_allowed(merchants: Collection[int]) -> dict[timedelta, list[int]]:
    groups: dict[timedelta, list[int]] = defaultdict(list)
    for merchant_id, rules in rules_for(merchants).items():
        groups[timedelta(hours=rules.sla_hours)].append(merchant_id)
    return groups


def _decided(merchants: Collection[int], allowed: timedelta, since: datetime) -> tuple[int, int]:
    """Creatives that a person first decided since ``since``, and how many of them within ``allowed``."""
    lines = Decision.objects.filter(
        merchant__in=merchants,
        purpose=Decision.Purpose.DECIDE,
        action__in=[Decision.Action.APPROVE, Decision.Action.REJECT],
    )
    firsts = (
        lines.order_by()
        .values("creative")
        .annotate(
            first=Min("at"),
            took=ExpressionWrapper(Min("at") - Min("creative__created_at"), output_field=DurationField()),
        )
        .filter(first__gte=since)
    )
    return firsts.count(), firsts.filter(took__lte=allowed).count()
