"""The statements of ``bandit.rollups``. Parameters: ``merchant``, ``window`` (minutes, 0: any), ``hours`` or ``day``, …"""

from __future__ import annotations

from bandit.filters import CLICKED_SQL, COUNTED_SQL
from bandit.models import DailyGroup

_DIMENSIONS = (
    "is_simulated, experiment_id, arm, arm_kind, category_id, prompt_version_id,"
    " placement, device, variant, is_fallback"
)
_SUMS = (
    "impressions, clicks, conversions, value, weight, weight_squared, clicked_weight, clicked_weight_squared"
)
_TOTALS = ", ".join(f"sum({column})" for column in _SUMS.split(", "))

# Deleting and reading them are two statements: the log as read is never older than what is deleted here.
TAKE_TOUCHES = """
WITH taken AS (
    DELETE FROM bandit_rolluptouch WHERE id IN (
        SELECT id FROM bandit_rolluptouch WHERE merchant_id = %(merchant)s ORDER BY id LIMIT %(limit)s
    ) RETURNING hour, decision_id
)
SELECT coalesce(array_agg(DISTINCT hour) FILTER (WHERE hour IS NOT NULL), '{}'),
       coalesce(array_agg(decision_id) FILTER (WHERE decision_id IS NOT NULL), '{}'), count(*)
FROM taken
"""
HOURS_OF_DECISIONS = """
SELECT DISTINCT date_trunc('hour', occurred_at, 'UTC') FROM bandit_impression
WHERE decision_id = ANY(%(decisions)s) AND merchant_id = %(merchant)s
"""
TOUCH_HOURS = (
    "INSERT INTO bandit_rolluptouch (merchant_id, hour) SELECT %(merchant)s, unnest(%(hours)s::timestamptz[])"
)
TOUCH_EVERY_HOUR = """
INSERT INTO bandit_rolluptouch (merchant_id, hour)
SELECT %(merchant)s, hour FROM (
    SELECT generate_series(date_trunc('hour', min(occurred_at), 'UTC'), max(occurred_at), interval '1 hour')
    FROM bandit_impression WHERE merchant_id = %(merchant)s
    UNION SELECT hour FROM bandit_hourlycell WHERE merchant_id = %(merchant)s
) AS every (hour)
"""

_CONVERSIONS = """
    SELECT decision_id, count(*) AS n, coalesce(sum(value), 0) AS value FROM bandit_conversion
    WHERE merchant_id = %(merchant)s AND occurred_at >= %(since)s GROUP BY decision_id
"""

DELETE_HOURS = "DELETE FROM bandit_hourlycell WHERE merchant_id = %(merchant)s AND hour = ANY(%(hours)s)"
# Hour by hour through the index (what OFFSET 0 is for), then clicks once for all: a large log is never read as a whole.
COUNT_HOURS = f"""
WITH shown AS MATERIALIZED (
    SELECT h.hour, i.* FROM unnest(%(hours)s::timestamptz[]) AS h (hour)
    CROSS JOIN LATERAL (
        SELECT decision_id, occurred_at, is_simulated, experiment_id, arm, arm_kind, category_id, prompt_version_id,
               placement, device, variant, is_fallback, propensity
        FROM bandit_impression i WHERE merchant_id = %(merchant)s AND occurred_at >= h.hour
            AND occurred_at < h.hour + interval '1 hour' AND {COUNTED_SQL}
        OFFSET 0
    ) AS i
)
INSERT INTO bandit_hourlycell (merchant_id, hour, {_DIMENSIONS}, {_SUMS})
SELECT %(merchant)s, i.hour, i.is_simulated, i.experiment_id, i.arm, i.arm_kind, i.category_id,
       CASE WHEN i.variant = 'generated' THEN i.prompt_version_id END,
       i.placement, coalesce(nullif(i.device, ''), 'unknown'), i.variant, i.is_fallback,
       count(*), count(c.decision_id), coalesce(sum(v.n), 0), coalesce(sum(v.value), 0),
       sum(1 / i.propensity), sum(1 / i.propensity ^ 2),
       coalesce(sum(1 / i.propensity) FILTER (WHERE c.decision_id IS NOT NULL), 0),
       coalesce(sum(1 / i.propensity ^ 2) FILTER (WHERE c.decision_id IS NOT NULL), 0)
FROM shown i
LEFT JOIN bandit_click c ON {CLICKED_SQL}
LEFT JOIN ({_CONVERSIONS}) v ON v.decision_id = i.decision_id
GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
"""  # noqa: S608 - constants only
DELETE_DAYS = "DELETE FROM bandit_dailycell WHERE merchant_id = %(merchant)s AND day = ANY(%(days)s)"
SUM_DAYS = f"""
INSERT INTO bandit_dailycell (merchant_id, day, {_DIMENSIONS}, {_SUMS})
SELECT %(merchant)s, d.day, {_DIMENSIONS}, {_TOTALS}
FROM unnest(%(days)s::date[]) AS d (day)
JOIN bandit_hourlycell h ON h.merchant_id = %(merchant)s
    AND h.hour >= d.day::timestamp AT TIME ZONE 'UTC' AND h.hour < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY d.day, {_DIMENSIONS}
"""  # noqa: S608
MARK_STALE = """
INSERT INTO bandit_staleday (merchant_id, day) SELECT %(merchant)s, unnest(%(days)s::date[]) ON CONFLICT DO NOTHING
"""

