"""How reviewers are doing: how much, how fast, how well they agree, and why they turn pictures down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import (
    Aggregate,
    Count,
    FloatField,
    Q,
    QuerySet,
)
from django.db.models.functions import TruncDate
from django.utils import timezone

from creatives.models import Merchant, User
from creatives.permissions import REVIEWERS
from review.models import Decision
from review.policy import approval_rate
from review.selectors.agreement import Agreement, agreement

Action = Decision.Action


class Median(Aggregate):
    """``percentile_cont(0.5)``: the middle value, NULLs left out."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class ReviewerStats:
    """One reviewer in a span of days. ``per_day``: answers of each day, oldest first. Rates are 0–1.

    Answers are approvals and rejections of every kind: decisions, second opinions and gold checks.
    """

    name: str
    approved: int
    rejected: int
    retired: int
    undone: int
    median_seconds: float | None
    per_day: tuple[tuple[date, int], ...]
    agreement: Agreement = field(default_factory=Agreement)

    @property
    def decisions(self) -> int:
        """Approvals and rejections, whether undone later or not."""
        return self.approved + self.rejected

    @property
    def approval_rate(self) -> float | None:
        """Share of approvals; None without decisions."""
        return approval_rate(self.approved, self.rejected)


def reviewers(user: User, days: int = 14) -> list[ReviewerStats]:
    """Reviewers of the merchants for whom ``user`` reviews, most decisions first, over the last ``days`` UTC days."""
    today = timezone.now().astimezone(UTC).date()
    span = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    since = datetime.combine(span[0], time(), UTC)
    trail = _trail(user).filter(at__gte=since, reviewer__isnull=False)
    agreed = agreement(user, since)
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
            agreement=agreed.get(row["reviewer"]) or Agreement(),
        )
        for row in rows
    ]
    return sorted(stats, key=lambda row: (-row.decisions, row.name))


def reasons(user: User, days: int = 14) -> list[tuple[str, int]]:
    """Reasons of rejections and retirements over the last ``days``, most frequent first."""
    since = timezone.now() - timedelta(days=days)
    rows = (
        _trail(user)
        .filter(at__gte=since, purpose=Decision.Purpose.DECIDE)
        .exclude(reason="")
        .values("reason")
        .order_by()
        .annotate(n=Count("pk"))
    )
    labels = dict(Decision._meta.get_field("reason").flatchoices)
    return sorted(
        ((str(labels[row["reason"]]), row["n"]) for row in rows), key=lambda pair: (-pair[1], pair[0])
    )


def _trail(user: User) -> QuerySet[Decision]:
    return Decision.objects.filter(merchant__in=Merchant.objects.for_member(user, REVIEWERS).values("pk"))
