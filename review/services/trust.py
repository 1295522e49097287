"""Trust that a prompt earns in a category: counted off the audit trail under a lock, lost by rejections."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from creatives.models import Creative, ProductImage, User
from creatives.permissions import OWNERS
from review.errors import NotOpenError
from review.models import Decision, PromptTrust, TrustEvent
from review.services.rules import rules_of

State, Kind, Action = PromptTrust.State, TrustEvent.Kind, Decision.Action
AGAINST = (Action.REJECT, Action.RETIRE)


def trust_of(creative: Creative) -> PromptTrust | None:
    """The row that decisions on ``creative`` count for, made if need be; None when its product has no category."""
    key = _key(creative)
    if key is None:
        return None
    return PromptTrust.objects.get_or_create(**key)[0]


def trusted(creative: Creative) -> PromptTrust | None:
    """The trust of ``creative``'s prompt and category if it is trusted now, its row locked; None if not."""
    key = _key(creative)
    if key is None:
        return None
    found: PromptTrust | None = (
        PromptTrust.objects.select_for_update().filter(**key, state=State.TRUSTED).first()
    )
    return found


def recount(trust: PromptTrust | None) -> None:
    """Read the counts off the trail, and earn or lose trust by them. For the caller's transaction."""
    if trust is None:
        return
    row = PromptTrust.objects.select_for_update().get(pk=trust.pk)
    rules = rules_of(row.merchant_id)
    lines = Decision.objects.filter(trust=row, purpose=Decision.Purpose.DECIDE, undone_by__isnull=True)
    against = lines.filter(action__in=AGAINST)
    last = max(against.aggregate(last=Max("pk"))["last"] or 0, row.counted_from)
    row.streak = lines.filter(action=Action.APPROVE, pk__gt=last).count()
    row.rejections = against.filter(pk__gt=row.trusted_from).count() if row.state == State.TRUSTED else 0
    if row.state == State.TRUSTED and row.rejections >= rules.demote_after:
        _turn(row, State.EARNING, Kind.LOST)
    elif row.state == State.EARNING and rules.trust and row.streak >= rules.trust_after:
        _turn(row, State.TRUSTED, Kind.EARNED)
    row.save()


def stop(person: User, trust_id: int) -> PromptTrust:
    """Approve nothing of it without a person until it is restarted. Raises PromptTrust.DoesNotExist, NotOpenError."""
    return _by_hand(person, trust_id, State.STOPPED, Kind.STOPPED)


def restart(person: User, trust_id: int) -> PromptTrust:
    """Count again, from nothing. Raises PromptTrust.DoesNotExist, NotOpenError."""
    return _by_hand(person, trust_id, State.EARNING, Kind.RESTARTED)


def _by_hand(person: User, trust_id: int, to: str, kind: str) -> PromptTrust:
    with transaction.atomic():
        allowed = PromptTrust.objects.for_member(person, OWNERS).filter(pk=trust_id).values("pk")
        row: PromptTrust = PromptTrust.objects.select_for_update(of=("self",)).get(pk__in=allowed)
        if (row.state == State.STOPPED) == (to == State.STOPPED):
            raise NotOpenError(f"{row} already.")
        _turn(row, to, kind, person)
        row.save()
    return row


def _turn(row: PromptTrust, to: str, kind: str, person: User | None = None) -> None:
    """Change the (locked) row's state; what came before no longer counts. The caller saves it."""
    TrustEvent.objects.create(trust=row, kind=kind, streak=row.streak, rejections=row.rejections, by=person)
    last = Decision.objects.filter(trust=row).aggregate(last=Max("pk"))["last"] or 0
    row.state = to
    if to == State.TRUSTED:
        row.trusted_from, row.rejections = last, 0
    else:
        row.counted_from, row.streak, row.rejections = last, 0, 0


def _key(creative: Creative) -> dict[str, Any] | None:
    request = creative.request
    images = ProductImage.objects.filter(merchant=creative.merchant_id, sha256=request.image_sha256)
    category = images.order_by("product", "position").values_list("product__category", flat=True).first()
    if category is None:
        return None
    return {
        "merchant_id": creative.merchant_id,
        "prompt_version_id": request.prompt_version_id,
        "category_id": category,
    }
