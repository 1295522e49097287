"""The analysis of an experiment from sums over its users, day by day. Pure: no Django.

While it runs, intervals and tests are always-valid: they may be looked at any day. The fixed-horizon analysis is made once,
at the end of the first day by which every arm has its planned number of impressions; what comes later does not change it.
An experiment that is stopped before keeps its always-valid figures, since the day of its end was chosen with them in view.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from bandit.sequential import always_valid_gain, gain_msprt
from bandit.statistics import (
    SAMPLE_RATIO_ALARM,
    Interval,
    Rate,
    TestResult,
    UserTotals,
    difference_z,
    holm,
    lift,
    lift_interval,
    sample_ratio,
    sample_size,
)

MIN_CLICKS = 10
"""Clicks that each arm needs before it is compared: logarithms of smaller counts are far from normal."""
MAX_FALLBACK = 0.05
ALPHA = 0.05
Metric = Literal["clicks", "conversions", "fallbacks"]
Verdict = Literal["better", "worse", "unclear"]


class ArmSums(NamedTuple):
    """Sums over the users of an arm of impressions n, clicks c, conversions v, fallbacks f, and of their products."""

    users: int = 0
    n: int = 0
    c: int = 0
    v: int = 0
    f: int = 0
    nn: int = 0
    nc: int = 0
    cc: int = 0
    nv: int = 0
    vv: int = 0
    nf: int = 0
    ff: int = 0

    def plus(self, other: ArmSums) -> ArmSums:
        """The sums after so much more."""
        return ArmSums(*(mine + more for mine, more in zip(self, other, strict=True)))

    def totals(self, metric: Metric = "clicks") -> UserTotals:
        """What the user-level delta method needs of a metric."""
        x, xx, nx = {
            "clicks": (self.c, self.cc, self.nc),
            "conversions": (self.v, self.vv, self.nv),
            "fallbacks": (self.f, self.ff, self.nf),
        }[metric]
        return UserTotals(self.users, x, self.n, xx, nx, self.nn)

    def rate(self, metric: Metric = "clicks") -> Rate:
        """The metric per impression, analysed by user."""
        return self.totals(metric).rate()

    @property
    def effective(self) -> float:
        """Independent impressions that these are worth: fewer when those of one user are alike."""
        rate = self.rate()
        if not 0.0 < rate.value < 1.0 or not rate.variance > 0.0:
            return float(self.n)
        return min(float(self.n), rate.value * (1.0 - rate.value) / rate.variance)


@dataclass(frozen=True)
class Plan:
    """What was decided before the start. ``shares`` in per cent by arm; ``gain`` is the smallest one worth detecting."""

    control: str
    shares: Mapping[str, float]
    baseline: float
    gain: float
    power: float = 0.8

    @property
    def treatments(self) -> list[str]:
        return [arm for arm in self.shares if arm != self.control]

    @property
    def tau(self) -> float:
        """The scale of log gains that the sequential test looks out for."""
        return math.log1p(self.gain)

    def required(self) -> dict[str, int]:
        """Independent impressions that each arm needs, several comparisons allowed for (Bonferroni)."""
        alpha = ALPHA / max(1, len(self.treatments))
        needed = {self.control: 0}
        for arm in self.treatments:
            ratio = self.shares[arm] / self.shares[self.control]
            control = sample_size(self.baseline, self.gain, self.power, alpha, ratio)
            needed[self.control] = max(needed[self.control], control)
            needed[arm] = math.ceil(control * ratio)
        return needed


@dataclass(frozen=True)
class Comparison:
    """An arm against the control. ``p_adjusted`` is Holm's over all arms; the interval is of this comparison alone."""

    arm: str
    gain: float
    interval: Interval
    p_value: float
    p_adjusted: float

    @property
    def verdict(self) -> Verdict:
        if not self.p_adjusted < ALPHA:
            return "unclear"
        return "better" if self.gain > 0 else "worse"


@dataclass(frozen=True)
class Guardrail:
    """A figure that must not suffer; ``is_hurt`` when it does beyond doubt."""

    arm: str
    metric: Metric
    value: float
    gain: float | None
    interval: Interval | None
    is_hurt: bool


