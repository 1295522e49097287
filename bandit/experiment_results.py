"""An experiment's figures from the roll-ups: its analysis, the paper's figure 4 of it, and what is exported."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from bandit.experiment_analysis import MIN_CLICKS, Analysis, ArmSums, Plan, analyse, running, sequential
from bandit.models import DailyCell, Design, Experiment, ExperimentArm, ExperimentDay
from bandit.statistics import Interval
from creatives.models import Merchant

BASELINE_DAYS = 28
WIDEST = 1.0
"""Intervals that reach further than this, up or down, are not drawn: they would flatten everything else."""


@dataclass(frozen=True)
class Day:
    """The gain of an arm over the control in all days up to this one; the interval holds on every day."""

    day: date
    gain: float
    interval: Interval


@dataclass(frozen=True)
class ArmRow:
    """An arm, its sums, and the independent impressions that the plan asks of it."""

    arm: ExperimentArm
    sums: ArmSums
    required: int

    @property
    def ctr(self) -> float | None:
        return self.sums.c / self.sums.n if self.sums.n else None


@dataclass(frozen=True)
class Result:
    """An experiment with its arms and what is known of them: of real shoppers, or of simulated ones where there are none."""

    experiment: Experiment
    arms: list[ExperimentArm]
    plan: Plan
    days: list[date]
    growth: dict[str, list[ArmSums]]
    is_simulated: bool

    @cached_property
    def analysis(self) -> Analysis:
        """The analysis as of now, or of the planned look."""
        return analyse(self.plan, self.days, self.growth, self._last_full)

    @cached_property
    def sums(self) -> dict[str, list[ArmSums]]:
        """By arm: the sums up to each day."""
        return running(self.plan, self.growth, len(self.days))

    @cached_property
    def gains(self) -> dict[str, list[Day | None]]:
        """By treatment: what figure 4 shows of each day; None while there are too few clicks."""
        found: dict[str, list[Day | None]] = {}
        for arm in self.plan.treatments:
            line: list[Day | None] = []
            for day, mine, control in zip(
                self.days, self.sums[arm], self.sums[self.plan.control], strict=True
            ):
                if min(mine.c, control.c) < MIN_CLICKS:
                    line.append(None)
                    continue
                gain, interval, _ = sequential(self.plan, mine.rate(), control.rate())
                line.append(Day(day, gain, interval))
            found[arm] = line
        return found

    @property
    def rows(self) -> list[ArmRow]:
        """The arms with the sums that the analysis is about, the control first."""
        required = self.plan.required()
        arms = sorted(self.arms, key=lambda arm: not arm.is_control)
        return [ArmRow(arm, self.analysis.sums[arm.name], required[arm.name]) for arm in arms]

    @property
    def days_to_go(self) -> int | None:
        """Days until the plan is fulfilled at the pace so far; None when nobody can tell or it is."""
        progress = self.analysis.progress
        if self.analysis.is_final or self.experiment.status != Experiment.Status.RUNNING or progress <= 0:
            return None
        started = self.experiment.started_at
        assert started is not None
        passed = (timezone.now() - started) / timedelta(days=1)
        return max(1, round(passed * (1 / progress - 1)))

    def planned_days(self, per_day: float) -> int | None:
        """Days that the plan takes with ``per_day`` impressions of all shoppers; None without any."""
        taking_part = per_day * self.experiment.traffic / 100 * self.experiment.enrolled / 100
        if taking_part <= 0:
            return None
        return max(
            math.ceil(needed / (taking_part * self.plan.shares[arm] / 100))
            for arm, needed in self.plan.required().items()
        )

    @property
    def _last_full(self) -> date:
        if self.experiment.ended_at is not None:
            return self.experiment.ended_at.astimezone(UTC).date()
        return timezone.now().astimezone(UTC).date() - timedelta(days=1)


def plan_of(experiment: Experiment, arms: Iterable[ExperimentArm]) -> Plan:
    """The plan that the analysis goes by."""
    arms = list(arms)
    control = next((arm.name for arm in arms if arm.is_control), arms[0].name)
    shares = {arm.name: float(arm.share) for arm in arms}
    return Plan(control, shares, experiment.baseline, experiment.minimal_gain, experiment.power)


def result_of(experiment: Experiment) -> Result:
    """The figures of one experiment (2 queries)."""
    return results_of([experiment])[0]


def results_of(experiments: list[Experiment]) -> list[Result]:
    """The figures of several experiments (2 queries in all)."""
    arms: dict[int, list[ExperimentArm]] = {}
    for arm in ExperimentArm.objects.filter(experiment__in=experiments).order_by("id"):
        arms.setdefault(arm.experiment_id, []).append(arm)
    rows: dict[int, list[ExperimentDay]] = {}
    for row in ExperimentDay.objects.filter(experiment__in=experiments).order_by("day"):
        rows.setdefault(row.experiment_id, []).append(row)
    return [_result(one, arms[one.pk], rows.get(one.pk, [])) for one in experiments if one.pk in arms]


def phases(merchant: Merchant) -> list[Result]:
    """The latest started experiment of each of the paper's three designs."""
    started = Experiment.objects.filter(merchant=merchant, started_at__isnull=False)
    found = []
    for design in (Design.PHASE_1, Design.PHASE_2, Design.PHASE_3):
        latest = started.filter(design=design).order_by("-started_at").first()
        if latest is not None:
            found.append(latest)
    return results_of(found)


