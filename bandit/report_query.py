"""What a report asks of the roll-ups: impressions and clicks by a dimension and in time, and by groups of users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import numpy as np
from django.db import connection

from bandit.grouped import Groups
from bandit.models import DailyGroup
from creatives.models import Category, Merchant, Placement, PromptVersion

Step = Literal["hour", "day"]
# What a report can be split by → the column of a cell, and the condition under which a cell takes part.
DIMENSIONS: dict[str, tuple[str, str]] = {
    "arm": ("arm", "arm <> ''"),
    "prompt": ("prompt_version_id::text", "prompt_version_id is not null"),
    "category": ("coalesce(category_id::text, '')", "true"),
    "placement": ("placement", "true"),
    "shown": ("variant", "true"),
    "device": ("device", "true"),
}
TRAFFIC = {"all": "true", "live": "not is_simulated", "simulated": "is_simulated"}
HOURLY_UP_TO = timedelta(days=3)


@dataclass(frozen=True)
class ReportFilter:
    """Which impressions: of one merchant, from ``start`` (inclusive) to ``end`` (exclusive), narrowed by the others.

    Both are the starts of days in UTC; raises ValueError otherwise.
    """

    merchant: Merchant
    start: datetime
    end: datetime
    category_id: int | None = None
    prompt_version_id: int | None = None
    placement: str = ""
    experiment_id: int | None = None
    traffic: str = "all"

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            utc = moment.astimezone(UTC)
            if (utc.hour, utc.minute, utc.second, utc.microsecond) != (0, 0, 0, 0):
                raise ValueError(f"a report goes by whole days in UTC, not from or to {moment.isoformat()}")

    @property
    def is_short(self) -> bool:
        """Whether an hour is the step to show."""
        return self.end - self.start <= HOURLY_UP_TO


@dataclass(frozen=True)
class Sums:
    """Impressions that count, and what came of them."""

    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    value: Decimal = Decimal(0)
    simulated: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(mine + theirs for mine, theirs in zip(self.figures, other.figures, strict=True)))

    @property
    def figures(self) -> tuple[Any, ...]:
        return self.impressions, self.clicks, self.conversions, self.value, self.simulated

    @property
    def ctr(self) -> float:
        """Clicks per impression."""
        return self.clicks / self.impressions


@dataclass(frozen=True)
class Series:
    """One group of a report: its sums in each hour or day in which it was shown, in time order."""

    key: str
    points: dict[datetime, Sums] = field(default_factory=dict)

    @cached_property
    def total(self) -> Sums:
        return sum(self.points.values(), Sums())


def series(wanted: ReportFilter, dimension: str, step: Step) -> list[Series]:
    """A Series for each group, most impressions first (1 query)."""
    key, condition = DIMENSIONS[dimension]
    where, parameters = where_cells(wanted, step)
    moment = "hour" if step == "hour" else "day::timestamp at time zone 'UTC'"
    found_rows = rows(
        f"""select {key} as key, {moment} as at, sum(impressions), sum(clicks), sum(conversions), sum(value),
            sum(impressions) filter (where is_simulated)
        from {"bandit_hourlycell" if step == "hour" else "bandit_dailycell"}
        where {where} and {condition} group by 1, 2 order by 2""",  # noqa: S608 - constants of this module only
        parameters,
    )
    found: dict[str, Series] = {}
    for name, at, impressions, clicks, conversions, value, simulated in found_rows:
        one = found.setdefault(name, Series(name))
        one.points[at] = Sums(int(impressions), int(clicks), int(conversions), value, int(simulated or 0))
    return sorted(found.values(), key=lambda one: (-one.total.impressions, one.key))


def spreads(wanted: ReportFilter, dimension: str) -> dict[str, Groups]:
    """Clicks and impressions by group of users for each key, of all the traffic in the period (1 query).

    Filters other than the period and the traffic are not applied: they hardly change how alike a user's impressions are.
    """
    found_rows = rows(
        f"""select key, "group", sum(clicks)::float8, sum(impressions)::float8 from bandit_dailygroup
        where merchant_id = %(merchant)s and dimension = %(dimension)s and day >= %(start)s::date
            and day < %(end)s::date and {TRAFFIC[wanted.traffic]} group by 1, 2""",  # noqa: S608
        parameters_of(wanted, "day") | {"dimension": dimension},
    )
    found: dict[str, Groups] = {}
    for key, group, clicks, impressions in found_rows:
        one = found.setdefault(key, Groups(np.zeros(DailyGroup.GROUPS), np.zeros(DailyGroup.GROUPS)))
        one.clicks[group], one.impressions[group] = clicks, impressions
    return found


def labels(dimension: str, keys: Iterable[str]) -> dict[str, str]:
    """What people call the groups (at most 1 query)."""
    ids = [int(key) for key in keys if key.isdecimal()]
    if dimension == "prompt":
        versions = PromptVersion.objects.filter(pk__in=ids).select_related("prompt__category")
        return {str(version.pk): f"{version} · {version.prompt.category.name}" for version in versions}
    if dimension == "category":
        return {"": "no pool"} | {str(row.pk): row.path for row in Category.objects.filter(pk__in=ids)}
    if dimension == "placement":
        return {row.slug: str(row) for row in Placement.objects.filter(slug__in=list(keys))}
    return {}


def where_cells(wanted: ReportFilter, step: Step) -> tuple[str, dict[str, Any]]:
    """The condition on cells of an hour or a day, and its parameters."""
    conditions = [
        "merchant_id = %(merchant)s",
        f"{step} >= %(start)s and {step} < %(end)s",
        TRAFFIC[wanted.traffic],
    ]
    optional: dict[str, tuple[str, Any]] = {
        "category": ("category_id = %(category)s", wanted.category_id),
        "prompt": ("prompt_version_id = %(prompt)s", wanted.prompt_version_id),
        "placement": ("placement = %(placement)s", wanted.placement),
        "experiment": ("experiment_id = %(experiment)s", wanted.experiment_id),
    }
    used = {name: value for name, (_, value) in optional.items() if value}
    conditions += [optional[name][0] for name in used]
    return " and ".join(conditions), parameters_of(wanted, step) | used


def parameters_of(wanted: ReportFilter, step: Step) -> dict[str, Any]:
    """The merchant and the period as parameters."""
    start, end = wanted.start.astimezone(UTC), wanted.end.astimezone(UTC)
    if step == "hour":
        return {"merchant": wanted.merchant.pk, "start": start, "end": end}
    return {"merchant": wanted.merchant.pk, "start": start.date(), "end": end.date()}


def rows(query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the database answers."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()
