"""What is being served: approved creatives, whether a person or a rule let them through."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from creatives.models import Creative, Merchant, User
from creatives.permissions import REVIEWERS
from review.filters import ApprovedFilters
from review.models import Decision
from review.selectors.queue import named, pictures


def approved(user: User, filters: ApprovedFilters) -> QuerySet[Creative]:
    """Approved creatives of the merchants for whom ``user`` reviews, latest first, narrowed by ``filters``."""
    merchants = Merchant.objects.for_member(user, REVIEWERS)
    if filters.merchant:
        merchants = merchants.filter(slug=filters.merchant)
    found = Creative.objects.filter(status=Creative.Status.APPROVED, merchant__in=merchants.values("pk"))
    lines = Decision.objects.filter(creative=OuterRef("pk"), action=Decision.Action.APPROVE)
    if filters.by in ("auto", "person"):
        by_person = Exists(lines.filter(purpose=Decision.Purpose.DECIDE))
        found = found.filter(by_person if filters.by == "person" else ~by_person)
    if filters.trust:
        found = found.filter(Exists(lines.filter(purpose=Decision.Purpose.AUTO, trust=filters.trust)))
    if filters.q:
        of_prompt = Q(request__prompt_version__prompt__name__icontains=filters.q)
        found = found.filter(of_prompt | Q(pictures(named(filters.q))))
    return (
        found.order_by("decided_at", "pk")
        if filters.sort == "oldest"
        else found.order_by("-decided_at", "-pk")
    )


def latest_decisions(creative_ids: Iterable[int]) -> dict[int, Decision]:
    """The last line about each creative's own state; those without one are left out. One query."""
    rows = Decision.objects.filter(creative__in=set(creative_ids)).effective().select_related("reviewer")
    return {row.creative_id: row for row in rows.order_by("creative", "-pk").distinct("creative")}
