"""What the bandit has learned: which prompt it shows to whom, what each is worth there, and what that brought."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from bandit.models import ArmKind
from bandit.regret import Estimate, Hindsight, Served, Weighted, hindsight, total
from bandit.report_query import ReportFilter, labels, rows, where_cells
from bandit.statistics import Interval
from creatives.models import PromptVersion

SEGMENTS = {"device": "device", "placement": "placement"}
MIN_EFFECTIVE = 100
"""Impressions of equal weight below which a rate is not spoken of."""

_QUERY = """
select category_id, {segment}, prompt_version_id, arm_kind, day, sum(impressions)::bigint, sum(clicks)::bigint,
       sum(weight), sum(weight_squared), sum(clicked_weight), sum(clicked_weight_squared)
from bandit_dailycell
where {where} and category_id is not null and prompt_version_id is not null and variant = 'generated'
    and not is_fallback and arm_kind in ('personalised', 'random')
group by 1, 2, 3, 4, 5
"""


@dataclass(frozen=True)
class Choice:
    """A prompt for one segment: the policy's share of its impressions there, and the rate had all of them seen it."""

    prompt_id: int
    label: str
    share: float
    rate: float
    interval: Interval
    effective: float

    @property
    def is_known(self) -> bool:
        return self.effective >= MIN_EFFECTIVE


@dataclass(frozen=True)
class Segment:
    """What LinUCB's shoppers of one device or placement were shown, the most frequent prompt first."""

    name: str
    impressions: int
    choices: list[Choice]

    @property
    def words(self) -> str:
        """The finding in one sentence."""
        first = self.choices[0]
        if not self.impressions:
            return f"{self.name}: LinUCB has not chosen here yet."
        known = [choice for choice in self.choices if choice.is_known]
        if len(known) < 2 or not first.is_known:
            return f"{self.name}: {first.label} most often ({first.share:.0%}), too little data to say why."
        mean = sum(choice.rate for choice in known) / len(known)
        best = max(known, key=lambda choice: choice.rate)
        words = f"{self.name}: {first.label} most often ({first.share:.0%}); it is clicked {first.rate:.2%} of the time"
        words += f", an average prompt {mean:.2%}."
        if best.prompt_id != first.prompt_id and best.interval.low > first.interval.high:
            words += f" {best.label} would do better ({best.rate:.2%})."
        return words


@dataclass(frozen=True)
class PoolLearned:
    """One pool: its segments, and what other choices would have brought (None while there is too little to say)."""

    category_id: int
    name: str
    segments: list[Segment]
    served: dict[Any, Served]
    otherwise: Hindsight | None

    @property
    def clicks(self) -> int:
        return sum(day.clicks for day in self.served.values())

    @property
    def impressions(self) -> int:
        return sum(day.impressions for day in self.served.values())


@dataclass(frozen=True)
class Learned:
    """All pools of a merchant; the estimates are over the pools that have one."""

    segment: str
    pools: list[PoolLearned]

    @property
    def valued(self) -> list[PoolLearned]:
        return [pool for pool in self.pools if pool.otherwise]

    @property
    def clicks(self) -> int:
        return sum(pool.clicks for pool in self.valued)

    @property
    def random(self) -> Estimate:
        """Clicks that random prompts would have brought."""
        found = Estimate(0.0, 0.0)
        for pool in self.valued:
            assert pool.otherwise is not None
            found += total(pool.otherwise.random, pool.served)
        return found

    @property
    def best(self) -> Estimate:
        """Clicks that the best single prompt of each pool would have brought."""
        found = Estimate(0.0, 0.0)
        for pool in self.valued:
            assert pool.otherwise is not None
            found += total(pool.otherwise.best, pool.served, halves=2)
        return found

    @property
    def won(self) -> Interval:
        """Clicks won over random prompts, at the ends of the 95 % interval."""
        low, high = self._less(self.random)
        return Interval(low, high)

    @property
    def regret(self) -> Interval:
        """Clicks lost to the best single prompt of each pool (below 0: won over it)."""
        low, high = self._less(self.best)
        return Interval(-high, -low)

    def _less(self, other: Estimate) -> tuple[float, float]:
        # The luck of the clicks that did come (Poisson) is part of the difference.
        return Estimate(self.clicks - other.clicks, other.variance + self.clicks).interval()


def build(wanted: ReportFilter, segment: str = "device") -> Learned:
    """What was learned by ``segment`` (a key of SEGMENTS), pools with the most impressions first (3 queries)."""
    where, parameters = where_cells(wanted, "day")
    found = rows(_QUERY.format(segment=SEGMENTS[segment], where=where), parameters)
    by_pool: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for category, *row in found:
        by_pool[category].append(tuple(row))
    pools = labels("category", map(str, by_pool))
    versions = {row[1] for group in by_pool.values() for row in group}
    prompts = {
        row.pk: str(row) for row in PromptVersion.objects.filter(pk__in=versions).select_related("prompt")
    }
    segments = labels("placement", {row[0] for group in by_pool.values() for row in group})
    names = segments if segment == "placement" else {}
    learned = [
        _pool(category, pools.get(str(category), "a pool that is gone"), group, prompts, names)
        for category, group in by_pool.items()
    ]
    return Learned(segment, sorted(learned, key=lambda pool: (-pool.impressions, pool.name)))


