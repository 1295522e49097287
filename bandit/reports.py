"""Reports: click rates with intervals, and gains against a baseline, in figures and in words."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bandit.report_query import Count, Point, ReportFilter, counts, labels, points
from bandit.statistics import Interval, UserTotals, difference_z, lift, lift_interval, wilson

MAX_LINES = 6
HOURLY_UP_TO = timedelta(days=3)
MIN_CLICKS = 10
CSV_FIGURES = (
    *("users", "impressions", "clicks", "ctr", "ctr_low", "ctr_high"),
    *("baseline", "gain", "gain_low", "gain_high", "p_value", "simulated_impressions"),
)


@dataclass(frozen=True)
class Gain:
    """Relative gain of a click rate over the baseline's: 0.12 is +12 %. Analysed by user (delta method)."""

    lift: float
    interval: Interval
    p_value: float

    @property
    def verdict(self) -> str:
        """What the interval allows one to say: "better", "worse" or "unclear"."""
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "unclear"


@dataclass(frozen=True)
class Row:
    """One group of a report. ``gain`` is None for the baseline itself and where there are too few clicks."""

    key: str
    label: str
    count: Count
    ctr: float
    interval: Interval
    gain: Gain | None
    is_baseline: bool


@dataclass(frozen=True)
class Report:
    """A report: its rows, most impressions first, and its trend."""

    dimension: str
    rows: list[Row]
    step: str
    trend: list[Point]

    @property
    def impressions(self) -> int:
        return sum(row.count.impressions for row in self.rows)

    @property
    def clicks(self) -> int:
        return sum(row.count.clicks for row in self.rows)

    @property
    def simulated(self) -> int:
        return sum(row.count.simulated for row in self.rows)

    @property
    def highest(self) -> float:
        """The upper end of the widest interval, for a common scale."""
        return max((row.interval.high for row in self.rows), default=1.0)


def build(wanted: ReportFilter, dimension: str, baseline: str = "") -> Report:
    """The report of ``wanted`` split by ``dimension`` (a key of DIMENSIONS), in 4 queries at most.

    ``baseline`` is the key of the group that the others are compared with; an unknown one means the default: the random
    arm, the original picture, or else the group with the most impressions.
    """
    found = counts(wanted, dimension)
    names = labels(dimension, [count.key for count in found])
    base = _baseline(found, baseline)
    step, trend = _trend(wanted, dimension)
    return Report(
        dimension,
        [_row(count, names.get(count.key, count.key), base) for count in found],
        step,
        trend,
    )


def chart(report: Report) -> dict[str, Any]:
    """The trend for ``charts.js``: a line with a band for each of the largest groups, a gap where nothing was shown."""
    moments = sorted({point.at for point in report.trend})
    by_key = {(point.key, point.at): point for point in report.trend}
    series = []
    for row in report.rows[:MAX_LINES]:
        line = [by_key.get((row.key, at)) for at in moments]
        bands = [wilson(point.clicks, point.impressions) if point else None for point in line]
        series.append(
            {
                "label": row.label,
                "values": [point.clicks / point.impressions if point else None for point in line],
                "lower": [band.low if band else None for band in bands],
                "upper": [band.high if band else None for band in bands],
            }
        )
    return {"x": [int(at.timestamp()) for at in moments], "format": "percent", "series": series}


def headline(report: Report) -> str:
    """The finding in one sentence, no stronger than the data."""
    base = next((row for row in report.rows if row.is_baseline), None)
    judged = [row for row in report.rows if row.gain]
    if base is None:
        return "Nothing was shown in this period."
    if not judged:
        return f"Too few clicks to compare yet: each group needs {MIN_CLICKS} of them and two users."
    best = max(judged, key=lambda row: row.gain.lift if row.gain else 0.0)
    assert best.gain is not None
    span = f"between {best.gain.interval.low:+.0%} and {best.gain.interval.high:+.0%}"
    if best.gain.verdict == "better":
        return f"{best.label} gets {best.gain.lift:+.0%} clicks compared with {base.label}, with 95 % certainty {span}."
    if best.gain.verdict == "worse":
        return f"Nothing beats {base.label}: the closest, {best.label}, gets {best.gain.lift:+.0%} clicks ({span})."
    return (
        f"{best.label} is at {best.gain.lift:+.0%} compared with {base.label}, "
        f"but the truth may lie anywhere {span}: keep collecting."
    )


def to_csv(report: Report) -> str:
    """The table as CSV, rates as plain numbers."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [report.dimension, *CSV_FIGURES],
    )
    for row in report.rows:
        gain = row.gain
        # A label is a person's text: one that a spreadsheet would run as a formula is quoted away.
        label = f"'{row.label}" if row.label[:1] in ("=", "+", "-", "@", "\t", "\r") else row.label
        figures: list[Any] = [
            label,
            row.count.users,
            row.count.impressions,
            row.count.clicks,
            row.ctr,
            *row.interval,
        ]
        compared = [gain.lift, *gain.interval, gain.p_value] if gain else ["", "", "", ""]
        writer.writerow([*figures, int(row.is_baseline), *compared, row.count.simulated])
    return out.getvalue()


def _trend(wanted: ReportFilter, dimension: str) -> tuple[str, list[Point]]:
    """By the hour while the log is young, else by the day."""
    hourly = points(wanted, dimension, "hour")
    if not hourly or hourly[-1].at - hourly[0].at <= HOURLY_UP_TO:
        return "hour", hourly
    return "day", points(wanted, dimension, "day")


def _baseline(found: list[Count], wanted: str) -> Count | None:
    by_key = {count.key: count for count in found}
    for key in (wanted, "random", "original"):
        if key in by_key:
            return by_key[key]
    return found[0] if found else None


def _row(count: Count, label: str, base: Count | None) -> Row:
    gain = None
    comparable = base is not None and count.key != base.key
    if comparable and base and all(c.clicks >= MIN_CLICKS and c.users >= 2 for c in (count, base)):
        gain = _gain(count, base)
    return Row(
        count.key,
        label,
        count,
        count.clicks / count.impressions,
        wilson(count.clicks, count.impressions),
        gain,
        base is not None and count.key == base.key,
    )


def _gain(count: Count, base: Count) -> Gain:
    """By user: a user's impressions are not independent of each other, users are."""
    treatment, control = _totals(count).rate(), _totals(base).rate()
    return Gain(
        lift(treatment, control), lift_interval(treatment, control), difference_z(treatment, control).p_value
    )


def _totals(count: Count) -> UserTotals:
    return UserTotals(count.users, count.clicks, count.impressions, count.cc, count.nc, count.nn)