@dataclass(frozen=True)
class Analysis:
    """What can be said. ``sums`` are those of ``day``; ``is_final`` tells a planned look from one on the way.

    ``sample_ratio`` is the χ² test that users came as planned: where it fails nothing else means anything.
    """

    plan: Plan
    day: date | None
    sums: dict[str, ArmSums]
    is_final: bool
    sample_ratio: TestResult
    comparisons: list[Comparison] = field(default_factory=list)
    guardrails: list[Guardrail] = field(default_factory=list)

    @property
    def is_blocked(self) -> bool:
        """Whether assignment or counting is broken."""
        return self.sample_ratio.p_value < SAMPLE_RATIO_ALARM

    @property
    def progress(self) -> float:
        """Share of the planned impressions that the slowest arm has, 0 to 1."""
        required = self.plan.required()
        return min(
            (min(1.0, self.sums[arm].effective / needed) for arm, needed in required.items() if needed),
            default=0.0,
        )


def analyse(
    plan: Plan, days: Sequence[date], growth: Mapping[str, Sequence[ArmSums]], last_full: date
) -> Analysis:
    """The analysis of an experiment: ``growth`` by arm and day of ``days``, which is complete up to ``last_full``."""
    sums = running(plan, growth, len(days))
    looks = [look(plan, {arm: sums[arm][place] for arm in plan.shares}) for place in range(len(days))]
    for day, (at, is_planned) in zip(days, looks, strict=True):
        if is_planned and day <= last_full:
            return compare(plan, day, at, is_final=True)
    if not days:
        return compare(plan, None, {arm: ArmSums() for arm in plan.shares}, is_final=False)
    return compare(plan, days[-1], looks[-1][0], is_final=False)


def running(plan: Plan, growth: Mapping[str, Sequence[ArmSums]], days: int) -> dict[str, list[ArmSums]]:
    """Sums up to each day from what each day added."""
    found: dict[str, list[ArmSums]] = {}
    for arm in plan.shares:
        total, sofar = ArmSums(), []
        for day in growth.get(arm) or [ArmSums()] * days:
            total = total.plus(day)
            sofar.append(total)
        found[arm] = sofar
    return found


def look(plan: Plan, sums: dict[str, ArmSums]) -> tuple[dict[str, ArmSums], bool]:
    """The sums, and whether every arm has its planned number of impressions by then."""
    required = plan.required()
    return sums, bool(plan.treatments) and all(sums[arm].effective >= required[arm] for arm in plan.shares)


def compare(plan: Plan, day: date | None, sums: dict[str, ArmSums], *, is_final: bool) -> Analysis:
    """The analysis of the sums of one day, as a planned look or as one on the way."""
    judge = fixed if is_final else sequential
    found = []
    for arm in plan.treatments:
        if min(sums[arm].c, sums[plan.control].c) >= MIN_CLICKS:
            found.append((arm, *judge(plan, sums[arm].rate(), sums[plan.control].rate())))
    adjusted = holm([p_value for *_, p_value in found])
    comparisons = [Comparison(*row, p) for row, p in zip(found, adjusted, strict=True)]
    users = [sums[arm].users for arm in plan.shares]
    ratio = (
        sample_ratio(users, list(plan.shares.values())) if len(users) > 1 else TestResult(math.nan, math.nan)
    )
    return Analysis(plan, day, sums, is_final, ratio, comparisons, guardrails(plan, sums))


def fixed(plan: Plan, treatment: Rate, control: Rate) -> tuple[float, Interval, float]:
    """Relative gain, Fieller's interval and the p-value of the z-test, for one look that was planned."""
    return (
        lift(treatment, control),
        lift_interval(treatment, control),
        _known(difference_z(treatment, control).p_value),
    )


def sequential(plan: Plan, treatment: Rate, control: Rate) -> tuple[float, Interval, float]:
    """Relative gain, and an interval and a p-value that hold at every look."""
    return (
        lift(treatment, control),
        always_valid_gain(treatment, control, plan.tau),
        gain_msprt(treatment, control, plan.tau).p_value,
    )


def guardrails(plan: Plan, sums: Mapping[str, ArmSums]) -> list[Guardrail]:
    """Conversions against the control's, always-valid; and how often something else was shown than the arm says."""
    found = []
    control = sums[plan.control].rate("conversions")
    for arm in plan.treatments:
        if min(sums[arm].v, sums[plan.control].v) >= MIN_CLICKS:
            rate = sums[arm].rate("conversions")
            gain, interval, _ = sequential(plan, rate, control)
            found.append(Guardrail(arm, "conversions", rate.value, gain, interval, interval.high < 0))
    for arm in plan.shares:
        if sums[arm].n:
            rate = sums[arm].rate("fallbacks")
            low = rate.interval().low if rate.variance >= 0 else rate.value
            found.append(Guardrail(arm, "fallbacks", rate.value, None, None, low > MAX_FALLBACK))
    return found


def _known(p_value: float) -> float:
    return 1.0 if math.isnan(p_value) else p_value
