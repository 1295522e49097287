"""Counting the log by hour and by day, so that reports read thousands of rows instead of millions.

Triggers (migration ``rollups``) leave a touch for every hour that an event falls into, in the event's own transaction. Here
a merchant's touches are deleted and, in the same transaction but after that, the touched hours are counted anew from the
log: an event is seen together with its touch, or its touch is still there. Nothing is added up twice and nothing is
missed, however late, concurrent or repeated events are, and whatever dies when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from bandit import rollup_sql as sql
from bandit.models import (
    Experiment,
    ExperimentDay,
    ExperimentUserDay,
    RollupState,
    RollupTouch,
    StaleDay,
)
from bandit.tokens import lifetime
from creatives.models import Merchant

log = structlog.get_logger("rollups")

MAX_TOUCHES = 1_000_000
MAX_HOURS = 24
"""Most that one transaction takes on; the rest is for the next."""
MAX_TRANSACTIONS = 500
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def roll_up(merchant_ids: Iterable[int] | None = None, *, is_stopped: Callable[[], bool] = bool) -> int:
    """Count what has changed, for all merchants or ``merchant_ids``; how many hours were counted anew.

    Safe to run in several processes: a merchant that another one is busy with is passed over. ``is_stopped`` is asked
    between transactions.
    """
    only = None if merchant_ids is None else set(merchant_ids)
    hours = 0
    touched = RollupTouch.objects.order_by().values_list("merchant_id", flat=True).distinct()
    for merchant_id in sorted(pk for pk in touched if only is None or pk in only):
        for _ in range(MAX_TRANSACTIONS):  # while events keep coming, there are always new touches
            counted, is_all = (0, True) if is_stopped() else count_hours(merchant_id)
            hours += counted
            if is_all:
                break
    stale = StaleDay.objects.order_by("merchant_id", "day").values_list("merchant_id", "day")
    for merchant_id, day in [row for row in stale if only is None or row[0] in only]:
        if not is_stopped():
            count_day(merchant_id, day)
    return hours


@transaction.atomic
def count_hours(merchant_id: int) -> tuple[int, bool]:
    """Count the hours that were touched anew, the newest first; how many there were, and whether that were all."""
    state = _locked(merchant_id)
    if state is None:
        return 0, True
    now = timezone.now()
    hours, is_all = _touched_hours(merchant_id)
    if is_all:
        state.hours_at = now
        state.save(update_fields=["hours_at"])
    if not hours:
        return 0, is_all
    days = sorted({hour.astimezone(UTC).date() for hour in hours})
    parameters = _parameters(merchant_id, since=min(hours), hours=hours, days=days)
    for statement in (
        sql.DELETE_HOURS,
        sql.COUNT_HOURS,
        sql.DELETE_DAYS,
        sql.SUM_DAYS,
        sql.MARK_STALE,
    ):
        _run(statement, parameters)
    return len(hours), is_all


@transaction.atomic
def count_day(merchant_id: int, day: date) -> bool:
    """Count a stale day by creative, group of users and user; False when it is not stale or somebody is at it."""
    state = _locked(merchant_id)
    if state is None or not StaleDay.objects.filter(merchant=merchant_id, day=day).delete()[0]:
        return False
    now = timezone.now()
    start = datetime.combine(day, time.min, UTC)
    experiments = list(Experiment.objects.filter(merchant=merchant_id).values_list("pk", flat=True))
    parameters = _parameters(
        merchant_id, since=start, start=start, end=start + timedelta(days=1), day=day, experiments=experiments
    )
    _run(sql.SHOWN_TABLE, {})
    for statement in (sql.SHOWN, sql.ANALYSE, sql.DELETE_GROUPS, sql.COUNT_GROUPS):
        _run(statement, parameters)
    for statement in (sql.DELETE_CREATIVES, sql.COUNT_CREATIVES, sql.FIND_CHANGED):
        _run(statement, parameters)
    _run(sql.ADD_GROWTH, parameters | {"sign": -1})
    _run(sql.FORGET_USERS, parameters)
    _run(sql.WRITE_USERS, parameters)
    _run(sql.ADD_GROWTH, parameters | {"sign": 1})
    _run(sql.DROP_EMPTY, parameters)
    if not StaleDay.objects.filter(merchant=merchant_id).exists():
        state.days_at = now
        state.save(update_fields=["days_at"])
    return True


@transaction.atomic
def rebuild(merchant_id: int) -> None:
    """Count the shoppers of a merchant's experiments anew, and have the next ``roll_up`` count every hour and day."""
    experiments = list(Experiment.objects.filter(merchant=merchant_id).values_list("pk", flat=True))
    RollupState.objects.get_or_create(merchant_id=merchant_id)
    RollupState.objects.select_for_update().get(pk=merchant_id)
    ExperimentUserDay.objects.filter(experiment_id__in=experiments).delete()
    ExperimentDay.objects.filter(experiment_id__in=experiments).delete()
    every = _parameters(merchant_id, since=EVER, experiments=experiments, sign=1)
    _run(sql.EVERY_USER_DAY, every)
    _run(sql.EVERY_GROWTH, every)
    _run(sql.TOUCH_EVERY_HOUR, {"merchant": merchant_id})


def _locked(merchant_id: int) -> RollupState | None:
    """The merchant's state, locked; None when somebody else holds it or the merchant is gone (and its touches with it)."""
    if not Merchant.objects.filter(pk=merchant_id).exists():
        RollupTouch.objects.filter(merchant_id=merchant_id).delete()
        return None
    RollupState.objects.get_or_create(merchant_id=merchant_id)
    return RollupState.objects.select_for_update(skip_locked=True).filter(pk=merchant_id).first()


def _touched_hours(merchant_id: int) -> tuple[list[datetime], bool]:
    """Takes the touches; the hours to count now, and whether there are no others. What is too much is put back."""
    ((hours, decisions, taken),) = _rows(sql.TAKE_TOUCHES, {"merchant": merchant_id, "limit": MAX_TOUCHES})
    found = set(hours)
    if decisions:
        found |= {
            hour
            for (hour,) in _rows(sql.HOURS_OF_DECISIONS, {"merchant": merchant_id, "decisions": decisions})
        }
    newest_first = sorted(found, reverse=True)
    later = newest_first[MAX_HOURS:]
    if later:
        _run(sql.TOUCH_HOURS, {"merchant": merchant_id, "hours": later})
    return newest_first[:MAX_HOURS], not later and taken < MAX_TOUCHES


def _parameters(merchant_id: int, since: datetime, **others: Any) -> dict[str, Any]:
    """``since``: conversions may come a little before the impression, never before its decision."""
    window = Merchant.objects.values_list("attribution_minutes", flat=True).get(pk=merchant_id)
    return {"merchant": merchant_id, "window": window, "since": since - lifetime(), **others}


def _run(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
