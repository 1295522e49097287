"""A reviewer's own last decisions, for a look back while working."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from creatives.models import User
from review.models import Decision
from review.services.undo import undoable

LENGTH = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One of one's own decisions, whether it can be undone, and the token of the form that would."""

    decision: Decision
    can_undo: bool
    token: uuid.UUID


def last_own(user: User, length: int = LENGTH) -> list[Step]:
    """One's own last approvals, rejections and flags, latest first."""
    standing = set(undoable(user).values_list("pk", flat=True))
    actions = [Decision.Action.APPROVE, Decision.Action.REJECT, Decision.Action.FLAG]
    rows = (
        Decision.objects.filter(reviewer=user, action__in=actions)
        .select_related("creative", "undone_by")
        .order_by("-pk")[:length]
    )
    return [Step(row, row.pk in standing, uuid.uuid4()) for row in rows]
