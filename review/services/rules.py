"""A merchant's rules: read the ones that hold, write new ones. Old versions stay as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from creatives.models import Merchant, User
from creatives.permissions import OWNERS
from review.errors import NotOpenError
from review.models import ReviewRules

FIELDS = (
    "sla_hours",
    "second_share",
    "gold_share",
    "trust",
    "trust_after",
    "check_share",
    "demote_after",
)


def rules_of(merchant_id: int) -> ReviewRules:
    """The rules that hold for a merchant; the defaults, unsaved, where none were ever written."""
    return rules_for([merchant_id])[merchant_id]


def rules_for(merchant_ids: Iterable[int]) -> dict[int, ReviewRules]:
    """The rules that hold for each of these merchants. One query."""
    wanted = set(merchant_ids)
    rows = ReviewRules.objects.filter(merchant__in=wanted).order_by("merchant", "-pk").distinct("merchant")
    found = {row.merchant_id: row for row in rows}
    return {pk: found.get(pk) or ReviewRules(merchant_id=pk) for pk in wanted}


def change_rules(
    person: User, merchant_id: int, values: Mapping[str, Any], seen: int | None, note: str = ""
) -> ReviewRules:
    """Write a new version with ``values`` (of ``FIELDS``) over ``seen``, the version before one's eyes (None: defaults).

    Saying what already holds writes nothing. Raises Merchant.DoesNotExist, NotOpenError when somebody else has changed
    them meanwhile, ValidationError for values out of their limits.
    """
    with transaction.atomic():
        allowed = Merchant.objects.for_member(person, OWNERS).filter(pk=merchant_id).values("pk")
        merchant = Merchant.objects.select_for_update(no_key=True).get(pk__in=allowed)
        held = rules_of(merchant.pk)
        if held.pk != seen:
            raise NotOpenError(
                f"{held.by} has changed these rules meanwhile. Look at them and change them again."
            )
        new = ReviewRules(merchant=merchant, by=person, note=note, **{name: values[name] for name in FIELDS})
        if all(getattr(new, name) == getattr(held, name) for name in FIELDS):
            return held
        new.full_clean(exclude=["by"])
        new.save()
    return new
