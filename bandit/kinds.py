"""The kinds of policy that can be served, how one is made, and how it meets new prompts."""

from __future__ import annotations

from collections.abc import Iterable

from bandit.arms import Arm
from bandit.features import encoding
from bandit.linucb import HybridLinUCB, LinearPolicy, LinTS, LinUCB
from bandit.models import Policy, PolicyKind
from bandit.priors import Prior

CLASSES: dict[str, type[LinearPolicy]] = {
    PolicyKind.LINUCB.value: LinUCB,
    PolicyKind.HYBRID.value: HybridLinUCB,
    PolicyKind.TS.value: LinTS,
}
PRIOR_STRENGTH = 100.0
"""How many impressions a new prompt's prior is worth: enough to start from, little enough to be overruled in a day."""


def blank(policy: Policy) -> LinearPolicy:
    """A policy of this lineage that knows nothing. Half-lives and times are in seconds."""
    half_life = None if policy.half_life_hours is None else policy.half_life_hours * 3600.0
    n_features = encoding(policy.encoding_version).n_features
    return CLASSES[policy.kind](n_features, ridge=policy.ridge, half_life=half_life)


def introduce(model: LinearPolicy, arms: Iterable[Arm], parent: Prior | None = None) -> None:
    """Add those of ``arms`` that ``model`` does not know, with what its other arms suggest; else with ``parent``."""
    known = model.counts
    strangers = [arm for arm in dict.fromkeys(arms) if arm not in known]
    if strangers:
        prior = model.prior(strength=PRIOR_STRENGTH)
        if not prior.strength:
            prior = parent or prior
        for arm in strangers:
            model.add_arm(arm, prior=prior)
    for arm in arms:
        model.add_arm(arm)  # one that was retired comes back
