"""Which snapshots are kept: the newest ones, then the last of each hour, after a week the last of each day."""

from __future__ import annotations

from django.db import connection

from bandit.models import Policy

KEEP_NEWEST = 20

_THIN = """
DELETE FROM bandit_policysnapshot WHERE id IN (
    SELECT id FROM (
        SELECT id, version, row_number() OVER (
            PARTITION BY CASE WHEN created_at < now() - interval '7 days' THEN date_trunc('day', created_at)
                              ELSE date_trunc('hour', created_at) END
            ORDER BY version DESC) AS nth
        FROM bandit_policysnapshot WHERE policy_id = %s AND version <= %s
    ) AS older WHERE nth > 1 AND version <> %s
)
"""


def thin(policy: Policy, newest: int) -> None:
    """Delete snapshots that nobody will want to go back to, once every ``KEEP_NEWEST`` versions; never the current one."""
    if newest % KEEP_NEWEST == 0:
        with connection.cursor() as cursor:
            cursor.execute(_THIN, [policy.pk, newest - KEEP_NEWEST, policy.current_version])
