"""Exponential forgetting: how much a reward still counts, by its age.

A reward at time t weighs 2^((t − now) / half-life) (weighted linear bandits: Russac, Vernade and Cappé,
NeurIPS 2019). Only rewards fade: the ridge stays, so a matrix never falls below λI. What remains is a
function of the rewards and their times alone; neither their order nor the batches they came in matter.
"""

from __future__ import annotations

import math

import numpy as np

# Sums are brought forward in steps of half_life / 64 (1.1 %): a new reward may weigh up to 2^(1/64) within a step.
STEPS = 64


class Discount:
    """The clock that a policy's sums are discounted to; it only moves forward.

    `half_life` > 0 is in the unit of the times, whatever that is: seconds, or impressions.
    """

    def __init__(self, half_life: float, clock: float | None = None) -> None:
        if not (math.isfinite(half_life) and half_life > 0):
            raise ValueError(f"half_life must be finite and above 0, not {half_life!r}")
        if clock is not None and not math.isfinite(clock):
            raise ValueError(f"clock must be finite, not {clock!r}")
        self.half_life = float(half_life)
        self.clock = clock

    def reach(self, time: float) -> float:
        """Moves the clock up to the last step at or before `time`; returns what older weights are multiplied by."""
        target = self._step_before(time)
        if self.clock is None:
            self.clock = target
        if target <= self.clock:
            return 1.0
        factor = self.factor(self.clock, target)
        self.clock = target
        return factor

    def _step_before(self, time: float) -> float:
        """The largest multiple of a step that is not after `time`, such that a step's own time gives that step."""
        step = self.half_life / STEPS
        number = math.floor(time / step)
        number += (number + 1) * step <= time
        number -= number * step > time
        return number * step

    def factor(self, earlier: float, later: float) -> float:
        """How much of a weight at `earlier` is left at `later`."""
        return math.pow(2.0, (earlier - later) / self.half_life)

    def weights(self, times: np.ndarray) -> np.ndarray:
        """Weights at the clock of rewards at `times` (n,), in (0, 2^(1/64)]; `reach` comes first."""
        assert self.clock is not None
        return np.exp2((times - self.clock) / self.half_life)
