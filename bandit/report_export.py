"""Reports as CSV and JSON: rates as plain numbers, texts as they are except what a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from bandit.report_query import ReportFilter
from bandit.reports import Report, Row

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rows_of(report: Report) -> list[dict[str, Any]]:
    """One flat record for each row; what is not known is None."""
    return [_record(report.dimension, row) for row in report.rows]


def to_json(report: Report, wanted: ReportFilter, headline: str) -> dict[str, Any]:
    """The table, and each group's impressions and clicks in time."""
    trend = {
        row.key: [
            {"at": at.isoformat(), "impressions": point.impressions, "clicks": point.clicks}
            for at, point in row.series.points.items()
        ]
        for row in report.rows
    }
    return {
        **period(wanted),
        "headline": headline,
        "step": report.step,
        "rows": rows_of(report),
        "trend": trend,
    }


def period(wanted: ReportFilter) -> dict[str, Any]:
    """What a report is about."""
    return {
        "merchant": wanted.merchant.slug,
        "start": wanted.start.isoformat(),
        "end": wanted.end.isoformat(),
        "traffic": wanted.traffic,
    }


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Records with the same keys as CSV; None is an empty cell."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"  # a person's text that a spreadsheet would run as a formula
    return int(value) if isinstance(value, bool) else value


def _record(dimension: str, row: Row) -> dict[str, Any]:
    gain = row.gain
    return {
        dimension: row.label,
        "key": row.key,
        "impressions": row.total.impressions,
        "clicks": row.total.clicks,
        "ctr": row.total.ctr,
        "ctr_low": row.interval.low,
        "ctr_high": row.interval.high,
        "conversions": row.total.conversions,
        "conversion_value": float(row.total.value),
        "baseline": row.is_baseline,
        "gain": gain.gain if gain else None,
        "gain_low": gain.interval.low if gain else None,
        "gain_high": gain.interval.high if gain else None,
        "p_value": gain.p_value if gain else None,
        "simulated_impressions": row.total.simulated,
    }
