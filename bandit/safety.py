"""The safety cap: a prompt that does harm is paused by itself, and people are told.

A prompt is compared with the pool's other prompts *in the contexts in which it was shown*: what those would have earned
there is estimated by one ridge regression over all of their impressions. So a prompt that is shown to shoppers who seldom
click is not blamed for them. The bound is valid at every look (Johari et al. 2017), because the learner looks all the
time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import IntegrityError, transaction

from bandit.linucb import LinearPolicy
from bandit.models import PausedPrompt, PolicyAction, PoolControl
from bandit.sequential import always_valid_interval
from bandit.statistics import Rate
from creatives.selectors.prompts import in_use

LEAST = 200
"""Impressions below which nothing is said of a prompt, nor of all others together."""
MARGIN = 0.1
"""A prompt does harm when it surely earns this share less than the others would have."""
CONFIDENCE = 0.95
_TAU = 0.2
_ROOT2 = math.sqrt(2.0)


@dataclass(frozen=True)
class Harm:
    """A prompt that earns less: click rates observed, at most possible, and expected of the others in its place."""

    arm: int
    impressions: int
    observed: float
    upper: float
    expected: float


def harmful(model: LinearPolicy, arms: Sequence[int]) -> list[Harm]:
    """Those of ``arms`` (one pool's, not paused) that surely do worse than the others, the worst first.

    The confidence is shared between the arms (Bonferroni).
    """
    known = [arm for arm in arms if arm in model.counts]
    found = [harm for arm in known if (harm := _harm(model, arm, [o for o in known if o != arm], len(known)))]
    return sorted(found, key=lambda harm: harm.upper - harm.expected)


def pause_harmful(merchant_id: int, category_id: int, model: LinearPolicy) -> list[Harm]:
    """Pause the pool's harmful prompts, unless people have switched that off or have resumed one before; what was paused.

    One prompt is always left. In a transaction of its own; doing it twice changes nothing.
    """
    control = PoolControl.objects.filter(merchant_id=merchant_id, category_id=category_id).first()
    if control is not None and not control.pauses_harmful:
        return []
    pool = list(in_use().filter(prompt__category=category_id).order_by("pk").values_list("pk", flat=True))
    rows = PausedPrompt.objects.filter(merchant_id=merchant_id, prompt_version__in=pool)
    paused = set(rows.filter(resumed_at__isnull=True).values_list("prompt_version_id", flat=True))
    spared = set(rows.filter(resumed_by__isnull=False).values_list("prompt_version_id", flat=True))
    served = [arm for arm in pool if arm not in paused]
    wanted = [harm for harm in harmful(model, served) if harm.arm not in spared][: len(served) - 1]
    return [harm for harm in wanted if _pause(merchant_id, category_id, harm)]


def _harm(model: LinearPolicy, arm: int, others: Collection[int], looks: int) -> Harm | None:
    gram, sums, worth = model.learned(arm)
    rest = [model.learned(other) for other in others]
    other_worth = sum(weight for _, _, weight in rest)
    if worth < LEAST or other_worth < LEAST:
        return None
    # The last entry of every context is 1/√2, so the last column of Σ x xᵀ is Σ x / √2, and that of Σ r x is Σ r / √2.
    average, observed = gram[:, -1] * _ROOT2 / worth, float(sums[-1]) * _ROOT2 / worth
    rest_gram = model.ridge * np.eye(model.n_features) + sum(other for other, _, _ in rest)
    inverse = np.linalg.inv(rest_gram)
    expected = float(average @ inverse @ sum(other for _, other, _ in rest))
    rate = sum(float(other[-1]) for _, other, _ in rest) * _ROOT2 / other_worth
    noise = (rate + 1.0 / (other_worth + 1.0)) * (1.0 - rate)
    own = Rate(observed, max(noise, observed * (1.0 - observed)) / worth)
    others_rate = Rate(expected, max(0.0, noise * float(average @ inverse @ average)))
    interval = always_valid_interval(
        own, others_rate, max(_TAU * rate, 1e-4), 1.0 - (1.0 - CONFIDENCE) / looks
    )
    upper = expected + interval.high
    if expected <= 0.0 or upper >= expected * (1.0 - MARGIN):
        return None
    return Harm(arm, round(worth), observed, max(0.0, upper), expected)


def _pause(merchant_id: int, category_id: int, harm: Harm) -> bool:
    try:
        with transaction.atomic():
            row = PausedPrompt.objects.create(
                merchant_id=merchant_id,
                category_id=category_id,
                prompt_version_id=harm.arm,
                impressions=harm.impressions,
                observed=harm.observed,
                upper=harm.upper,
                expected=harm.expected,
            )
            PolicyAction.objects.create(
                merchant_id=merchant_id,
                category_id=category_id,
                what=f"Paused {row.prompt_version}: {harm.observed:.2%} of {harm.impressions:,} impressions were "
                f"clicked, at most {harm.upper:.2%}; the other prompts would have had {harm.expected:.2%} there.",
            )
    except IntegrityError:  # somebody was quicker
        return False
    return True
