"""Decisions: each locks the creative, changes its status and writes its line of the audit trail in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from creatives.models import Creative, User
from creatives.permissions import REVIEWERS
from creatives.services import creatives as lifecycle
from review.errors import AlreadyDecidedError, ReviewError
from review.models import Claim, SecondOpinion
from review.services import gold, second, trust
from review.services.claims import assert_free, locked, release
from review.services.verdicts import (
    RESULT,
    Action,
    Draft,
    Outcome,
    Verdict,
    decided_with,
    describe,
    standing,
)

DECIDED = (Creative.Status.APPROVED, Creative.Status.REJECTED)
EXPECTED: dict[str, tuple[str, ...]] = {
    Action.APPROVE: (Creative.Status.IN_REVIEW,),
    Action.REJECT: (Creative.Status.IN_REVIEW,),
    Action.FLAG: (Creative.Status.IN_REVIEW,),
    Action.RETIRE: (Creative.Status.APPROVED,),
    Action.REOPEN: DECIDED,
}


def decide(
    reviewer: User,
    creative_id: int,
    verdict: Verdict,
    token: uuid.UUID,
    *,
    timed: bool = True,
    batch: uuid.UUID | None = None,
) -> Outcome:
    """Approve, reject, flag, retire or reopen a creative once; or answer a gold check or second opinion.

    ``token`` is the form's: sent twice it is one decision. Saying what is already so is no error and writes nothing. With
    ``timed`` the time since the picture was shown is kept. Raises Creative.DoesNotExist for what is not the reviewer's,
    InvalidDecisionError, AlreadyDecidedError, HeldByAnotherError; nothing is written then.
    """
    verdict = verdict.validated()
    with transaction.atomic():
        creative = locked(reviewer, creative_id)
        if known := decided_with(token, reviewer, creative, verdict.action):
            return Outcome(known, repeated=True)
        draft = Draft(
            reviewer, creative, verdict, token, _seconds(reviewer, creative) if timed else None, batch
        )
        if checked := gold.answer(draft):
            return checked
        case = second.case_of(draft)
        if case and not second.decides(case, verdict):
            return second.differ(case, draft)
        return _decide(draft, case)


def decide_many(
    reviewer: User, creative_ids: Iterable[int], verdict: Verdict, token: uuid.UUID
) -> tuple[list[Outcome], list[str]]:
    """Decide each creative on its own; returns the outcomes and, in words, why others were left alone.

    One undo takes them all back. Raises InvalidDecisionError, or Creative.DoesNotExist if one of them is not the
    reviewer's, before anything is decided.
    """
    verdict = verdict.validated()
    wanted = sorted(set(creative_ids))
    if Creative.objects.for_member(reviewer, REVIEWERS).filter(pk__in=wanted).count() != len(wanted):
        raise Creative.DoesNotExist("not all of these creatives are yours to decide")
    outcomes: list[Outcome] = []
    refused: list[str] = []
    for creative_id in wanted:
        one = uuid.uuid5(token, str(creative_id))
        try:
            outcomes.append(decide(reviewer, creative_id, verdict, one, timed=False, batch=token))
        except ReviewError as error:
            refused.append(str(error))
    return outcomes, refused


def _decide(draft: Draft, case: SecondOpinion | None) -> Outcome:
    creative, action = draft.creative, draft.verdict.action
    if RESULT.get(action) == creative.status:
        return Outcome(standing(creative), repeated=True)
    if creative.status not in EXPECTED[action]:
        raise AlreadyDecidedError(describe(creative))
    assert_free(draft.reviewer, creative.pk)
    if action == Action.FLAG:
        line = draft.write()
        second.ask(line, draft.verdict)
        release(creative, draft.reviewer)
        return Outcome(line, note=f"Another reviewer will look at creative {creative.pk}.")
    change(creative, draft.verdict)
    counted = trust.trust_of(creative)
    line = draft.write(trust=counted)
    trust.recount(counted)
    release(creative)
    if case:
        second.settle(case, line)
    elif action in (Action.RETIRE, Action.REOPEN):
        second.withdraw(creative)
    else:
        second.sample(line)
    return Outcome(line)


def change(creative: Creative, verdict: Verdict) -> None:
    """Move the (locked) creative as the verdict says; raises AlreadyDecidedError where that step does not exist."""
    try:
        if verdict.action == Action.APPROVE:
            lifecycle.approve(creative.pk)
        elif verdict.action == Action.REJECT:
            lifecycle.reject(creative.pk, verdict.reason)
        elif verdict.action == Action.REOPEN:
            lifecycle.reopen(creative.pk)
        else:
            lifecycle.retire(creative.pk, verdict.reason)
    except lifecycle.TransitionError as error:
        raise AlreadyDecidedError(f"Creative {creative.pk}: {error}") from error


def _seconds(reviewer: User, creative: Creative) -> float | None:
    claims = Claim.objects.filter(creative=creative, reviewer=reviewer)
    shown = claims.values_list("shown_at", flat=True).first() or gold.shown_at(reviewer, creative)
    return max((timezone.now() - shown).total_seconds(), 0.0) if shown else None
