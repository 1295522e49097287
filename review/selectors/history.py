"""Reads of the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from creatives.models import Merchant, User
from review.filters import HistoryFilters
from review.models import Decision, Reason, SecondOpinion

ALL = HistoryFilters()


def history(user: User, filters: HistoryFilters = ALL) -> QuerySet[Decision]:
    """Decisions of the merchants that ``user`` belongs to, latest first, narrowed by ``filters``.

    Gold checks are for administrators; second opinions appear once nobody is asked for one any more.
    """
    merchants = Merchant.objects.for_member(user)
    if filters.merchant:
        merchants = merchants.filter(slug=filters.merchant)
    found = Decision.objects.filter(merchant__in=merchants.values("pk")).exclude(
        purpose=Decision.Purpose.SECOND, creative__second_opinions__status=SecondOpinion.Status.OPEN
    )
    if not user.is_staff:
        found = found.exclude(purpose=Decision.Purpose.GOLD)
    for name in ("reviewer", "creative", "action", "reason"):
        if value := getattr(filters, name):
            found = found.filter(**{name: value})
    if filters.since:
        found = found.filter(at__gte=datetime.combine(filters.since, time(), UTC))
    if filters.until:
        found = found.filter(at__lt=datetime.combine(filters.until, time(), UTC) + timedelta(days=1))
    related = ("merchant", "reviewer", "creative__request__prompt_version__prompt", "undoes", "undone_by")
    return found.select_related(*related).order_by("-pk")


def choices(user: User) -> dict[str, Any]:
    """What the history's filters may be set to."""
    reviewers = User.objects.filter(pk__in=history(user).order_by().values("reviewer")).order_by(
        "name", "email"
    )
    return {
        "merchants": list(Merchant.objects.for_member(user).order_by("name")),
        "reviewers": list(reviewers),
        "actions": Decision.Action.choices,
        "reasons": Reason.choices,
    }
