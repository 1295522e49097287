"""Finding traffic that no person makes, where it takes more than one event to see it (``bandit.filters`` has the rules).

Each round looks at what was received since the last one. Flagging again changes nothing, so rounds overlap a little and may
be repeated; an impression that is flagged is taken off the learner's queue in the same transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from bandit.filters import Flag, Rules
from bandit.models import Watermark

log = structlog.get_logger("sifting")

NAME = "sifting"
OVERLAP = timedelta(minutes=1)
"""Longer than a transaction that records events: ``received_at`` is when it began."""
FIRST_LOOK = timedelta(days=2)

_FLAG = """
, flagged AS (
    UPDATE bandit_impression i SET flags = array_append(i.flags, %(flag)s), flagged_at = now() FROM found f
    WHERE {match} AND NOT %(flag)s = ANY (i.flags) RETURNING i.decision_id
),
unqueued AS (DELETE FROM bandit_pendinglesson l USING flagged WHERE l.decision_id = flagged.decision_id)
SELECT count(*) FROM flagged
"""
_BY_USER = _FLAG.format(
    match="""i.merchant_id = f.merchant_id AND i.user_key = f.user_key AND i.occurred_at >= f.hour
        AND i.occurred_at < f.hour + interval '1 hour'"""
)
_BY_DECISION = _FLAG.format(match="i.decision_id = f.decision_id")

_MANY_IMPRESSIONS = """
WITH fresh AS (
    SELECT DISTINCT merchant_id, user_key, date_trunc('hour', occurred_at, 'UTC') AS hour
    FROM bandit_impression WHERE received_at > %(since)s
),
found AS (
    SELECT f.merchant_id, f.user_key, f.hour FROM fresh f
    JOIN bandit_impression i ON i.merchant_id = f.merchant_id AND i.user_key = f.user_key
        AND i.occurred_at >= f.hour AND i.occurred_at < f.hour + interval '1 hour'
    GROUP BY 1, 2, 3 HAVING count(*) > %(limit)s
)"""
_MANY_CLICKS = """
WITH hours AS (
    SELECT DISTINCT merchant_id, date_trunc('hour', occurred_at, 'UTC') AS hour
    FROM bandit_click WHERE received_at > %(since)s
),
found AS (
    SELECT i.merchant_id, i.user_key, h.hour FROM hours h
    JOIN bandit_click c ON c.merchant_id = h.merchant_id AND c.occurred_at >= h.hour
        AND c.occurred_at < h.hour + interval '1 hour'
    JOIN bandit_impression i ON i.decision_id = c.decision_id
    GROUP BY 1, 2, 3 HAVING count(*) > %(limit)s
)"""
# Reports without times of their own have one moment for both; that is no sign of haste.
_FAST_CLICKS = """
WITH found AS (
    SELECT i.decision_id FROM bandit_click c JOIN bandit_impression i ON i.decision_id = c.decision_id
    WHERE c.received_at > %(since)s AND c.occurred_at > i.occurred_at
        AND c.occurred_at < i.occurred_at + make_interval(secs => %(limit)s / 1000.0)
    UNION
    SELECT i.decision_id FROM bandit_impression i JOIN bandit_click c ON c.decision_id = i.decision_id
    WHERE i.received_at > %(since)s AND c.occurred_at > i.occurred_at
        AND c.occurred_at < i.occurred_at + make_interval(secs => %(limit)s / 1000.0)
)"""
_REPEATS = """
WITH found AS (
    SELECT s.decision_id FROM bandit_setaside s
    WHERE s.reason = 'repeat'
        AND s.decision_id IN (SELECT decision_id FROM bandit_setaside WHERE received_at > %(since)s)
    GROUP BY 1 HAVING count(*) >= %(limit)s
)"""


def sift(now: datetime, rules: Rules | None = None) -> int:
    """Flag what was received since the last round and is no person's; how many impressions were flagged.

    One process at a time. ``rules`` are those of the installation by default.
    """
    rules = rules or Rules.of_settings()
    wanted = [
        (_MANY_IMPRESSIONS + _BY_USER, Flag.RATE, rules.impressions_per_user_hour),
        (_MANY_CLICKS + _BY_USER, Flag.RATE, rules.clicks_per_user_hour),
        (_FAST_CLICKS + _BY_DECISION, Flag.FAST_CLICK, rules.fast_click_ms),
        (_REPEATS + _BY_DECISION, Flag.REPEATS, rules.repeated_clicks),
    ]
    with transaction.atomic():
        Watermark.objects.get_or_create(name=NAME, defaults={"until": now - FIRST_LOOK})
        mark = Watermark.objects.select_for_update().get(name=NAME)
        since = mark.until - OVERLAP
        flagged = sum(_run(sql, flag, limit, since) for sql, flag, limit in wanted if limit)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE bandit_watermark SET until = now() WHERE name = %s", [NAME])
    if flagged:
        log.info("flagged", impressions=flagged)
    return flagged


def _run(sql: str, flag: str, limit: int, since: datetime) -> int:
    parameters: dict[str, Any] = {"flag": str(flag), "limit": limit, "since": since}
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.fetchone()[0])
