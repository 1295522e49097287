"""How sure a rate is when impressions of one user are alike: the spread between random groups of users.

Users fall into G groups by a hash. The groups' sums are independent and alike, so the delta method holds with groups in the
place of users (Deng et al. 2018, section 3.1), and unlike sums by user they add up over hours, days and prompts. G = 64
groups tell a variance to within 18 %, and Student's t with G - 1 degrees of freedom allows for that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from bandit.statistics import Interval, wilson

MIN_GROUPS = 16
"""Fewer groups with impressions than this say too little about the spread."""


class Groups(NamedTuple):
    """Clicks and impressions by group of users, both float64 (G,); the same users in the same place of every ``Groups``."""

    clicks: np.ndarray
    impressions: np.ndarray


class Compared(NamedTuple):
    """A relative gain (0.12 is 12 % more), its interval and the two-sided p-value of no gain."""

    gain: float
    interval: Interval
    p_value: float

    @property
    def verdict(self) -> str:
        """What the interval allows one to say: "better", "worse" or "unclear"."""
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "unclear"


def design_effect(groups: Groups) -> float:
    """By how much users inflate the variance of the click rate over that of independent impressions; at least 1.

    1 too when there are too few groups or clicks to tell.
    """
    clicks, impressions, used = _totals(groups)
    if used < MIN_GROUPS or not 0 < clicks < impressions:
        return 1.0
    return max(1.0, _variance(_influence(groups), used) / (1.0 / clicks - 1.0 / impressions))


def rate_interval(clicks: float, impressions: float, effect: float, confidence: float = 0.95) -> Interval:
    """Wilson's interval of a click rate, with as many independent impressions as these are worth (Kish 1965)."""
    return wilson(clicks / effect, impressions / effect, confidence)


def compare(
    treatment: tuple[int, int],
    control: tuple[int, int],
    groups: tuple[Groups, Groups],
    confidence: float = 0.95,
) -> Compared | None:
    """The gain of one (clicks, impressions) over another; None where the groups say too little.

    The interval is symmetric on the log scale. ``groups`` may be those of a larger period or selection that the counts are
    part of: only their design effect is used. Users in both count as the pairs that they are.
    """
    counts = (*treatment, *control)
    used = int(((groups[0].impressions + groups[1].impressions) > 0).sum())
    if used < MIN_GROUPS or not all(counts) or not all(group.clicks.any() for group in groups):
        return None
    log_gain = math.log(treatment[0] / treatment[1]) - math.log(control[0] / control[1])
    difference = _influence(groups[0]) - _influence(groups[1])
    effect = _variance(difference, used) / sum(map(_naive, groups))
    error = math.sqrt(effect * sum(1.0 / c - 1.0 / n for c, n in (treatment, control)))
    if not error > 0.0:
        return None
    freedom = used - 1
    half = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * error
    p_value = 2.0 * float(stdtr(freedom, -abs(log_gain) / error))
    return Compared(
        math.expm1(log_gain), Interval(math.expm1(log_gain - half), math.expm1(log_gain + half)), p_value
    )


def _influence(groups: Groups) -> np.ndarray:
    """What each group adds to the logarithm of the rate: x / Σx - n / Σn."""
    return groups.clicks / groups.clicks.sum() - groups.impressions / groups.impressions.sum()


def _variance(influence: np.ndarray, used: int) -> float:
    return used / (used - 1.0) * float(influence @ influence)


def _naive(groups: Groups) -> float:
    """Variance of the logarithm of the rate if impressions were independent."""
    return float(1.0 / groups.clicks.sum() - 1.0 / groups.impressions.sum())


def _totals(groups: Groups) -> tuple[float, float, int]:
    return (
        float(groups.clicks.sum()),
        float(groups.impressions.sum()),
        int((groups.impressions > 0).sum()),
    )
