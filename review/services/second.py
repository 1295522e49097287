"""Second opinions: asked for with a flag or drawn by chance, given without seeing the first; an owner settles disputes."""

from __future__ import annotations

import uuid
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from creatives.models import Creative, Membership, User
from creatives.permissions import OWNERS, REVIEWERS
from creatives.services import creatives as lifecycle
from review.errors import AlreadyDecidedError, InvalidDecisionError, NotOpenError
from review.models import Claim, Decision, SecondOpinion
from review.policy import drawn
from review.services import trust
from review.services.claims import assert_free, release
from review.services.rules import rules_of
from review.services.verdicts import Action, Draft, Outcome, Purpose, Verdict

Kind, Status = SecondOpinion.Kind, SecondOpinion.Status
OPINIONS = (Action.APPROVE, Action.REJECT, Action.FLAG)
DIFFER = "You and the first reviewer differ about creative {}: an owner or administrator decides."


def ask(line: Decision, verdict: Verdict) -> SecondOpinion:
    """Open a case for a flag that has just been written."""
    return SecondOpinion.objects.create(
        merchant_id=line.merchant_id,
        creative_id=line.creative_id,
        kind=Kind.FLAG,
        first=line,
        lean=verdict.lean,
        lean_reason=verdict.reason,
        note=verdict.note,
    )


def sample(line: Decision) -> SecondOpinion | None:
    """Open a case for a decision that has just been written, if chance draws it and there is somebody else to ask."""
    share = rules_of(line.merchant_id).second_share
    if not share or not drawn(share, settings.SECRET_KEY, "second", line.uuid):
        return None
    others = Membership.objects.filter(merchant=line.merchant_id, role__in=REVIEWERS, user__is_active=True)
    if not others.exclude(user=line.reviewer_id).exists():
        return None
    return SecondOpinion.objects.create(
        merchant_id=line.merchant_id,
        creative_id=line.creative_id,
        kind=Kind.SAMPLE,
        first=line,
        lean=line.action,
        lean_reason=line.reason,
        note=line.note,
    )


def case_of(draft: Draft) -> SecondOpinion | None:
    """The open case that ``draft`` is an answer to, its row locked; None when there is none.

    Raises AlreadyDecidedError where the case leaves nothing to this reviewer, HeldByAnotherError.
    """
    if draft.verdict.action not in OPINIONS:
        return None
    creative = draft.creative
    rows = SecondOpinion.objects.select_for_update(of=("self",)).select_related("first")
    case: SecondOpinion | None = rows.filter(creative=creative, status__in=SecondOpinion.UNSETTLED).first()
    if case is None:
        return None
    mine = case.first.reviewer_id == draft.reviewer.pk
    if case.kind == Kind.SAMPLE:
        held = Claim.objects.filter(creative=creative, reviewer=draft.reviewer).exists()
        return case if case.status == Status.OPEN and held and not mine else None
    if creative.status != Creative.Status.IN_REVIEW:
        return None
    if case.status == Status.DISPUTED:
        raise AlreadyDecidedError(
            f"Two reviewers differ about creative {creative.pk}: an owner or administrator decides."
        )
    if mine:
        raise AlreadyDecidedError(
            f"You have flagged creative {creative.pk}: another reviewer gives the second opinion."
        )
    assert_free(draft.reviewer, creative.pk)
    return case


def decides(case: SecondOpinion, verdict: Verdict) -> bool:
    """Whether this second opinion decides the creative: a flag's, if it is what the first leans to or the first has none."""
    return case.kind == Kind.FLAG and verdict.action != Action.FLAG and case.lean in ("", verdict.action)


def differ(case: SecondOpinion, draft: Draft) -> Outcome:
    """Keep an opinion that leaves the creative as it is: a sample's, or one that differs from a flag's."""
    line = draft.write(Purpose.SECOND)
    release(draft.creative)
    settle(case, line)
    return Outcome(line, note="" if case.status == Status.AGREED else DIFFER.format(draft.creative.pk))


def settle(case: SecondOpinion, line: Decision) -> None:
    """The second opinion is there: agreed, or disputed."""
    case.second = line
    agreed = line.action == case.lean or (not case.lean and line.action != Action.FLAG)
    case.status = Status.AGREED if agreed else Status.DISPUTED
    case.closed_at = timezone.now() if agreed else None
    case.save(update_fields=["second", "status", "closed_at"])


def withdraw(creative: Creative) -> None:
    """Nobody needs to answer any more: the creative was retired or decided anew."""
    unsettled = SecondOpinion.objects.filter(creative=creative, status__in=SecondOpinion.UNSETTLED)
    unsettled.update(status=Status.WITHDRAWN, closed_at=timezone.now())


def resolve(person: User, case_id: int, verdict: Verdict, token: uuid.UUID) -> Outcome:
    """An owner or administrator has the last word: approve or reject what two reviewers differ about, or nobody answered.

    A sample's decision is reversed if it was the other one: an approved creative retires, a rejected one is approved.
    Raises SecondOpinion.DoesNotExist, NotOpenError, InvalidDecisionError, AlreadyDecidedError.
    """
    verdict = verdict.validated()
    if verdict.action not in (Action.APPROVE, Action.REJECT):
        raise InvalidDecisionError("Approve or reject it.")
    with transaction.atomic():
        allowed = SecondOpinion.objects.for_member(person, OWNERS).filter(pk=case_id)
        creative_id = allowed.values_list("creative", flat=True).get()
        creative = Creative.objects.select_for_update(of=("self",)).get(pk=creative_id)
        case = SecondOpinion.objects.select_for_update(of=("self",)).get(pk=case_id)
        if known := Decision.objects.filter(uuid=token, reviewer=person, creative=creative).first():
            return Outcome(known, repeated=True)
        if case.status not in SecondOpinion.UNSETTLED:
            raise NotOpenError(
                f"Creative {creative.pk} is no longer in dispute: {case.get_status_display()}."
            )
        done = _overrule(creative, verdict)
        counted = trust.trust_of(creative) if done else None
        draft = Draft(person, creative, replace(verdict, action=done or verdict.action), token)
        line = draft.write(Purpose.DECIDE if done else Purpose.SECOND, trust=counted)
        trust.recount(counted)
        release(creative)
        case.status, case.resolution, case.closed_at = Status.RESOLVED, line, timezone.now()
        case.save(update_fields=["status", "resolution", "closed_at"])
    return Outcome(line)


def take_back(case: SecondOpinion) -> None:
    """The second opinion was undone: the case waits for one again."""
    case.status, case.second, case.closed_at = Status.OPEN, None, None
    case.save(update_fields=["status", "second", "closed_at"])


def _overrule(creative: Creative, verdict: Verdict) -> str:
    """Make the creative what ``verdict`` says; the action that this took, empty when it is that already."""
    approves = verdict.action == Action.APPROVE
    status = creative.status
    if status == (Creative.Status.APPROVED if approves else Creative.Status.REJECTED):
        return ""
    try:
        if status == Creative.Status.APPROVED:
            lifecycle.retire(creative.pk, verdict.reason)
            return Action.RETIRE
        if status == Creative.Status.REJECTED:
            lifecycle.reopen(creative.pk)
        if approves:
            lifecycle.approve(creative.pk)
        else:
            lifecycle.reject(creative.pk, verdict.reason)
    except lifecycle.TransitionError as error:
        raise AlreadyDecidedError(f"Creative {creative.pk}: {error}") from error
    return verdict.action
