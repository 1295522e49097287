"""The log, counted: impressions and clicks by a dimension, with the sums by user that the delta method needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from creatives.models import Category, Merchant, Placement, PromptVersion

# What a report can be split by → the SQL expression, and the condition under which an impression takes part. A prompt is
# only judged by impressions that showed it.
DIMENSIONS: dict[str, tuple[str, str]] = {
    "arm": ("i.arm", "i.arm <> ''"),
    "prompt": ("i.prompt_version_id::text", "i.variant = 'generated' and i.prompt_version_id is not null"),
    "category": ("coalesce(i.category_id::text, '')", "true"),
    "placement": ("i.placement", "true"),
    "shown": ("i.variant", "true"),
    "device": ("coalesce(nullif(i.device, ''), 'unknown')", "true"),
}
TRAFFIC = {"all": "true", "live": "not i.is_simulated", "simulated": "i.is_simulated"}
STEPS = ("hour", "day")


@dataclass(frozen=True)
class ReportFilter:
    """Which impressions: of one merchant, from ``start`` (inclusive) to ``end`` (exclusive), narrowed by the others."""

    merchant: Merchant
    start: datetime
    end: datetime
    category_id: int | None = None
    prompt_version_id: int | None = None
    placement: str = ""
    experiment_id: int | None = None
    traffic: str = "all"
    generated_only: bool = False


@dataclass(frozen=True)
class Count:
    """Sums over the users of one group: n impressions and c clicks a user; ``nn`` is Σn², ``nc`` Σnc, ``cc`` Σc²."""

    key: str
    users: int
    impressions: int
    clicks: int
    nn: int
    nc: int
    cc: int
    simulated: int


@dataclass(frozen=True)
class Point:
    """Impressions and clicks of one group in one hour or day, which starts at ``at``."""

    key: str
    at: datetime
    impressions: int
    clicks: int


def counts(wanted: ReportFilter, dimension: str) -> list[Count]:
    """One Count for each group, most impressions first (1 query)."""
    shown, parameters = _shown(wanted, dimension)
    rows = _rows(
        f"""with shown as ({shown}),
        users as (
            select key, user_key, count(*) n, count(*) filter (where clicked) c, count(*) filter (where is_simulated) s
            from shown group by key, user_key
        )
        select key, count(*), sum(n), sum(c), sum(n * n), sum(n * c), sum(c * c), sum(s) from users
        group by key order by sum(n) desc, key""",  # noqa: S608 - as in _shown
        parameters,
    )
    return [Count(key, *(int(number) for number in numbers)) for key, *numbers in rows]


def points(wanted: ReportFilter, dimension: str, step: str) -> list[Point]:
    """Impressions and clicks by group and ``step`` ("hour" or "day", in UTC), in time order (1 query)."""
    if step not in STEPS:
        raise ValueError(f"step {step!r} is none of {', '.join(STEPS)}")
    shown, parameters = _shown(wanted, dimension)
    rows = _rows(
        f"""select key, date_trunc('{step}', occurred_at, 'UTC') at, count(*), count(*) filter (where clicked)
        from ({shown}) shown group by key, at order by at, key""",  # noqa: S608 - as in _shown
        parameters,
    )
    return [Point(*row) for row in rows]


def labels(dimension: str, keys: list[str]) -> dict[str, str]:
    """What people call the groups (at most 1 query)."""
    ids = [int(key) for key in keys if key.isdecimal()]
    if dimension == "prompt":
        versions = PromptVersion.objects.filter(pk__in=ids).select_related("prompt__category")
        return {str(version.pk): f"{version} · {version.prompt.category.name}" for version in versions}
    if dimension == "category":
        return {"": "no pool"} | {str(row.pk): row.path for row in Category.objects.filter(pk__in=ids)}
    if dimension == "placement":
        return {row.slug: str(row) for row in Placement.objects.filter(slug__in=keys)}
    return {}


def _shown(wanted: ReportFilter, dimension: str) -> tuple[str, dict[str, Any]]:
    """The impressions of a report, with whether each was clicked in time.

    A click counts within the merchant's attribution window (0 minutes: whenever), as it does for the learner.
    """
    key, condition = DIMENSIONS[dimension]
    where = [
        "i.merchant_id = %(merchant)s",
        "i.occurred_at >= %(start)s",
        "i.occurred_at < %(end)s",
        "i.flags = '{}'",
        condition,
        TRAFFIC[wanted.traffic],
    ]
    optional = {
        "i.category_id = %(category)s": wanted.category_id,
        "i.prompt_version_id = %(prompt)s": wanted.prompt_version_id,
        "i.placement = %(placement)s": wanted.placement,
        "i.experiment_id = %(experiment)s": wanted.experiment_id,
        "i.variant = 'generated'": wanted.generated_only,
    }
    where += [clause for clause, value in optional.items() if value]
    parameters = {
        "merchant": wanted.merchant.pk,
        "start": wanted.start,
        "end": wanted.end,
        "category": wanted.category_id,
        "prompt": wanted.prompt_version_id,
        "placement": wanted.placement,
        "experiment": wanted.experiment_id,
        "window": wanted.merchant.attribution_minutes,
    }
    query = f"""select {key} as key, i.user_key, i.occurred_at, i.is_simulated, c.decision_id is not null as clicked
        from bandit_impression i left join bandit_click c on c.decision_id = i.decision_id
            and (%(window)s = 0 or c.occurred_at <= i.occurred_at + make_interval(mins => %(window)s))
        where {" and ".join(where)}"""  # noqa: S608 - every piece is a constant of this module
    return query, parameters


def _rows(query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()
