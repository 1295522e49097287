"""What a reviewer says, made fit to be kept; and its line of the audit trail."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from creatives.models import Creative, User
from review.errors import AlreadyDecidedError, InvalidDecisionError
from review.models import Decision, PromptTrust, Reason
from review.policy import NOTE_LIMIT

Action, Purpose = Decision.Action, Decision.Purpose
LEANS = (Action.APPROVE, Action.REJECT)
PAST = {
    Action.APPROVE: "approved",
    Action.REJECT: "rejected",
    Action.UNDO: "returned to review",
    Action.RETIRE: "retired",
    Action.FLAG: "flagged",
    Action.REOPEN: "returned to review",
}
RESULT: dict[str, str] = {
    Action.APPROVE: Creative.Status.APPROVED,
    Action.REJECT: Creative.Status.REJECTED,
    Action.RETIRE: Creative.Status.RETIRED,
    Action.REOPEN: Creative.Status.IN_REVIEW,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer says about a creative.

    ``reason`` (a Reason) goes with reject and retire, and with a flag that leans to reject. ``lean`` ("approve", "reject" or
    empty) is what a reviewer who flags thinks; the next reviewer does not see it.
    """

    action: str
    reason: str = ""
    note: str = ""
    lean: str = ""

    def validated(self) -> Verdict:
        """The same, trimmed; raises InvalidDecisionError in words for the person."""
        note = " ".join(self.note.replace("\x00", "").split())
        if self.action not in RESULT and self.action != Action.FLAG:
            raise InvalidDecisionError(f"{self.action!r} is not a decision: approve, reject, flag or retire.")
        if len(note) > NOTE_LIMIT:
            raise InvalidDecisionError(f"The note has {len(note)} characters; at most {NOTE_LIMIT} are kept.")
        if self.action == Action.REOPEN and not note:
            raise InvalidDecisionError("Say in the note why it should be looked at again.")
        if self.action == Action.FLAG and self.lean not in ("", *LEANS):
            raise InvalidDecisionError(f"{self.lean!r} is no opinion: approve, reject or none.")
        lean = self.lean if self.action == Action.FLAG else ""
        if not (self.action in (Action.REJECT, Action.RETIRE) or lean == Action.REJECT):
            return Verdict(self.action, "", note, lean)
        if self.reason not in Reason.values:
            raise InvalidDecisionError(
                f"Choose a reason: {', '.join(str(label) for label in Reason.labels)}."
            )
        if self.reason == Reason.OTHER and not note:
            raise InvalidDecisionError("Say in the note what is wrong when the reason is “other”.")
        return Verdict(self.action, self.reason, note, lean)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision that stands. ``repeated``: it was there already, nothing was written. ``note``: words for the person."""

    decision: Decision | None
    repeated: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A line of the trail that is about to be written. The creative's row is locked."""

    reviewer: User
    creative: Creative
    verdict: Verdict
    token: uuid.UUID
    seconds: float | None = None
    batch: uuid.UUID | None = None

    def write(
        self,
        purpose: str = Purpose.DECIDE,
        *,
        trust: PromptTrust | None = None,
        undoes: Decision | None = None,
    ) -> Decision:
        """Write it. What a flag leans to is no part of the line, which others can read."""
        flag = self.verdict.action == Action.FLAG
        return Decision.objects.create(
            uuid=self.token,
            merchant_id=self.creative.merchant_id,
            creative=self.creative,
            reviewer=self.reviewer,
            action=self.verdict.action,
            purpose=purpose,
            reason="" if flag else self.verdict.reason,
            note="" if flag else self.verdict.note,
            seconds=self.seconds,
            batch=self.batch,
            trust=trust,
            undoes=undoes,
        )


def decided_with(token: uuid.UUID, reviewer: User, creative: Creative, action: str) -> Decision | None:
    """The line that this form has written already; raises AlreadyDecidedError if it was another form's token."""
    known = Decision.objects.filter(uuid=token).first()
    if known and (known.reviewer_id, known.creative_id, known.action) != (reviewer.pk, creative.pk, action):
        raise AlreadyDecidedError("This form has been used before. Reload the page and decide again.")
    return known


def standing(creative: Creative) -> Decision | None:
    """The last line about the creative's own state; answers that only check a reviewer are passed over."""
    rows = Decision.objects.filter(creative=creative).effective()
    return rows.select_related("reviewer").order_by("-pk").first()


def describe(creative: Creative) -> str:
    """Who decided what about it, in words."""
    if creative.status == Creative.Status.IN_REVIEW:
        return f"Creative {creative.pk} is in review: approve or reject it."
    last = standing(creative)
    if last is None or RESULT.get(last.action) != creative.status:
        return f"Creative {creative.pk} has already been {creative.get_status_display().lower()}."
    why = f" ({last.get_reason_display()})" if last.reason else ""
    who = str(last.reviewer) if last.reviewer_id else "automatic approval"
    return f"Creative {creative.pk} has already been {PAST[Action(last.action)]} by {who}{why}."
