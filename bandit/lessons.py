"""The queue between the log and the learner: an impression that will teach is put there with it, in one statement."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models.functions import Now

from bandit.features import CURRENT_VERSION, FeatureError, encoding
from bandit.filters import CLICKED_SQL, Flag
from bandit.inserts import as_json, record_of
from bandit.models import Impression, Variant

Row = dict[str, Any]
ID_BYTES = 16
TEACHES_SQL = """i.variant = 'generated' AND NOT i.is_fallback AND i.prompt_version_id IS NOT NULL
    AND i.category_id IS NOT NULL"""
"""Impressions (alias i) that say something about a prompt: its picture was shown."""

# Pools by the index alone: one step for each, however many lessons wait.
_DUE_POOLS = """
WITH RECURSIVE pools AS (
    (SELECT merchant_id, category_id FROM bandit_pendinglesson ORDER BY merchant_id, category_id LIMIT 1)
    UNION ALL
    SELECT next.* FROM pools p, LATERAL (
        SELECT merchant_id, category_id FROM bandit_pendinglesson l
        WHERE (l.merchant_id, l.category_id) > (p.merchant_id, p.category_id)
        ORDER BY merchant_id, category_id LIMIT 1) AS next
)
SELECT p.merchant_id, p.category_id FROM pools p
JOIN creatives_merchant m ON m.id = p.merchant_id JOIN creatives_category c ON c.id = p.category_id
WHERE EXISTS (
    SELECT FROM bandit_pendinglesson l WHERE l.merchant_id = p.merchant_id AND l.category_id = p.category_id
        AND l.occurred_at <= %(now)s - make_interval(mins => m.attribution_minutes))
"""
# Rows come as packed arrays, all in one order: reading them one by one would take longer than learning from them.
_TAKE = f"""
WITH taken AS (
    DELETE FROM bandit_pendinglesson WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM bandit_pendinglesson
        WHERE merchant_id = %(merchant)s AND category_id = %(category)s
            AND occurred_at <= %(now)s - make_interval(mins => %(window)s)
        ORDER BY occurred_at LIMIT %(limit)s))
    RETURNING decision_id, prompt_version_id, occurred_at, encoding_version, context
),
graded AS (
    SELECT i.*, c.decision_id IS NOT NULL AS clicked FROM taken i LEFT JOIN bandit_click c ON {CLICKED_SQL}
),
settled AS (
    UPDATE bandit_click c SET settled_at = %(now)s FROM graded g WHERE c.decision_id = g.decision_id AND g.clicked
)
SELECT coalesce(string_agg(uuid_send(decision_id), ''), ''),
       coalesce(string_agg(int8send(prompt_version_id), ''), ''),
       coalesce(string_agg(CASE WHEN clicked THEN '\\x01'::bytea ELSE '\\x00'::bytea END, ''), ''),
       coalesce(string_agg(float8send(extract(epoch FROM occurred_at)::float8), ''), ''),
       coalesce(string_agg(CASE WHEN encoding_version = %(encoding)s AND length(context) = %(bytes)s THEN context
                           ELSE %(unknown)s END, ''), ''),
       count(*) FILTER (WHERE encoding_version <> %(encoding)s OR length(context) <> %(bytes)s)
FROM graded
"""  # noqa: S608 - constants only
_FEATURES = """
SELECT w.nth, i.prompt_version_id, extract(epoch FROM i.occurred_at)::float8, i.features
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS w (decision_id, nth)
JOIN bandit_impression i ON i.decision_id = w.decision_id ORDER BY w.nth
"""


@dataclass(frozen=True)
class Lessons:
    """Impressions to learn from: ids (16 bytes each), arms, rewards 0 or 1 and times in seconds (n,), contexts (n, d)."""

    ids: bytes
    arms: np.ndarray
    rewards: np.ndarray
    times: np.ndarray
    contexts: np.ndarray

    def __len__(self) -> int:
        return len(self.arms)

    def only(self, kept: np.ndarray) -> Lessons:
        """Those at the positions where ``kept`` (n,) is true."""
        raw = _rows(self.ids)[kept].tobytes()
        return Lessons(raw, self.arms[kept], self.rewards[kept], self.times[kept], self.contexts[kept])


def insert_impressions(rows: Sequence[Row]) -> list[str]:
    """Insert impressions that are not there yet, and the lessons of those that teach; the new decision ids as text.

    What teaches: a prompt's picture was shown, and nothing is the matter with the row. Features that cannot be encoded
    flag it. In a transaction of the caller's, which fails at its end when a merchant does not exist.
    """
    if not rows:
        return []
    columns = tuple(rows[0])
    with_lessons = [row | {"context": _context(row)} for row in rows]
    names = ", ".join(columns)
    sql = f"""
        WITH r AS MATERIALIZED (SELECT * FROM {record_of(Impression, columns, "context text")}),
        new AS (
            INSERT INTO bandit_impression ({names}) SELECT {names} FROM r ON CONFLICT DO NOTHING RETURNING decision_id
        ),
        taught AS (
            INSERT INTO bandit_pendinglesson (decision_id, merchant_id, category_id, prompt_version_id, occurred_at,
                                              encoding_version, context)
            SELECT decision_id, merchant_id, category_id, prompt_version_id, occurred_at, %(encoding)s,
                   decode(context, 'base64')
            FROM r JOIN new USING (decision_id) WHERE context IS NOT NULL
        )
        SELECT decision_id::text FROM new"""  # noqa: S608 - names of the model
    with connection.cursor() as cursor:
        cursor.execute(sql, {"rows": as_json(with_lessons), "encoding": CURRENT_VERSION})
        return [key for (key,) in cursor.fetchall()]


def due_pools(now: datetime) -> list[tuple[int, int]]:
    """(merchant id, category id) of the pools with lessons whose attribution window has passed at ``now``."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE_POOLS, {"now": now})
        return cursor.fetchall()


