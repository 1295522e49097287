"""What is being served: approved creatives, whether a person or the merchant's auto-approval let them through."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from creatives.models import Creative, Merchant, User
from creatives.permissions import REVIEWERS
from review.filters import ApprovedFilters
from review.models import Decision


def approved(user: User, filters: ApprovedFilters) -> QuerySet[Creative]:
    """Approved creatives of the merchants for whom ``user`` reviews, latest first, narrowed by ``filters``."""
    merchants = Merchant.objects.for_member(user, REVIEWERS)
    if filters.merchant:
        merchants = merchants.filter(slug=filters.merchant)
    found = Creative.objects.filter(status=Creative.Status.APPROVED, merchant__in=merchants.values("pk"))
    decided = Exists(Decision.objects.filter(creative=OuterRef("pk")))
    if filters.by in ("auto", "person"):
        found = found.filter(decided if filters.by == "person" else ~decided)
    return found.order_by("-decided_at", "-pk")


def latest_decisions(creative_ids: Iterable[int]) -> dict[int, Decision]:
    """The decision that stands for each creative; those that no person has decided are left out. One query."""
    rows = Decision.objects.filter(creative__in=set(creative_ids)).select_related("reviewer")
    return {row.creative_id: row for row in rows.order_by("creative", "-pk").distinct("creative")}