# The impressions of a day that count: read once from the log, used several times.
SHOWN_TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS rollup_shown (
    experiment_id bigint, arm text, user_key text, is_simulated boolean, category_id bigint, prompt_version_id bigint,
    placement text, device text, variant text, is_fallback boolean, creative_id bigint, clicked boolean, conversions bigint
);
CREATE TEMPORARY TABLE IF NOT EXISTS rollup_changed (
    experiment_id bigint, user_key text, arm text, is_simulated boolean, n bigint, c bigint, v bigint, f bigint
);
TRUNCATE rollup_shown, rollup_changed
"""
SHOWN = f"""
INSERT INTO rollup_shown
SELECT i.experiment_id, i.arm, i.user_key, i.is_simulated, i.category_id, i.prompt_version_id, i.placement,
       coalesce(nullif(i.device, ''), 'unknown'), i.variant, i.is_fallback, i.creative_id,
       c.decision_id IS NOT NULL, coalesce(v.n, 0)
FROM bandit_impression i
LEFT JOIN bandit_click c ON {CLICKED_SQL}
LEFT JOIN ({_CONVERSIONS}) v ON v.decision_id = i.decision_id
WHERE i.merchant_id = %(merchant)s AND i.occurred_at >= %(start)s AND i.occurred_at < %(end)s AND {COUNTED_SQL}
"""  # noqa: S608
ANALYSE = "ANALYZE rollup_shown"

DELETE_GROUPS = "DELETE FROM bandit_dailygroup WHERE merchant_id = %(merchant)s AND day = %(day)s"
COUNT_GROUPS = f"""
INSERT INTO bandit_dailygroup (merchant_id, day, is_simulated, dimension, key, "group", impressions, clicks)
WITH by_user AS (
    SELECT is_simulated, user_key, arm, category_id, prompt_version_id, placement, device, variant,
           count(*) AS n, count(*) FILTER (WHERE clicked) AS c
    FROM rollup_shown GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
)
SELECT %(merchant)s, %(day)s, is_simulated, k.dimension, k.key,
       ('x' || left(md5(user_key), 4))::bit(16)::int %% {DailyGroup.GROUPS}, sum(n), sum(c)
FROM by_user, LATERAL (VALUES
    ('arm', nullif(arm, '')), ('prompt', CASE WHEN variant = 'generated' THEN prompt_version_id::text END),
    ('category', coalesce(category_id::text, '')), ('placement', placement), ('shown', variant), ('device', device)
) AS k (dimension, key)
WHERE k.key IS NOT NULL GROUP BY 3, 4, 5, 6
"""  # noqa: S608
DELETE_CREATIVES = "DELETE FROM bandit_dailycreative WHERE merchant_id = %(merchant)s AND day = %(day)s"
COUNT_CREATIVES = """
INSERT INTO bandit_dailycreative (merchant_id, day, is_simulated, creative_id, placement, impressions, clicks)
SELECT %(merchant)s, %(day)s, is_simulated, creative_id, placement, count(*), count(*) FILTER (WHERE clicked)
FROM rollup_shown WHERE creative_id IS NOT NULL AND variant = 'generated' GROUP BY 3, 4, 5
"""

# Users of experiments whose day differs from what was counted before, with what it is now (0 when nothing is left).
FIND_CHANGED = """
INSERT INTO rollup_changed
SELECT experiment_id, user_key, arm, is_simulated,
       coalesce(now.n, 0), coalesce(now.c, 0), coalesce(now.v, 0), coalesce(now.f, 0)
