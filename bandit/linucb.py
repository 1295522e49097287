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

from collections.abc import Mapping
from typing import Any

from bandit.arms import Arm, UnknownArmError
from bandit.disjoint import DisjointLinear
from bandit.hybrid import HybridLinUCB
from bandit.linear import Choice, LinearPolicy
from bandit.priors import Prior
from bandit.thompson import LinTS

__all__ = [
    "Arm",
    "Choice",
    "HybridLinUCB",
    "LinTS",
    "LinUCB",
    "LinearPolicy",
    "Prior",
    "UnknownArmError",
    "load",
]


class LinUCB(DisjointLinear):
    """Chooses argmax over arms of θ_aᵀx + α √(xᵀ A_a⁻¹ x), ties broken evenly at random (equation 5)."""


_KINDS: dict[str, type[LinearPolicy]] = {kind.__name__: kind for kind in (LinUCB, HybridLinUCB, LinTS)}


def load(state: Mapping[str, Any], **changes: Any) -> LinearPolicy:
    """The policy of a state, whichever kind it is, with `changes` to its parameters (`alpha=0.5`). Raises ValueError."""
    kind = _KINDS.get(state.get("policy", ""))
    if kind is None:
        raise ValueError(f"the state is of {state.get('policy')!r}, not of one of {', '.join(_KINDS)}")
    return kind.from_state({**state, **changes})