def chart(learned: Learned) -> dict[str, Any]:
    """Clicks won over random prompts and over the best single prompt, added up day by day, for ``charts.js``."""
    days: list[date] = sorted({day for pool in learned.valued for day in pool.served})
    lines = {"against random prompts": "random", "against the best single prompt": "best"}
    series = []
    for label, name in lines.items():
        values, sofar = [], 0.0
        for day in days:
            for pool in learned.valued:
                if day in pool.served:
                    sofar += pool.served[day].clicks - getattr(pool.otherwise, name)[day].clicks
            values.append(round(sofar, 1))
        series.append({"label": label, "values": values})
    moments = [int(datetime.combine(day, time.min, UTC).timestamp()) for day in days]
    return {"x": moments, "format": "number", "series": series}


def headline(learned: Learned) -> str:
    """What the bandit brought, in words no stronger than the data."""
    if not learned.pools:
        return "No generated picture was shown in this period, so there was nothing to choose."
    if not learned.valued:
        return "Two days with every prompt are needed before one can say what the choices brought."
    low, high = learned.won
    random, best = learned.random.clicks, learned.best.clicks
    words = f"LinUCB's shoppers clicked {learned.clicks:,} times; random prompts would have brought about {random:,.0f}"
    verdict = "more" if low > 0 else "fewer" if high < 0 else ""
    words += (
        f": {abs(learned.clicks - random):,.0f} {verdict} (95 % interval {low:+,.0f} to {high:+,.0f})."
        if verdict
        else f", which is no clear difference ({low:+,.0f} to {high:+,.0f})."
    )
    worse, better = learned.regret
    words += f" Always showing the one best prompt of each pool would have brought about {best:,.0f}"
    if worse > 0:
        return words + f": LinUCB still pays {best - learned.clicks:,.0f} clicks for learning."
    if better < 0:
        return words + ": choosing by shopper beats any single prompt."
    return words + ", which is no clear difference."


def records(learned: Learned) -> list[dict[str, Any]]:
    """Flat records for CSV and JSON: a prompt of a segment of a pool each."""
    return [
        {
            "pool": pool.name,
            learned.segment: segment.name,
            "prompt": choice.label,
            "share": choice.share,
            "ctr": None if choice.rate != choice.rate else choice.rate,
            "ctr_low": max(0.0, choice.interval.low) if choice.is_known else None,
            "ctr_high": min(1.0, choice.interval.high) if choice.is_known else None,
            "effective_impressions": choice.effective,
        }
        for pool in learned.pools
        for segment in pool.segments
        for choice in segment.choices
    ]


def summary(learned: Learned) -> dict[str, Any]:
    """The estimates for JSON."""
    if not learned.valued:
        return {"clicks": None, "random": None, "best_single_prompt": None, "won": None, "regret": None}
    return {
        "clicks": learned.clicks,
        "random": learned.random.clicks,
        "best_single_prompt": learned.best.clicks,
        "won": list(learned.won),
        "regret": list(learned.regret),
    }


def _pool(
    category_id: int, name: str, found: list[tuple[Any, ...]], prompts: dict[int, str], names: dict[str, str]
) -> PoolLearned:
    by_day: dict[int, dict[Any, Weighted]] = defaultdict(dict)
    by_segment: dict[str, dict[int, Weighted]] = defaultdict(dict)
    chosen: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    served: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for segment, prompt, kind, day, *sums in found:
        one = Weighted(*sums)
        by_day[prompt][day] = by_day[prompt].get(day, Weighted()).plus(one)
        by_segment[segment][prompt] = by_segment[segment].get(prompt, Weighted()).plus(one)
        if kind == ArmKind.PERSONALISED:
            chosen[segment][prompt] += one.impressions
            served[day][0] += one.impressions
            served[day][1] += one.clicks
    segments = [
        _segment(names.get(key, key), weighted, chosen[key], prompts) for key, weighted in by_segment.items()
    ]
    days = {day: Served(*sums) for day, sums in served.items()}
    return PoolLearned(
        category_id,
        name,
        sorted(segments, key=lambda segment: (-segment.impressions, segment.name)),
        days,
        hindsight(by_day, days) if days else None,
    )


def _segment(
    name: str, weighted: dict[int, Weighted], chosen: dict[int, int], prompts: dict[int, str]
) -> Segment:
    impressions = sum(chosen.values())
    choices = []
    for prompt, sums in weighted.items():
        rate = sums.rate()
        share = chosen.get(prompt, 0) / impressions if impressions else 0.0
        label = prompts.get(prompt, f"prompt {prompt}")
        choices.append(Choice(prompt, label, share, rate.value, rate.interval(), sums.effective))
    return Segment(name, impressions, sorted(choices, key=lambda choice: (-choice.share, choice.label)))
