"""LinUCB with disjoint linear models: algorithm 1 of Li, Chu, Langford and Schapire,
"A Contextual-Bandit Approach to Personalized News Article Recommendation", WWW 2010.

    policy = LinUCB(n_features=32, alpha=1.0)
    policy.add_arm("a")
    policy.add_arm("b")
    choice = policy.select(x)
    policy.update(x, choice.arm, reward)

`HybridLinUCB` (algorithm 2) and `LinTS` (Thompson sampling) have the same methods.
"""

from __future__ import annotations

from bandit.arms import Arm, UnknownArmError
from bandit.disjoint import DisjointLinear
from bandit.hybrid import HybridLinUCB
from bandit.linear import Choice, LinearPolicy
from bandit.priors import Prior
from bandit.thompson import LinTS

__all__ = ["Arm", "Choice", "HybridLinUCB", "LinTS", "LinUCB", "LinearPolicy", "Prior", "UnknownArmError"]


class LinUCB(DisjointLinear):
    """Chooses argmax over arms of θ_aᵀx + α √(xᵀ A_a⁻¹ x), ties broken evenly at random (equation 5)."""