def usual_traffic(merchant: Merchant) -> tuple[float, float]:
    """Click rate, and impressions a day, of the last four weeks; zeros without any."""
    since = timezone.now().astimezone(UTC).date() - timedelta(days=BASELINE_DAYS)
    cells = DailyCell.objects.filter(merchant=merchant, day__gte=since)
    sums = cells.aggregate(n=Sum("impressions"), c=Sum("clicks"))
    impressions, days = sums["n"] or 0, cells.values("day").distinct().count()
    return ((sums["c"] or 0) / impressions, impressions / days) if impressions else (0.0, 0.0)


def chart(result: Result) -> dict[str, Any]:
    """The paper's figure 4 for ``charts.js``: the gain of each arm over the control, up to each day, with its band."""
    series = []
    for arm, line in result.gains.items():
        drawn = [point if point and _fits(point.interval) else None for point in line]
        series.append(
            {
                "label": f"{arm} against {result.plan.control}",
                "values": [point.gain if point else None for point in drawn],
                "lower": [point.interval.low if point else None for point in drawn],
                "upper": [point.interval.high if point else None for point in drawn],
            }
        )
    days = [int(datetime.combine(day, time.min, UTC).timestamp()) for day in result.days]
    return {"x": days, "format": "percent", "series": series}


def records(result: Result) -> list[dict[str, Any]]:
    """Flat records for CSV and JSON: an arm up to a day each."""
    found = []
    for arm in result.plan.shares:
        gains = result.gains.get(arm)
        for place, day in enumerate(result.days):
            sums, gain = result.sums[arm][place], gains[place] if gains else None
            found.append(
                {
                    "day": day.isoformat(),
                    "arm": arm,
                    "control": arm == result.plan.control,
                    "users": sums.users,
                    "impressions": sums.n,
                    "clicks": sums.c,
                    "conversions": sums.v,
                    "fallbacks": sums.f,
                    "ctr": sums.c / sums.n if sums.n else None,
                    "gain": gain.gain if gain else None,
                    "gain_low_always_valid": gain.interval.low if gain else None,
                    "gain_high_always_valid": gain.interval.high if gain else None,
                }
            )
    return found


def document(result: Result, conclusion: str) -> dict[str, Any]:
    """Everything about an experiment for JSON."""
    analysis = result.analysis
    return {
        "experiment": result.experiment.name,
        "design": result.experiment.design,
        "status": result.experiment.status,
        "simulated": result.is_simulated,
        "conclusion": conclusion,
        "is_final": analysis.is_final,
        "as_of": analysis.day.isoformat() if analysis.day else None,
        "progress": analysis.progress,
        "required_impressions": analysis.plan.required(),
        "sample_ratio": {
            "chi_squared": _finite(analysis.sample_ratio.statistic),
            "p_value": _finite(analysis.sample_ratio.p_value),
            "is_blocked": analysis.is_blocked,
        },
        "comparisons": [
            {
                "arm": row.arm,
                "gain": row.gain,
                "low": _finite(row.interval.low),
                "high": _finite(row.interval.high),
                "p_value": row.p_value,
                "p_adjusted": row.p_adjusted,
                "verdict": row.verdict,
            }
            for row in analysis.comparisons
        ],
        "guardrails": [
            {"arm": row.arm, "metric": row.metric, "value": row.value, "is_hurt": row.is_hurt}
            for row in analysis.guardrails
        ],
        "rows": records(result),
    }


def _result(experiment: Experiment, arms: list[ExperimentArm], rows: list[ExperimentDay]) -> Result:
    is_simulated = bool(rows) and all(row.is_simulated for row in rows)
    rows = [row for row in rows if row.is_simulated == is_simulated]
    days = sorted({row.day for row in rows})
    by_place = {
        (row.arm, row.day): ArmSums(*(getattr(row, name) for name in ArmSums._fields)) for row in rows
    }
    growth = {arm.name: [by_place.get((arm.name, day), ArmSums()) for day in days] for arm in arms}
    return Result(experiment, arms, plan_of(experiment, arms), days, growth, is_simulated)


def _fits(interval: Interval) -> bool:
    return interval.low >= -WIDEST and interval.high <= WIDEST


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
