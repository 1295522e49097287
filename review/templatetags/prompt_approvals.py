"""How a prompt's pictures fare with reviewers, for pages that know nothing of the review desk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django import template
from django.db.models import Count, Q

from creatives.models import Merchant, PromptVersion, User
from creatives.models.base import EDITORS
from review.models import Decision
from review.policy import approval_rate

register = template.Library()
Action, Purpose = Decision.Action, Decision.Purpose


@dataclass(frozen=True, slots=True)
class Approvals:
    """Decisions by people that stand, and approvals by rules."""

    approved: int = 0
    rejected: int = 0
    automatic: int = 0

    @property
    def rate(self) -> float | None:
        """Share of approvals among people's decisions; None without any."""
        return approval_rate(self.approved, self.rejected)


@register.simple_tag
def approvals(user: User, versions: Iterable[PromptVersion]) -> dict[int, Approvals]:
    """By version id, over the merchants that ``user`` edits (2 queries)."""
    ids = [version.pk for version in versions]
    merchants = list(Merchant.objects.for_member(user, EDITORS).values_list("pk", flat=True))
    lines = Decision.objects.filter(
        creative__request__prompt_version__in=ids, merchant__in=merchants, undone_by__isnull=True
    )
    by_people = Q(purpose=Purpose.DECIDE)
    rows = (
        lines.order_by()
        .values_list("creative__request__prompt_version")
        .annotate(
            approved=Count("pk", filter=by_people & Q(action=Action.APPROVE)),
            rejected=Count("pk", filter=by_people & Q(action=Action.REJECT)),
            automatic=Count("pk", filter=Q(purpose=Purpose.AUTO, action=Action.APPROVE)),
        )
    )
    found = {pk: Approvals(*counts) for pk, *counts in rows}
    return {pk: found.get(pk, Approvals()) for pk in ids}