FROM (
    SELECT experiment_id, user_key, arm, is_simulated, count(*) AS n, count(*) FILTER (WHERE clicked) AS c,
           sum(conversions) AS v, count(*) FILTER (WHERE is_fallback) AS f
    FROM rollup_shown WHERE experiment_id = ANY(%(experiments)s) GROUP BY 1, 2, 3, 4
) AS now
FULL JOIN (
    SELECT experiment_id, user_key, arm, is_simulated, impressions, clicks, conversions, fallbacks
    FROM bandit_experimentuserday WHERE day = %(day)s AND experiment_id = ANY(%(experiments)s)
) AS past USING (experiment_id, user_key, arm, is_simulated)
WHERE (now.n, now.c, now.v, now.f) IS DISTINCT FROM (impressions, clicks, conversions, fallbacks)
"""
# What users add to each day's growth of the sums.
_GROWTH = ("users", "n", "c", "v", "f", "nn", "nc", "cc", "nv", "vv", "nf", "ff")
_PRODUCTS = ", ".join(
    f"%(sign)s * sum({a}_now * {b}_now - ({a}_now - {a}) * ({b}_now - {b}))"
    for a, b in ("nn", "nc", "cc", "nv", "vv", "nf", "ff")
)
_GROWTH_OF = f"""
INSERT INTO bandit_experimentday AS d (experiment_id, arm, is_simulated, day, {", ".join(_GROWTH)})
SELECT experiment_id, arm, is_simulated, day, %(sign)s * count(*) FILTER (WHERE nth = 1),
       %(sign)s * sum(n), %(sign)s * sum(c), %(sign)s * sum(v), %(sign)s * sum(f), {_PRODUCTS}
FROM (
    SELECT u.experiment_id, u.arm, u.is_simulated, u.day, row_number() OVER past AS nth,
           u.impressions::bigint AS n, u.clicks::bigint AS c, u.conversions::bigint AS v, u.fallbacks::bigint AS f,
           sum(u.impressions) OVER past AS n_now, sum(u.clicks) OVER past AS c_now,
           sum(u.conversions) OVER past AS v_now, sum(u.fallbacks) OVER past AS f_now
    FROM bandit_experimentuserday u {{of}}
    WINDOW past AS (PARTITION BY u.experiment_id, u.user_key, u.arm, u.is_simulated ORDER BY u.day)
) AS history
GROUP BY 1, 2, 3, 4
"""  # noqa: S608
# Of the changed users only; called with sign -1 before the change and 1 after it.
ADD_GROWTH = f"""{_GROWTH_OF.format(of="JOIN rollup_changed USING (experiment_id, user_key, arm, is_simulated)")}
ON CONFLICT (experiment_id, arm, is_simulated, day) DO UPDATE SET
    {", ".join(f"{name} = d.{name} + excluded.{name}" for name in _GROWTH)}
"""
FORGET_USERS = """
DELETE FROM bandit_experimentuserday u USING rollup_changed x
WHERE u.day = %(day)s AND (u.experiment_id, u.user_key, u.arm, u.is_simulated)
    = (x.experiment_id, x.user_key, x.arm, x.is_simulated)
"""
WRITE_USERS = """
INSERT INTO bandit_experimentuserday
    (experiment_id, user_key, day, arm, is_simulated, impressions, clicks, conversions, fallbacks)
SELECT experiment_id, user_key, %(day)s, arm, is_simulated, n, c, v, f FROM rollup_changed WHERE n > 0
"""
DROP_EMPTY = "DELETE FROM bandit_experimentday WHERE experiment_id = ANY(%(experiments)s) AND n = 0"

# All days of all users at once: day by day, the history of every user would be read again for each of their days.
EVERY_USER_DAY = f"""
INSERT INTO bandit_experimentuserday
    (experiment_id, user_key, day, arm, is_simulated, impressions, clicks, conversions, fallbacks)
SELECT i.experiment_id, i.user_key, (i.occurred_at AT TIME ZONE 'UTC')::date, i.arm, i.is_simulated,
       count(*), count(c.decision_id), coalesce(sum(v.n), 0), count(*) FILTER (WHERE i.is_fallback)
FROM bandit_impression i
LEFT JOIN bandit_click c ON {CLICKED_SQL}
LEFT JOIN ({_CONVERSIONS}) v ON v.decision_id = i.decision_id
WHERE i.merchant_id = %(merchant)s AND i.experiment_id = ANY(%(experiments)s) AND {COUNTED_SQL}
GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
EVERY_GROWTH = _GROWTH_OF.format(of="WHERE u.experiment_id = ANY(%(experiments)s)")
