"""Decisions: each locks the creative, changes its status and writes its line of the audit trail in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from creatives.models import Creative, User
from creatives.permissions import REVIEWERS
from creatives.services import creatives as lifecycle
from review.errors import AlreadyDecidedError, InvalidDecisionError, NothingToUndoError, ReviewError
from review.models import Claim, Decision, Reason, Skip
from review.policy import NOTE_LIMIT, UNDO_DEPTH
from review.services.claims import assert_free, locked

Action = Decision.Action
PAST = {
    Action.APPROVE: "approved",
    Action.REJECT: "rejected",
    Action.UNDO: "returned to review",
    Action.RETIRE: "retired",
}

RESULT: dict[str, str] = {
    Action.APPROVE: Creative.Status.APPROVED,
    Action.REJECT: Creative.Status.REJECTED,
    Action.RETIRE: Creative.Status.RETIRED,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer says about a creative. ``reason`` (a Reason) goes with reject and retire, and only with them."""

    action: str
    reason: str = ""
    note: str = ""

    def validated(self) -> Verdict:
        """The same, trimmed; raises InvalidDecisionError in words for the person."""
        note = " ".join(self.note.replace("\x00", "").split())
        if self.action not in RESULT:
            raise InvalidDecisionError(f"{self.action!r} is not a decision: approve, reject or retire.")
        if len(note) > NOTE_LIMIT:
            raise InvalidDecisionError(f"The note has {len(note)} characters; at most {NOTE_LIMIT} are kept.")
        if self.action == Action.APPROVE:
            return Verdict(self.action, "", note)
        if self.reason not in Reason.values:
            raise InvalidDecisionError(
                f"Choose a reason: {', '.join(str(label) for label in Reason.labels)}."
            )
        if self.reason == Reason.OTHER and not note:
            raise InvalidDecisionError("Say in the note what is wrong when the reason is “other”.")
        return Verdict(self.action, self.reason, note)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision that stands. ``repeated``: it was there already, nothing was written."""

    decision: Decision | None
    repeated: bool = False


def decide(
    reviewer: User, creative_id: int, verdict: Verdict, token: uuid.UUID, *, timed: bool = True
) -> Outcome:
    """Approve, reject or retire a creative once.

    ``token`` is the form's: sent twice it is one decision. Saying what is already so is no error and writes nothing. With
    ``timed`` the time since the picture was shown is kept. Raises Creative.DoesNotExist for what is not the reviewer's,
    InvalidDecisionError, AlreadyDecidedError, HeldByAnotherError; nothing is written then.
    """
    verdict = verdict.validated()
    with transaction.atomic():
        creative = locked(reviewer, creative_id)
        known = _decided_with(token, reviewer, creative, verdict.action)
        if known or _is_so(creative, verdict.action):
            return Outcome(known or creative.decisions.first(), repeated=True)
        expected = Creative.Status.APPROVED if verdict.action == Action.RETIRE else Creative.Status.IN_REVIEW
        if creative.status != expected:
            raise AlreadyDecidedError(describe(creative))
        assert_free(reviewer, creative_id)
        _apply(creative, verdict)
        seconds = _seconds(reviewer, creative) if timed else None
        Claim.objects.filter(creative=creative).delete()
        Skip.objects.filter(creative=creative).delete()
        return Outcome(_record(reviewer, creative, verdict, token, seconds=seconds))


def decide_many(
    reviewer: User, creative_ids: Iterable[int], verdict: Verdict, token: uuid.UUID
) -> tuple[list[Outcome], list[str]]:
    """Decide each creative on its own; returns the outcomes and, in words, why others were left alone.

    Raises InvalidDecisionError, or Creative.DoesNotExist if one of them is not the reviewer's, before anything is decided.
    """
    verdict = verdict.validated()
    wanted = sorted(set(creative_ids))
    if Creative.objects.for_member(reviewer, REVIEWERS).filter(pk__in=wanted).count() != len(wanted):
        raise Creative.DoesNotExist("not all of these creatives are yours to decide")
    outcomes: list[Outcome] = []
    refused: list[str] = []
    for creative_id in wanted:
        try:
            outcomes.append(
                decide(reviewer, creative_id, verdict, uuid.uuid5(token, str(creative_id)), timed=False)
            )
        except ReviewError as error:
            refused.append(str(error))
    return outcomes, refused


def undo(reviewer: User, token: uuid.UUID, decision: uuid.UUID | None = None) -> Outcome:
    """Take back one's latest decision that still stands (or this ``decision``): the creative is in review again, and ours.

    Only the last 10 of one's own approvals and rejections can be undone, and only while nothing came after them.
    Raises NothingToUndoError; AlreadyDecidedError when somebody else was faster.
    """
    with transaction.atomic():
        repeated = Decision.objects.filter(uuid=token, reviewer=reviewer, action=Action.UNDO).first()
        if repeated:
            return Outcome(repeated, repeated=True)
        target = _undoable(reviewer, decision)
        creative = locked(reviewer, target.creative_id)
        repeated = _decided_with(token, reviewer, creative, Action.UNDO)
        if repeated:
            return Outcome(repeated, repeated=True)
        if creative.decisions.first() != target:
            raise AlreadyDecidedError(describe(creative))
        try:
            lifecycle.reopen(creative.pk)
        except lifecycle.TransitionError as error:
            raise AlreadyDecidedError(f"Creative {creative.pk} cannot return to review: {error}") from error
        return Outcome(_record(reviewer, creative, Verdict(Action.UNDO), token, undoes=target))


def undoable(reviewer: User) -> QuerySet[Decision]:
    """One's own approvals and rejections, among the last 10, that still stand and can return to review; latest first.

    A creative that was retired with its prompt cannot, nor one whose request has been painted again.
    """
    own = Decision.objects.filter(reviewer=reviewer, action__in=[Action.APPROVE, Action.REJECT])
    recent = list(own.order_by("-pk").values_list("pk", flat=True)[:UNDO_DEPTH])
    later = Decision.objects.filter(creative=OuterRef("creative"), pk__gt=OuterRef("pk"))
    successor = Creative.objects.filter(request=OuterRef("creative__request"), status__in=Creative.ALIVE)
    return Decision.objects.filter(
        Q(creative__status=Creative.Status.APPROVED)
        | (Q(creative__status=Creative.Status.REJECTED) & ~Exists(successor)),
        ~Exists(later),
        pk__in=recent,
    ).order_by("-pk")


def describe(creative: Creative) -> str:
    """Who decided what about it, in words."""
    if creative.status == Creative.Status.IN_REVIEW:
        return f"Creative {creative.pk} is in review: approve or reject it."
    last = creative.decisions.select_related("reviewer").first()
    if last is None or RESULT.get(last.action) != creative.status:
        return f"Creative {creative.pk} has already been {creative.get_status_display().lower()}."
    why = f" ({last.get_reason_display()})" if last.reason else ""
    return f"Creative {creative.pk} has already been {PAST[Action(last.action)]} by {last.reviewer}{why}."


def _undoable(reviewer: User, decision: uuid.UUID | None) -> Decision:
    candidates = undoable(reviewer)
    target = (candidates.filter(uuid=decision) if decision else candidates).first()
    if target is None:
        raise NothingToUndoError(
            "There is nothing to undo: your last decisions no longer stand or were taken back."
        )
    return target


def _decided_with(token: uuid.UUID, reviewer: User, creative: Creative, action: str) -> Decision | None:
    known = Decision.objects.filter(uuid=token).first()
    if known and (known.reviewer_id, known.creative_id, known.action) != (reviewer.pk, creative.pk, action):
        raise AlreadyDecidedError("This form has been used before. Reload the page and decide again.")
    return known


def _is_so(creative: Creative, action: str) -> bool:
    return RESULT[action] == creative.status


def _apply(creative: Creative, verdict: Verdict) -> None:
    try:
        if verdict.action == Action.APPROVE:
            lifecycle.approve(creative.pk)
        elif verdict.action == Action.REJECT:
            lifecycle.reject(creative.pk, verdict.reason)
        else:
            lifecycle.retire(creative.pk, verdict.reason)
    except lifecycle.TransitionError as error:
        raise AlreadyDecidedError(f"Creative {creative.pk}: {error}") from error


def _seconds(reviewer: User, creative: Creative) -> float | None:
    shown = (
        Claim.objects.filter(creative=creative, reviewer=reviewer).values_list("shown_at", flat=True).first()
    )
    return max((timezone.now() - shown).total_seconds(), 0.0) if shown else None


def _record(
    reviewer: User,
    creative: Creative,
    verdict: Verdict,
    token: uuid.UUID,
    *,
    seconds: float | None = None,
    undoes: Decision | None = None,
) -> Decision:
    return Decision.objects.create(
        uuid=token,
        merchant_id=creative.merchant_id,
        creative=creative,
        reviewer=reviewer,
        action=verdict.action,
        reason=verdict.reason,
        note=verdict.note,
        seconds=seconds,
        undoes=undoes,
    )
