"""Recording what happened: impressions, clicks and conversions, each once, whoever reports it and how often.

What is reported again is not lost either: another click of a decision that has one is set aside, and the number of those
tells people from programs (``bandit.filters``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bandit.filters import declared_flags, is_bot
from bandit.inserts import as_json, insert_new, record_of
from bandit.lessons import insert_impressions
from bandit.models import Click, Conversion, SetAside
from bandit.tokens import DecisionToken, TokenError, unseal

MAX_BATCH = 1000
MAX_SET_ASIDE = 50
CLOCK_SKEW = timedelta(minutes=5)
CONVERSION_WINDOW = timedelta(days=30)
SAME_CLICK = timedelta(seconds=1)
"""Two reports of one click, one of which has no event id, are no further apart than this."""

Row = dict[str, Any]
KINDS = ("impression", "click", "conversion")


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


@dataclass
class _Batch:
    """The rows of a batch by kind and identity, and the clicks that may be further clicks of a decision."""

    rows: dict[str, dict[Any, Row]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    clicks: list[Row] = field(default_factory=list)
    good: int = 0


def record_impression(token: DecisionToken, occurred_at: datetime, user_agent: str = "") -> bool:
    """Record that the decision was shown; False when that is known already or its merchant is gone.

    A program that says so in ``user_agent`` is recorded too, and does not count.
    """
    try:
        with transaction.atomic():
            return bool(insert_impressions([_impression(token, occurred_at, user_agent)]))
    except IntegrityError:  # the merchant is gone; foreign keys are checked at commit
        return False


def record_click(token: DecisionToken, occurred_at: datetime, user_agent: str = "") -> bool:
    """Record a click, with or without its impression; False when the decision has one or its merchant is gone.

    A program that says so only looks at the link: its visit is set aside, and a person's click still counts.
    """
    row = _click(token, occurred_at)
    try:
        with transaction.atomic():
            if is_bot(user_agent):
                _set_aside([row], SetAside.Reason.BOT)
                return False
            is_new = bool(insert_new(Click, [row]))
            if not is_new:
                _set_aside([row], SetAside.Reason.REPEAT)
            return is_new
    except IntegrityError:
        return False


def record_events(events: Sequence[Event], merchant_ids: Collection[int]) -> EventReceipt:
    """Record a batch for the merchants ``merchant_ids``, in one transaction and at most one insert for each kind.

    What is wrong with one event refuses that one; the rest are recorded. Sending the batch again changes nothing.
    """
    receipt, batch, now = EventReceipt(), _Batch(), timezone.now()
    for index, event in enumerate(events):
        try:
            _add(batch, event, merchant_ids, now)
        except _RejectedError as refusal:
            receipt.rejected.append({"index": index, "reason": str(refusal)})
    with transaction.atomic():
        # Sorted, so that overlapping batches of two processes wait for each other in one order only.
        ordered = {kind: [of[key] for key in sorted(of)] for kind, of in batch.rows.items()}
        receipt.accepted = len(insert_impressions(ordered["impression"]))
        new = set(insert_new(Click, ordered["click"]))
        receipt.accepted += len(new) + len(insert_new(Conversion, ordered["conversion"]))
        if len(batch.clicks) > len(new):
            _set_aside(batch.clicks, SetAside.Reason.REPEAT)
    receipt.duplicates = batch.good - receipt.accepted
    return receipt


def _add(batch: _Batch, event: Event, merchant_ids: Collection[int], now: datetime) -> None:
    if event.type not in KINDS:
        raise _RejectedError(f"type {event.type!r} is none of {', '.join(KINDS)}")
    try:
        token = unseal(event.token.rpartition("/")[2])  # an impression or click URL does as well as its token
    except TokenError:
        raise _RejectedError("the token is not valid") from None
    if token.merchant_id not in merchant_ids:
        raise _RejectedError("the token is not valid")  # whether it is somebody else's is nobody's business
    occurred_at = _moment(event, token, now)
    key: Any = token.decision_id.hex
    if event.type == "impression":
        row = _impression(token, occurred_at) if key not in batch.rows["impression"] else {}
    elif event.type == "click":
        row = _click(token, occurred_at, event.event_id)
        if (
            event.event_id or event.occurred_at
        ):  # without either it cannot be told from the same click sent again
            batch.clicks.append(row)
    else:
        row = _conversion(token, occurred_at, event)
        key = (row["merchant_id"], event.event_id)
    batch.rows[event.type].setdefault(key, row)
    batch.good += 1


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


def _set_aside(clicks: Sequence[Row], reason: str) -> None:
    """Keep clicks that are not counted, up to ``MAX_SET_ASIDE`` of a decision.

    Of repeats only those that are not the recorded click once more: another event id, or, where one of the two has none,
    a time more than ``SAME_CLICK`` away.
    """
    columns = ("decision_id", "merchant_id", "event_id", "is_simulated", "occurred_at")
    is_another = """JOIN bandit_click c ON c.decision_id = r.decision_id WHERE CASE
        WHEN r.event_id <> '' AND c.event_id <> '' THEN r.event_id <> c.event_id
        ELSE abs(extract(epoch FROM r.occurred_at - c.occurred_at)) > %(same)s END"""
    sql = f"""
        INSERT INTO bandit_setaside (decision_id, merchant_id, event_id, occurred_at, kind, reason)
        SELECT r.decision_id, r.merchant_id, r.event_id, r.occurred_at, 'click', %(reason)s
        FROM {record_of(Click, columns)} {is_another if reason == SetAside.Reason.REPEAT else "WHERE true"}
        AND (SELECT count(*) FROM bandit_setaside s WHERE s.decision_id = r.decision_id AND s.reason = %(reason)s) < %(most)s
        ON CONFLICT DO NOTHING"""  # noqa: S608 - constants only
    parameters: dict[str, Any] = {
        "rows": as_json(clicks),
        "reason": str(reason),
        "same": SAME_CLICK.total_seconds(),
        "most": MAX_SET_ASIDE,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def _click(token: DecisionToken, occurred_at: datetime, event_id: str = "") -> Row:
    return {
        "decision_id": token.decision_id.hex,
        "merchant_id": token.merchant_id,
        "event_id": event_id,
        "is_simulated": token.is_simulated,
        "occurred_at": occurred_at.isoformat(),
    }


def _conversion(token: DecisionToken, occurred_at: datetime, event: Event) -> Row:
    if not event.event_id:
        raise _RejectedError("a conversion needs an event_id")
    return _click(token, occurred_at, event.event_id) | {
        "value": None if event.value is None else str(event.value)
    }


def _impression(token: DecisionToken, occurred_at: datetime, user_agent: str = "") -> Row:
    return {
        "decision_id": token.decision_id.hex,
        "merchant_id": token.merchant_id,
        "product_id": token.product_id,
        "category_id": token.category_id,
        "creative_id": token.creative_id,
        "prompt_version_id": token.prompt_version_id,
        "experiment_id": token.experiment_id,
        "arm": token.arm,
        "arm_kind": token.arm_kind,
        "placement": token.placement,
        "device": token.device,
        "variant": token.variant,
        "is_fallback": token.is_fallback,
        "propensity": token.propensity,
        "policy_version": token.policy_version,
        "encoding_version": token.encoding_version,
        "features": token.features,
        "flags": declared_flags(token.features, user_agent),
        "user_key": token.user_key,
        "is_simulated": token.is_simulated,
        "issued_at": token.issued_at.isoformat(),
        "occurred_at": occurred_at.isoformat(),
    }
