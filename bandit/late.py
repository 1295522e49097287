"""Clicks that are reported after their impression has been learned from as not clicked, though they came in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from bandit.filters import CLICKED_SQL, COUNTED_SQL
from bandit.lessons import TEACHES_SQL, Lessons, from_log, packed
from bandit.lineage import chain
from bandit.models import LearningStep, Policy
from bandit.tokens import lifetime

ORPHANS_KEPT = timedelta(days=3)
"""A click without its impression waits this long for it; tokens are long expired by then."""

_IN_TIME = CLICKED_SQL.replace("%(window)s", "m.attribution_minutes")
# Settles clicks that are no reward; what is left and late, by pool.
_JUDGE = f"""
WITH judged AS (
    SELECT c.decision_id, i.merchant_id, i.category_id, CASE
        WHEN i.decision_id IS NULL THEN CASE WHEN c.received_at < %(orphaned)s THEN 'void' ELSE 'waits' END
        WHEN NOT ({COUNTED_SQL} AND {TEACHES_SQL} AND {_IN_TIME}) THEN 'void'
        WHEN EXISTS (SELECT FROM bandit_pendinglesson l WHERE l.decision_id = c.decision_id) THEN 'waits'
        ELSE 'late' END AS verdict
    FROM bandit_click c LEFT JOIN bandit_impression i ON i.decision_id = c.decision_id
    LEFT JOIN creatives_merchant m ON m.id = i.merchant_id
    WHERE c.settled_at IS NULL
),
void AS (
    UPDATE bandit_click c SET settled_at = %(now)s FROM judged j
    WHERE j.decision_id = c.decision_id AND j.verdict = 'void' AND c.settled_at IS NULL
)
SELECT DISTINCT merchant_id, category_id FROM judged WHERE verdict = 'late' ORDER BY 1, 2
"""  # noqa: S608 - constants only
_TAKE = f"""
UPDATE bandit_click c SET settled_at = %(now)s
FROM bandit_impression i JOIN creatives_merchant m ON m.id = i.merchant_id
WHERE c.settled_at IS NULL AND i.decision_id = c.decision_id AND i.merchant_id = %(merchant)s
    AND i.category_id = %(category)s AND {COUNTED_SQL} AND {TEACHES_SQL} AND {_IN_TIME}
    AND NOT EXISTS (SELECT FROM bandit_pendinglesson l WHERE l.decision_id = c.decision_id)
RETURNING uuid_send(c.decision_id)
"""  # noqa: S608


def pools_with_late_clicks(now: datetime) -> list[tuple[int, int]]:
    """(merchant id, category id) of the pools that have any. Clicks that are no reward for the learner are settled here."""
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, {"now": now, "orphaned": now - ORPHANS_KEPT})
        return cursor.fetchall()


def take_late(policy: Policy, now: datetime) -> Lessons:
    """The late clicks of a pool, each once, with rewards of 1; the caller has locked the pool.

    Without those of impressions that the current version has not learned from, because it was rolled back.
    """
    keys: dict[str, Any] = {"merchant": policy.merchant_id, "category": policy.category_id, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, keys)
        ids = [bytes(key) for (key,) in cursor.fetchall()]
    if ids:
        forgotten = _abandoned(policy, now)
        ids = [key for key in ids if key not in forgotten]
    return from_log(b"".join(ids), np.ones(len(ids)), policy.encoding_version)


def _abandoned(policy: Policy, now: datetime) -> set[bytes]:
    """Impressions learned by steps that did not lead to the current version, of the time that late clicks may be from."""
    since = now - 2 * lifetime()
    steps = LearningStep.objects.filter(
        policy__merchant_id=policy.merchant_id, policy__category_id=policy.category_id, learned_at__gte=since
    )
    elsewhere = steps.exclude(pk__in=chain(policy)).values_list("decision_ids", flat=True)
    return {key for ids in elsewhere for key in packed(bytes(ids))}
