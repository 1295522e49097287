"""Do the intervals hold what they promise? Made-up experiments with a known gain, analysed by the code of the reports.

Shoppers come on different days, stay for different lengths of time and differ in taste, so that the impressions of each are
alike, as those of real ones are: testing by impression would raise too many alarms here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bandit.experiment_analysis import Analysis, ArmSums, Plan, analyse, compare, fixed
from bandit.grouped import Groups
from bandit.grouped import compare as compare_groups
from bandit.models import DailyGroup

ARMS = ("control", "treatment")
START = date(2026, 1, 1)


@dataclass(frozen=True)
class Setting:
    """An experiment: ``users`` in all, over ``days``; a control's ``rate`` and the treatment's relative ``gain``."""

    users: int = 6000
    days: int = 30
    rate: float = 0.05
    gain: float = 0.2
    share: float = 50.0

    @property
    def plan(self) -> Plan:
        """As somebody would have planned it who hopes for a fifth more."""
        return Plan("control", {"control": 100.0 - self.share, "treatment": self.share}, self.rate, 0.2)


@dataclass(frozen=True)
class Run:
    """Impressions and clicks by user and day, both int (users, days), and who is in the treatment, bool (users,)."""

    impressions: np.ndarray
    clicks: np.ndarray
    is_treated: np.ndarray


def simulate(setting: Setting, rng: np.random.Generator) -> Run:
    """One experiment."""
    shape = (setting.users, setting.days)
    arrival = rng.integers(0, setting.days, setting.users)
    leaves = arrival + rng.geometric(0.15, setting.users)
    day = np.arange(setting.days)
    is_here = (day >= arrival[:, None]) & (day < leaves[:, None])
    impressions = rng.poisson(rng.gamma(2.0, 1.0, setting.users)[:, None], shape) * is_here
    taste = rng.beta(1.5, 1.5 / setting.rate - 1.5, setting.users)
    is_treated = rng.random(setting.users) < setting.share / 100.0
    chance = np.minimum(1.0, taste * np.where(is_treated, 1.0 + setting.gain, 1.0))
    return Run(impressions, rng.binomial(impressions, chance[:, None]), is_treated)


def growth(run: Run) -> dict[str, list[ArmSums]]:
    """What each day added to the sums of each arm, as the roll-ups have it."""
    found = {}
    for arm, mine in zip(ARMS, (~run.is_treated, run.is_treated), strict=True):
        n, c = run.impressions[mine].cumsum(axis=1), run.clicks[mine].cumsum(axis=1)
        sums = {"users": (n > 0).sum(0), "n": n.sum(0), "c": c.sum(0)}
        sums |= {"nn": (n * n).sum(0), "nc": (n * c).sum(0), "cc": (c * c).sum(0)}
        by_day = {name: np.diff(column, prepend=0) for name, column in sums.items()}
        found[arm] = [
            ArmSums(**{name: int(column[day]) for name, column in by_day.items()})
            for day in range(n.shape[1])
        ]
    return found


def final(setting: Setting, run: Run) -> Analysis:
    """The planned analysis."""
    days = [START + timedelta(days=day) for day in range(setting.days)]
    return analyse(setting.plan, days, growth(run), days[-1])


def daily(setting: Setting, run: Run) -> list[Analysis]:
    """What somebody sees who looks every day."""
    sums = {arm: ArmSums() for arm in ARMS}
    added, looks = growth(run), []
    for day in range(setting.days):
        sums = {arm: sums[arm].plus(added[arm][day]) for arm in ARMS}
        looks.append(compare(setting.plan, START + timedelta(days=day), dict(sums), is_final=False))
    return looks


@dataclass(frozen=True)
class Coverage:
    """Shares of runs.

    ``reached``: the plan was fulfilled in time, and ``planned``: of those, the planned interval covers the truth;
    ``always``: the always-valid one does so on every day; ``report``: the report's interval from groups of users covers it;
    ``alarms``: some day's look calls a difference; ``plain_alarms``: a plain test looked at daily would have.
    """

    runs: int
    reached: float
    planned: float
    always: float
    report: float
    alarms: float
    plain_alarms: float


def measure(setting: Setting, runs: int, seed: int = 0) -> Coverage:
    """Over ``runs`` experiments with seeds ``seed``, ``seed`` + 1, …"""
    counts = np.zeros(6)
    for number in range(runs):
        run = simulate(setting, np.random.default_rng(seed + number))
        counts += _outcome(setting, run)
    reached, planned, *others = counts.tolist()
    return Coverage(runs, reached / runs, planned / max(1.0, reached), *(count / runs for count in others))


def _outcome(setting: Setting, run: Run) -> np.ndarray:
    truth = setting.gain
    at_end, looks = final(setting, run), daily(setting, run)
    rows = [look.comparisons[0] for look in looks if look.comparisons]
    (planned,) = at_end.comparisons
    sums = [look.sums for look in looks if look.comparisons]
    plain = [fixed(setting.plan, both["treatment"].rate(), both["control"].rate())[2] < 0.05 for both in sums]
    return np.array(
        [
            at_end.is_final,
            at_end.is_final and planned.interval.low <= truth <= planned.interval.high,
            all(row.interval.low <= truth <= row.interval.high for row in rows),
            _report_covers(run, truth),
            any(row.verdict != "unclear" for row in rows),
            any(plain),
        ],
        dtype=float,
    )


def _report_covers(run: Run, truth: float) -> bool:
    n, c = run.impressions.sum(axis=1), run.clicks.sum(axis=1)
    group = np.arange(len(n)) % DailyGroup.GROUPS  # users are exchangeable, so any order is a random one
    groups = []
    for mine in (run.is_treated, ~run.is_treated):
        sums = [np.bincount(group[mine], x[mine], minlength=DailyGroup.GROUPS).astype(float) for x in (c, n)]
        groups.append(Groups(*sums))
    totals = [(int(one.clicks.sum()), int(one.impressions.sum())) for one in groups]
    found = compare_groups(totals[0], totals[1], (groups[0], groups[1]))
    return found is not None and found.interval.low <= truth <= found.interval.high
