"""How the desk is doing: each reviewer's throughput and the age of the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Max,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import TruncDate
from django.utils import timezone

from creatives.models import Merchant, User
from creatives.permissions import REVIEWERS
from review.models import Claim, Decision
from review.policy import approval_rate
from review.selectors.queue import waiting

Action = Decision.Action


class Median(Aggregate):
    """``percentile_cont(0.5)``: the middle value, NULLs left out."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class ReviewerStats:
    """One reviewer in a span of days. ``per_day``: decisions of each day, oldest first. Rates are 0–1."""

    name: str
    approved: int
    rejected: int
    retired: int
    undone: int
    median_seconds: float | None
    per_day: tuple[tuple[date, int], ...]

    @property
    def decisions(self) -> int:
        """Approvals and rejections, whether undone later or not."""
        return self.approved + self.rejected

    @property
    def approval_rate(self) -> float | None:
        """Share of approvals; None without decisions."""
        return approval_rate(self.approved, self.rejected)


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The queue now: how many wait, how many are being looked at, how long the oldest and the average one have waited."""

    waiting: int
    claimed: int
    oldest: timedelta | None
    mean: timedelta | None


def reviewers(user: User, days: int = 14) -> list[ReviewerStats]:
    """Reviewers of the merchants for whom ``user`` reviews, most decisions first, over the last ``days`` UTC days."""
    today = timezone.now().astimezone(UTC).date()
    span = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    trail = _trail(user).filter(at__gte=datetime.combine(span[0], time(), UTC))
    daily: dict[int, dict[date, int]] = {}
    decided = trail.filter(action__in=[Action.APPROVE, Action.REJECT])
    for reviewer, on, count in (
        decided.annotate(on=TruncDate("at", tzinfo=UTC))
        .values_list("reviewer", "on")
        .annotate(Count("pk"))
        .order_by()
    ):
        daily.setdefault(reviewer, {})[on] = count
    rows = (
        trail.values("reviewer", "reviewer__name", "reviewer__email")
        .order_by()
        .annotate(
            approve=Count("pk", filter=Q(action=Action.APPROVE)),
            reject=Count("pk", filter=Q(action=Action.REJECT)),
            retire=Count("pk", filter=Q(action=Action.RETIRE)),
            undo=Count("pk", filter=Q(action=Action.UNDO)),
            median=Median("seconds"),
        )
    )
    stats = [
        ReviewerStats(
            name=row["reviewer__name"] or row["reviewer__email"],
            approved=row["approve"],
            rejected=row["reject"],
            retired=row["retire"],
            undone=row["undo"],
            median_seconds=row["median"],
            per_day=tuple((on, daily.get(row["reviewer"], {}).get(on, 0)) for on in span),
        )
        for row in rows
    ]
    return sorted(stats, key=lambda row: (-row.decisions, row.name))


def reasons(user: User, days: int = 14) -> list[tuple[str, int]]:
    """Reasons of rejections and retirements over the last ``days``, most frequent first."""
    since = timezone.now() - timedelta(days=days)
    rows = (
        _trail(user)
        .filter(at__gte=since)
        .exclude(reason="")
        .values("reason")
        .order_by()
        .annotate(n=Count("pk"))
    )
    labels = dict(Decision._meta.get_field("reason").flatchoices)
    return sorted(
        ((str(labels[row["reason"]]), row["n"]) for row in rows), key=lambda pair: (-pair[1], pair[0])
    )


def queue(user: User) -> QueueStats:
    """The queue of the merchants for whom ``user`` reviews."""
    now = timezone.now()
    found = waiting(user)
    age = ExpressionWrapper(Value(now) - F("created_at"), output_field=DurationField())
    row = found.aggregate(waiting=Count("pk"), oldest=Max(age), mean=Avg(age))
    claimed = Claim.objects.filter(expires_at__gt=now, shown_at__isnull=False, creative__in=found).count()
    return QueueStats(row["waiting"], claimed, row["oldest"], row["mean"])


def _trail(user: User) -> QuerySet[Decision]:
    return Decision.objects.filter(merchant__in=Merchant.objects.for_member(user, REVIEWERS).values("pk"))