def take(merchant_id: int, category_id: int, window: int, now: datetime, version: int, limit: int) -> Lessons:
    """Take up to ``limit`` due lessons of a pool off the queue, oldest first, in the caller's transaction.

    A click counts if it came within ``window`` minutes of the impression, whenever it was reported; a window of 0 takes the
    clicks that are known by now. Contexts are those of encoding ``version``; rows of another one are encoded anew.
    """
    d = encoding(version).n_features
    parameters: dict[str, Any] = {
        "merchant": merchant_id,
        "category": category_id,
        "window": window,
        "now": now,
        "limit": limit,
        "encoding": version,
        "bytes": 8 * d,
        "unknown": np.full(d, np.nan).astype("<f8").tobytes(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, parameters)
        ids, arms, clicked, times, contexts, stale = cursor.fetchone()
    lessons = Lessons(
        bytes(ids),
        np.frombuffer(arms, dtype=">i8").astype(np.int64),
        np.frombuffer(clicked, dtype=np.uint8).astype(np.float64),
        np.frombuffer(times, dtype=">f8").astype(np.float64),
        np.frombuffer(contexts, dtype="<f8").reshape(-1, d).astype(np.float64),
    )
    return _encoded_anew(lessons, version) if stale else lessons


def from_log(ids: bytes, rewards: np.ndarray, version: int) -> Lessons:
    """The lessons of impressions by id (16 bytes each), with their ``rewards`` (n,), encoded from the log's raw features.

    Impressions that are gone, or cannot be encoded, are left out.
    """
    encode = encoding(version).encode
    arms, times, contexts, found = [], [], [], []
    with connection.cursor() as cursor:
        cursor.execute(_FEATURES, {"ids": [key.hex() for key in packed(ids)]})
        for nth, arm, time, text in cursor.fetchall():
            features = loads(text)
            try:
                contexts.append(encode(features.get("user"), features.get("item"), features.get("placement")))
            except FeatureError:
                continue
            found.append(nth - 1)
            arms.append(arm)
            times.append(time)
    d, kept = encoding(version).n_features, np.array(found, dtype=np.int64)
    raw = _rows(ids)[kept].tobytes()
    matrix = np.array(contexts).reshape(-1, d)
    return Lessons(raw, np.array(arms, dtype=np.int64), rewards[kept], np.array(times), matrix)


def loads(features: str | dict[str, Any]) -> dict[str, Any]:
    """Raw features as a plain query returns them: the connection leaves JSON to the ORM."""
    found: dict[str, Any] = json.loads(features) if isinstance(features, str) else features
    return found


def packed(ids: bytes) -> list[bytes]:
    """Decision ids, 16 bytes each, one by one."""
    return [ids[start : start + ID_BYTES] for start in range(0, len(ids), ID_BYTES)]


def _rows(ids: bytes) -> np.ndarray:
    return np.frombuffer(ids, dtype=np.uint8).reshape(-1, ID_BYTES)


def _encoded_anew(lessons: Lessons, version: int) -> Lessons:
    stale = np.isnan(lessons.contexts[:, -1])
    fresh, old = lessons.only(~stale), lessons.only(stale)
    again = from_log(old.ids, old.rewards, version)
    bad = [key.hex() for key in set(packed(old.ids)) - set(packed(again.ids))]
    Impression.objects.filter(pk__in=bad).update(flags=[Flag.UNENCODABLE], flagged_at=Now())
    return Lessons(
        fresh.ids + again.ids,
        np.concatenate([fresh.arms, again.arms]),
        np.concatenate([fresh.rewards, again.rewards]),
        np.concatenate([fresh.times, again.times]),
        np.concatenate([fresh.contexts, again.contexts]),
    )


def _context(row: Row) -> str | None:
    """The context of a row that teaches, in base64; None for others. A row that cannot be encoded gets its flag here."""
    teaches = (
        row["variant"] == Variant.GENERATED
        and not row["is_fallback"]
        and row["prompt_version_id"] is not None
        and row["category_id"] is not None
        and not row["flags"]
    )
    if not teaches:
        return None
    features = row["features"]
    try:
        context = encoding(CURRENT_VERSION).encode(
            features.get("user"), features.get("item"), features.get("placement")
        )
    except FeatureError:
        row["flags"].append(Flag.UNENCODABLE.value)
        return None
    return base64.b64encode(context.astype("<f8").tobytes()).decode()
