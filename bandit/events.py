"""Recording what happened: impressions, clicks and conversions, each once, whoever reports it and how often."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from bandit.inserts import insert_new
from bandit.models import Click, Conversion, Impression
from bandit.tokens import DecisionToken, TokenError, unseal

MAX_BATCH = 1000
CLOCK_SKEW = timedelta(minutes=5)
CONVERSION_WINDOW = timedelta(days=30)


@dataclass(frozen=True)
class Event:
    """One reported event. ``occurred_at`` None means now; ``event_id`` is needed for conversions only."""

    type: str
    token: str
    event_id: str = ""
    occurred_at: datetime | None = None
    value: Decimal | None = None


@dataclass
class EventReceipt:
    """What became of a batch. ``rejected`` holds index and reason of what is not recorded and never will be."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)


class _RejectedError(ValueError):
    """Why an event is not recorded."""


def record_impression(token: DecisionToken, occurred_at: datetime) -> bool:
    """Record that the decision was shown; False when that is known already or its merchant is gone."""
    return _record_one(_impression(token, occurred_at))


def record_click(token: DecisionToken, occurred_at: datetime) -> bool:
    """Record a click, with or without its impression; False when the decision has one or its merchant is gone."""
    return _record_one(_click(token, occurred_at))


def record_events(events: Sequence[Event], merchant_ids: Collection[int]) -> EventReceipt:
    """Record a batch for the merchants ``merchant_ids``, in one transaction and at most one insert for each kind.

    What is wrong with one event refuses that one; the rest are recorded. Sending the batch again changes nothing.
    """
    receipt, now = EventReceipt(), timezone.now()
    rows: dict[type, dict[Any, Any]] = {Impression: {}, Click: {}, Conversion: {}}
    good = 0
    for index, event in enumerate(events):
        try:
            row = _row(event, merchant_ids, now)
        except _RejectedError as refusal:
            receipt.rejected.append({"index": index, "reason": str(refusal)})
            continue
        good += 1
        rows[type(row)].setdefault(_identity(row), row)
    with transaction.atomic():
        # Sorted, so that overlapping batches of two processes wait for each other in one order only.
        receipt.accepted = sum(len(insert_new([of[key] for key in sorted(of)])) for of in rows.values() if of)
    receipt.duplicates = good - receipt.accepted
    return receipt


def _record_one(row: Impression | Click) -> bool:
    try:
        with transaction.atomic():
            return bool(insert_new([row]))
    except IntegrityError:  # the merchant is gone; foreign keys are checked at commit
        return False


def _row(event: Event, merchant_ids: Collection[int], now: datetime) -> Impression | Click | Conversion:
    make = _MAKERS.get(event.type)
    if make is None:
        raise _RejectedError(f"type {event.type!r} is none of {', '.join(_MAKERS)}")
    try:
        token = unseal(event.token.rpartition("/")[2])  # an impression or click URL does as well as its token
    except TokenError:
        raise _RejectedError("the token is not valid") from None
    if token.merchant_id not in merchant_ids:
        raise _RejectedError("the token is not valid")  # whether it is somebody else's is nobody's business
    return make(event, token, _moment(event, token, now))


def _moment(event: Event, token: DecisionToken, now: datetime) -> datetime:
    """When it happened: within the token's life, give or take the skew of the reporter's clock, which is cut off."""
    until = token.issued_at + CONVERSION_WINDOW if event.type == "conversion" else token.expires_at
    if now > until:
        raise _RejectedError(f"the token expired at {until.isoformat(timespec='seconds')}")
    occurred_at = event.occurred_at or now
    if timezone.is_naive(occurred_at):
        raise _RejectedError("occurred_at has no time zone")
    if occurred_at < token.issued_at - CLOCK_SKEW:
        raise _RejectedError("occurred_at is before the decision")
    if occurred_at > now + CLOCK_SKEW:
        raise _RejectedError("occurred_at is in the future")
    return max(token.issued_at, min(occurred_at, now))


def _impression_of(event: Event, token: DecisionToken, occurred_at: datetime) -> Impression:
    return _impression(token, occurred_at)


def _click_of(event: Event, token: DecisionToken, occurred_at: datetime) -> Click:
    return _click(token, occurred_at, event.event_id)


def _conversion_of(event: Event, token: DecisionToken, occurred_at: datetime) -> Conversion:
    if not event.event_id:
        raise _RejectedError("a conversion needs an event_id")
    return Conversion(
        merchant_id=token.merchant_id,
        event_id=event.event_id,
        decision_id=token.decision_id,
        value=event.value,
        is_simulated=token.is_simulated,
        occurred_at=occurred_at,
    )


_MAKERS: dict[str, Callable[[Event, DecisionToken, datetime], Impression | Click | Conversion]] = {
    "impression": _impression_of,
    "click": _click_of,
    "conversion": _conversion_of,
}


def _identity(row: Impression | Click | Conversion) -> Any:
    return (row.merchant_id, row.event_id) if isinstance(row, Conversion) else row.decision_id


def _click(token: DecisionToken, occurred_at: datetime, event_id: str = "") -> Click:
    return Click(
        decision_id=token.decision_id,
        merchant_id=token.merchant_id,
        event_id=event_id,
        is_simulated=token.is_simulated,
        occurred_at=occurred_at,
    )


def _impression(token: DecisionToken, occurred_at: datetime) -> Impression:
    return Impression(
        decision_id=token.decision_id,
        merchant_id=token.merchant_id,
        product_id=token.product_id,
        category_id=token.category_id,
        creative_id=token.creative_id,
        prompt_version_id=token.prompt_version_id,
        experiment_id=token.experiment_id,
        arm=token.arm,
        arm_kind=token.arm_kind,
        placement=token.placement,
        device=token.device,
        variant=token.variant,
        is_fallback=token.is_fallback,
        propensity=token.propensity,
        policy_version=token.policy_version,
        encoding_version=token.encoding_version,
        features=token.features,
        user_key=token.user_key,
        is_simulated=token.is_simulated,
        issued_at=token.issued_at,
        occurred_at=occurred_at,
    )
