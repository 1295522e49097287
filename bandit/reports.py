"""Reports: click rates with intervals, and gains against a baseline, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bandit.grouped import Compared, Groups, compare, design_effect, rate_interval
from bandit.models import RollupState, RollupTouch, StaleDay
from bandit.report_query import (
    HOURLY_UP_TO,
    ReportFilter,
    Series,
    Step,
    Sums,
    labels,
    series,
    spreads,
)
from bandit.statistics import Interval
from creatives.models import Merchant

MAX_LINES = 6
MIN_CLICKS = 10


@dataclass(frozen=True)
class Row:
    """One group of a report. ``effect`` is its design effect: so many impressions are worth one independent one.

    ``gain`` is None for the baseline itself and where there are too few clicks or users.
    """

    series: Series
    label: str
    total: Sums
    effect: float
    gain: Compared | None
    is_baseline: bool

    @property
    def key(self) -> str:
        return self.series.key

    @property
    def interval(self) -> Interval:
        return rate_interval(self.total.clicks, self.total.impressions, self.effect)


@dataclass(frozen=True)
class Report:
    """A report: its rows, most impressions first, and the step of their series."""

    dimension: str
    step: Step
    rows: list[Row]

    @property
    def total(self) -> Sums:
        return sum((row.total for row in self.rows), Sums())

    @property
    def highest(self) -> float:
        """The upper end of the widest interval, for a common scale."""
        return max((row.interval.high for row in self.rows), default=1.0)


@dataclass(frozen=True)
class Freshness:
    """Up to when the reports of a merchant are complete (None: never yet), and whether later events wait to be counted."""

    counted_until: datetime | None
    is_behind: bool


def freshness(merchant: Merchant) -> Freshness:
    """How far the roll-ups are behind the log (3 queries)."""
    state = RollupState.objects.filter(merchant=merchant).first()
    waiting = RollupTouch.objects.filter(merchant_id=merchant.pk).exists()
    stale = StaleDay.objects.filter(merchant=merchant).exists()
    moments = [state.hours_at, state.days_at] if state else []
    until = min((moment for moment in moments if moment), default=None)
    return Freshness(until, waiting or stale)


def build(wanted: ReportFilter, dimension: str, baseline: str = "") -> Report:
    """The report of ``wanted`` split by ``dimension`` (a key of DIMENSIONS), in 4 queries at most.

    ``baseline`` is the key of the group that the others are compared with; an unknown one means the default: the random
    arm, the original picture, or else the group with the most impressions.
    """
    step, found = _series(wanted, dimension)
    names, groups = labels(dimension, [one.key for one in found]), spreads(wanted, dimension)
    base = _baseline(found, baseline)
    rows = [_row(one, names.get(one.key, one.key), base, groups) for one in found]
    return Report(dimension, step, rows)


def chart(report: Report) -> dict[str, Any]:
    """The trend for ``charts.js``: a line with a band for each of the largest groups, a gap where nothing was shown."""
    moments = sorted({at for row in report.rows for at in row.series.points})
    lines = []
    for row in report.rows[:MAX_LINES]:
        points = [row.series.points.get(at) for at in moments]
        bands = [
            rate_interval(point.clicks, point.impressions, row.effect) if point else None for point in points
        ]
        lines.append(
            {
                "label": row.label,
                "values": [point.ctr if point else None for point in points],
                "lower": [band.low if band else None for band in bands],
                "upper": [band.high if band else None for band in bands],
            }
        )
    return {"x": [int(at.timestamp()) for at in moments], "format": "percent", "series": lines}


def headline(report: Report) -> str:
    """The finding in one sentence, no stronger than the data."""
    base = next((row for row in report.rows if row.is_baseline), None)
    judged = [(row.gain, row) for row in report.rows if row.gain]
    if base is None:
        return "Nothing was shown in this period."
    if not judged:
        return f"Too few clicks to compare yet: each group needs {MIN_CLICKS} of them, from many shoppers."
    gain, best = max(judged, key=lambda pair: pair[0].gain)
    span = f"between {gain.interval.low:+.0%} and {gain.interval.high:+.0%}"
    if gain.verdict == "better":
        won = best.total.clicks * gain.gain / (1.0 + gain.gain)
        return (
            f"{best.label} gets {gain.gain:.0%} more clicks than {base.label}, with 95 % certainty {span}: "
            f"about {won:,.0f} of its {best.total.clicks:,} clicks in this period."
        )
    if gain.verdict == "worse":
        return (
            f"Nothing beats {base.label}: the closest, {best.label}, gets {-gain.gain:.0%} fewer clicks, "
            f"with 95 % certainty {span}."
        )
    return (
        f"No winner yet: {best.label} is at {gain.gain:+.0%} clicks compared with {base.label}, "
        f"but the truth may lie anywhere {span}. Keep collecting."
    )


def _series(wanted: ReportFilter, dimension: str) -> tuple[Step, list[Series]]:
    """By the hour for a short period or while the log is young, else by the day."""
    if not wanted.is_short:
        daily = series(wanted, dimension, "day")
        days = {at for one in daily for at in one.points}
        if not days or max(days) - min(days) >= HOURLY_UP_TO:
            return "day", daily
    return "hour", series(wanted, dimension, "hour")


def _baseline(found: list[Series], wanted: str) -> Series | None:
    by_key = {one.key: one for one in found}
    for key in (wanted, "random", "original"):
        if key in by_key:
            return by_key[key]
    return found[0] if found else None


def _row(one: Series, label: str, base: Series | None, groups: dict[str, Groups]) -> Row:
    total, spread = one.total, groups.get(one.key)
    is_baseline = base is not None and one.key == base.key
    gain = None
    if base is not None and not is_baseline and spread and base.key in groups:
        control = base.total
        if min(total.clicks, control.clicks) >= MIN_CLICKS:
            counts = (total.clicks, total.impressions), (control.clicks, control.impressions)
            gain = compare(*counts, (spread, groups[base.key]))
    return Row(one, label, total, design_effect(spread) if spread else 1.0, gain, is_baseline)
