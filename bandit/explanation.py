"""Why an arm was chosen in a context, in the policy's own numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bandit.arms import Arm


class ArmExplanation(NamedTuple):
    """One arm's part in a decision.

    `mean` is the estimated reward and the sum of `contributions` (d,), weight times value of each feature;
    `deviations` (d,) are the contributions' standard deviations in units of the reward's noise. `bonus` is α times the
    standard deviation of the mean, and `probability` that of being chosen. `learned` counts the arm's rewards, `prior` is
    how many it was given to start with.
    """

    arm: Arm
    mean: float
    bonus: float
    probability: float
    contributions: np.ndarray
    deviations: np.ndarray
    learned: int
    prior: float

    @property
    def score(self) -> float:
        """The upper confidence bound."""
        return self.mean + self.bonus
