"""Undo: take back one's own last answers, alone or all that were given together, each with a line of its own."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from creatives.models import Creative, User
from creatives.services import creatives as lifecycle
from review.errors import AlreadyDecidedError, NothingToUndoError, ReviewError
from review.models import Decision, SecondOpinion
from review.policy import UNDO_DEPTH
from review.services import gold, second, trust
from review.services.claims import locked
from review.services.verdicts import (
    Action,
    Draft,
    Outcome,
    Purpose,
    Verdict,
    decided_with,
    describe,
    standing,
)

UNDO = Verdict(Action.UNDO)
Status = SecondOpinion.Status


def undo(
    reviewer: User, token: uuid.UUID, decision: uuid.UUID | None = None, *, batch: uuid.UUID | None = None
) -> Outcome:
    """Take back one's latest answer that still stands (or this ``decision``): the creative is before the reviewer again.

    Only the last 10 of one's own answers can be undone, and only while nothing came after them.
    Raises NothingToUndoError; AlreadyDecidedError when somebody else was faster.
    """
    with transaction.atomic():
        repeated = Decision.objects.filter(uuid=token, reviewer=reviewer, action=Action.UNDO).first()
        if repeated:
            return Outcome(repeated, repeated=True)
        return _take_back(reviewer, token, _undoable(reviewer, decision), batch)


def undo_last(reviewer: User, token: uuid.UUID) -> tuple[list[Outcome], list[str]]:
    """Take back one's latest answer, and with it all that were given together; also, in words, what could not be.

    Raises NothingToUndoError; AlreadyDecidedError when there was one answer and somebody else was faster.
    """
    done = Decision.objects.filter(Q(uuid=token) | Q(batch=token), reviewer=reviewer, action=Action.UNDO)
    if repeated := [Outcome(line, repeated=True) for line in done]:
        return repeated, []
    last = _undoable(reviewer, None)
    if last.batch is None:
        return [undo(reviewer, token, last.uuid)], []
    outcomes: list[Outcome] = []
    refused: list[str] = []
    for target in undoable(reviewer).filter(batch=last.batch):
        try:
            one = uuid.uuid5(token, str(target.uuid))
            outcomes.append(undo(reviewer, one, target.uuid, batch=token))
        except ReviewError as error:
            refused.append(str(error))
    return outcomes, refused


def undoable(reviewer: User) -> QuerySet[Decision]:
    """One's own answers, among the last 10, that still stand and can be taken back; latest first.

    A decision on a creative that was retired with its prompt cannot, nor one whose request has been painted again, nor
    an opinion after an owner's word.
    """
    own = Decision.objects.filter(reviewer=reviewer, action__in=[Action.APPROVE, Action.REJECT, Action.FLAG])
    recent = list(own.order_by("-pk").values_list("pk", flat=True)[:UNDO_DEPTH])
    later = Decision.objects.filter(creative=OuterRef("creative"), pk__gt=OuterRef("pk")).effective()
    successor = Creative.objects.filter(request=OuterRef("creative__request"), status__in=Creative.ALIVE)
    decided = Q(purpose=Purpose.DECIDE, action__in=[Action.APPROVE, Action.REJECT]) & (
        Q(creative__status=Creative.Status.APPROVED)
        | (Q(creative__status=Creative.Status.REJECTED) & ~Exists(successor))
    )
    flagged = Q(action=Action.FLAG, opens__status=Status.OPEN, creative__status=Creative.Status.IN_REVIEW)
    opinion = Q(purpose=Purpose.SECOND, answers__status__in=[Status.AGREED, Status.DISPUTED])
    return Decision.objects.filter(
        (decided & ~Exists(later) & ~Q(opens__status=Status.RESOLVED))
        | (flagged & ~Exists(later))
        | opinion
        | Q(purpose=Purpose.GOLD, gold_check__isnull=False),
        pk__in=recent,
    ).order_by("-pk")


def _undoable(reviewer: User, decision: uuid.UUID | None) -> Decision:
    candidates = undoable(reviewer)
    target = (candidates.filter(uuid=decision) if decision else candidates).first()
    if target is None:
        raise NothingToUndoError(
            "There is nothing to undo: your last decisions no longer stand or were taken back."
        )
    return target


def _take_back(reviewer: User, token: uuid.UUID, target: Decision, batch: uuid.UUID | None) -> Outcome:
    creative = locked(reviewer, target.creative_id)
    if repeated := decided_with(token, reviewer, creative, Action.UNDO):
        return Outcome(repeated, repeated=True)
    draft = Draft(reviewer, creative, UNDO, token, batch=batch)
    if target.purpose == Purpose.GOLD:
        gold.take_back(target)
    elif target.purpose == Purpose.SECOND:
        second.take_back(_answered(target))
    elif standing(creative) != target:
        raise AlreadyDecidedError(describe(creative))
    elif target.action == Action.FLAG:
        _withdraw_flag(creative, target)
    else:
        return _reopen(draft, target)
    return Outcome(draft.write(target.purpose, undoes=target))


def _reopen(draft: Draft, target: Decision) -> Outcome:
    creative = draft.creative
    try:
        lifecycle.reopen(creative.pk)
    except lifecycle.TransitionError as error:
        raise AlreadyDecidedError(f"Creative {creative.pk} cannot return to review: {error}") from error
    line = draft.write(undoes=target)
    trust.recount(target.trust)
    second.withdraw(creative)
    for case in SecondOpinion.objects.select_for_update().filter(second=target, status=Status.AGREED):
        second.take_back(case)
    return Outcome(line)


def _withdraw_flag(creative: Creative, target: Decision) -> None:
    case = SecondOpinion.objects.select_for_update().filter(first=target, status=Status.OPEN).first()
    if case is None:
        raise AlreadyDecidedError(f"Creative {creative.pk}: another reviewer has answered your flag.")
    second.withdraw(creative)


def _answered(target: Decision) -> SecondOpinion:
    rows = SecondOpinion.objects.select_for_update().filter(
        second=target, status__in=[Status.AGREED, Status.DISPUTED]
    )
    case = rows.first()
    if case is None:
        raise AlreadyDecidedError(f"Creative {target.creative_id}: your opinion has been acted on since.")
    return case
