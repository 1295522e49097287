"""Gold items: decided creatives with a known answer, mixed into queues. Answering one never changes the creative."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from creatives.models import Creative, User
from review.errors import InvalidDecisionError, NotOpenError
from review.filters import QueueFilters
from review.models import Decision, GoldCheck, GoldItem
from review.policy import drawn
from review.selectors.queue import narrowed
from review.services.rules import rules_for
from review.services.verdicts import Action, Draft, Outcome, Purpose, Verdict

ANSWERS = (Action.APPROVE, Action.REJECT, Action.FLAG)
DECIDED = (Creative.Status.APPROVED, Creative.Status.REJECTED, Creative.Status.RETIRED)


def set_gold(person: User, creative_id: int, verdict: Verdict) -> GoldItem:
    """Make a decided creative a gold item with ``verdict`` as its right answer; another answer retires the item before.

    Administrators only. Raises Creative.DoesNotExist, InvalidDecisionError, NotOpenError.
    """
    verdict = verdict.validated()
    if verdict.action not in (Action.APPROVE, Action.REJECT):
        raise InvalidDecisionError("The right answer of a gold item is approve or reject.")
    with transaction.atomic():
        creative = Creative.objects.for_member(person, ()).select_for_update(of=("self",)).get(pk=creative_id)
        if creative.status not in DECIDED:
            raise NotOpenError(f"Creative {creative_id} is in review: only decided ones become gold items.")
        held = GoldItem.objects.filter(creative=creative, retired_at=None).first()
        wanted = (verdict.action, verdict.reason, verdict.note)
        if held and (held.expected, held.reason, held.note) == wanted:
            return held
        if held:
            _retire(person, held)
        return GoldItem.objects.create(
            merchant_id=creative.merchant_id,
            creative=creative,
            expected=verdict.action,
            reason=verdict.reason,
            note=verdict.note,
            set_by=person,
        )


def retire_gold(person: User, gold_id: int) -> GoldItem:
    """Show it to nobody any more; answers given stay. Raises GoldItem.DoesNotExist, NotOpenError."""
    with transaction.atomic():
        item: GoldItem = (
            GoldItem.objects.for_member(person, ()).select_for_update(of=("self",)).get(pk=gold_id)
        )
        if item.retired_at is not None:
            raise NotOpenError(f"The gold item of creative {item.creative_id} is retired already.")
        _retire(person, item)
    return item


def pending(reviewer: User, filters: QueueFilters) -> QuerySet[GoldCheck]:
    """Gold checks before ``reviewer`` that match ``filters`` and wait for an answer."""
    fitting = narrowed(Creative.objects.all(), filters).values("pk")
    rows = GoldCheck.objects.filter(reviewer=reviewer, answer=None, gold__retired_at=None)
    return rows.filter(gold__creative__in=fitting).select_related("gold")


def mix(reviewer: User, filters: QueueFilters, creative_ids: Sequence[int]) -> list[int]:
    """The ids, with gold items put before some of them at their merchants' rates. For the caller's transaction."""
    merchants = dict(Creative.objects.filter(pk__in=creative_ids).values_list("pk", "merchant_id"))
    rules = rules_for(merchants.values())
    mixed: list[int] = []
    for creative_id in creative_ids:
        share = rules[merchants[creative_id]].gold_share
        key = (settings.SECRET_KEY, "gold", reviewer.pk, creative_id)
        if share and drawn(share, *key):
            mixed += _assign(reviewer, filters, merchants[creative_id])
        mixed.append(creative_id)
    return mixed


def start_clock(reviewer: User, creative_ids: Sequence[int]) -> None:
    """The pictures are on screen now."""
    GoldCheck.objects.filter(
        reviewer=reviewer, answer=None, shown_at=None, gold__creative__in=creative_ids
    ).update(shown_at=timezone.now())


def shown_at(reviewer: User, creative: Creative) -> datetime | None:
    """Since when the gold item of ``creative`` has been before ``reviewer``; None when none is."""
    found = GoldCheck.objects.filter(reviewer=reviewer, answer=None, gold__creative=creative)
    return found.values_list("shown_at", flat=True).first()


def is_before(reviewer: User, creative_id: int) -> bool:
    """Whether ``reviewer`` has a gold check of this creative to answer."""
    return GoldCheck.objects.filter(reviewer=reviewer, answer=None, gold__creative=creative_id).exists()


def put_aside(reviewer: User, creative_id: int) -> bool:
    """Take it out of the reviewer's queue, where it may come again; False when it was not in it."""
    rows = GoldCheck.objects.filter(reviewer=reviewer, answer=None, gold__creative=creative_id)
    return bool(rows.delete()[0])


def answer(draft: Draft) -> Outcome | None:
    """Keep the answer if ``draft`` is one to a gold check; None if it is not. For the caller's transaction."""
    if draft.verdict.action not in ANSWERS:
        return None
    checks = GoldCheck.objects.select_for_update(of=("self",))
    check = checks.filter(reviewer=draft.reviewer, answer=None, gold__creative=draft.creative).first()
    if check is None:
        return None
    check.answer = draft.write(Purpose.GOLD)
    check.save(update_fields=["answer"])
    note = "" if draft.verdict.action != Action.FLAG else _flagged(draft.creative)
    return Outcome(check.answer, note=note)


def take_back(target: Decision) -> None:
    """The answer no longer counts, and the check waits for another. For the caller's transaction."""
    GoldCheck.objects.filter(answer=target).update(answer=None, shown_at=None)


def _assign(reviewer: User, filters: QueueFilters, merchant_id: int) -> list[int]:
    fitting = narrowed(Creative.objects.filter(merchant=merchant_id, status__in=DECIDED), filters)
    items = GoldItem.objects.filter(merchant=merchant_id, retired_at=None, creative__in=fitting.values("pk"))
    new = items.exclude(checks__reviewer=reviewer).exclude(creative__decisions__reviewer=reviewer)
    choice = list(new.values_list("pk", "creative_id"))
    if not choice:
        return []
    gold_id, creative_id = random.choice(choice)
    _, made = GoldCheck.objects.get_or_create(gold_id=gold_id, reviewer=reviewer)
    return [creative_id] if made else []


def _retire(person: User, item: GoldItem) -> None:
    item.retired_by, item.retired_at = person, timezone.now()
    item.save(update_fields=["retired_by", "retired_at"])


def _flagged(creative: Creative) -> str:
    return f"Another reviewer will look at creative {creative.pk}."
