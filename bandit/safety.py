"""The safety cap: a prompt that does harm is paused by itself, and people are told.

A prompt is compared with the pool's other prompts, and with the original photo where an experiment or the holdout shows
it, *in the contexts in which it was shown*: what those would have earned there is estimated by one ridge regression over
all of their impressions. So a prompt that is shown to shoppers who seldom click is not blamed for them. The bound is valid
at every look (Johari et al. 2017), because the learner looks all the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from django.db import IntegrityError, transaction

from bandit.linucb import LinearPolicy
from bandit.models import PausedPrompt, Policy, PolicyAction, PoolControl
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


class Sums(NamedTuple):
    """What impressions left behind: Σ x xᵀ (d, d), Σ r x (d,), and how many they are worth."""

    gram: np.ndarray
    sums: np.ndarray
    worth: float


@dataclass(frozen=True)
class Harm:
    """A prompt that earns less. Click rates: observed, at most possible, and expected there of what it is ``beside``."""

    arm: int
    impressions: int
    observed: float
    upper: float
    expected: float
    beside: str


def harmful(model: LinearPolicy, arms: Sequence[int]) -> list[Harm]:
    """Those of ``arms`` (one pool's, not paused) that surely do worse than the others, the worst first.

    The confidence is shared between the arms (Bonferroni).
    """
    known = _known(model, arms)
    if len(known) < 2:
        return []
    all_grams = sum((own.gram for own in known.values()), np.zeros(()))
    all_sums = sum((own.sums for own in known.values()), np.zeros(()))
    all_worth = sum(own.worth for own in known.values())
    found = []
    for arm, own in known.items():
        rest = Sums(all_grams - own.gram, all_sums - own.sums, all_worth - own.worth)
        found.append(_harm(arm, own, rest, model.ridge, len(known)))
    return _worst(found)


def worse_than(original: Sums, model: LinearPolicy, arms: Sequence[int]) -> list[Harm]:
    """Those of ``arms`` that surely do worse than the original photo would have in their place, the worst first.

    ``original`` are the sums of impressions that showed it, in the encoding of ``model``.
    """
    known = _known(model, arms)
    beside = PausedPrompt.Beside.ORIGINAL
    return _worst([_harm(arm, own, original, model.ridge, len(known), beside) for arm, own in known.items()])


@transaction.atomic
def pause_harmful(
    merchant_id: int, category_id: int, model: LinearPolicy, original: Sums | None = None
) -> list[Harm]:
    """Pause the pool's harmful prompts, unless people have switched that off or have resumed one before; what was paused.

    They are compared with each other, or with the ``original`` where that is given. One prompt is always left: the
    pool's policies are locked from the count to the pause. Doing it twice changes nothing.
    """
    control = PoolControl.objects.filter(merchant_id=merchant_id, category_id=category_id).first()
    if control is not None and not control.pauses_harmful:
        return []
    own = Policy.objects.filter(merchant_id=merchant_id, category_id=category_id).order_by("pk")
    list(own.select_for_update(of=("self",)))
    pool = list(in_use().filter(prompt__category=category_id).order_by("pk").values_list("pk", flat=True))
    rows = PausedPrompt.objects.filter(merchant_id=merchant_id, prompt_version__in=pool)
    paused = set(rows.filter(resumed_at__isnull=True).values_list("prompt_version_id", flat=True))
    spared = set(rows.filter(resumed_by__isnull=False).values_list("prompt_version_id", flat=True))
    served = [arm for arm in pool if arm not in paused]
    found = harmful(model, served) if original is None else worse_than(original, model, served)
    wanted = [harm for harm in found if harm.arm not in spared][: len(served) - 1]
    return [harm for harm in wanted if _pause(merchant_id, category_id, harm)]


def _known(model: LinearPolicy, arms: Sequence[int]) -> dict[int, Sums]:
    return {arm: Sums(*model.learned(arm)) for arm in arms if arm in model.counts}


def _worst(found: Sequence[Harm | None]) -> list[Harm]:
    return sorted([harm for harm in found if harm], key=lambda harm: harm.upper - harm.expected)


def _harm(arm: int, own: Sums, rest: Sums, ridge: float, looks: int, beside: str = "others") -> Harm | None:
    if own.worth < LEAST or rest.worth < LEAST:
        return None
    # The last entry of every context is 1/√2, so the last column of Σ x xᵀ is Σ x / √2, and that of Σ r x is Σ r / √2.
    average, observed = own.gram[:, -1] * _ROOT2 / own.worth, float(own.sums[-1]) * _ROOT2 / own.worth
    inverse = np.linalg.inv(ridge * np.eye(len(average)) + rest.gram)
    expected = float(average @ inverse @ rest.sums)
    rate = float(rest.sums[-1]) * _ROOT2 / rest.worth
    noise = (rate + 1.0 / (rest.worth + 1.0)) * (1.0 - rate)
    own_rate = Rate(observed, max(noise, observed * (1.0 - observed)) / own.worth)
    rest_rate = Rate(expected, max(0.0, noise * float(average @ inverse @ average)))
    confidence = 1.0 - (1.0 - CONFIDENCE) / looks
    interval = always_valid_interval(own_rate, rest_rate, max(_TAU * rate, 1e-4), confidence)
    upper = expected + interval.high
    if expected <= 0.0 or upper >= expected * (1.0 - MARGIN):
        return None
    return Harm(arm, round(own.worth), observed, max(0.0, upper), expected, beside)


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
                beside=harm.beside,
            )
            PolicyAction.objects.create(
                merchant_id=merchant_id,
                category_id=category_id,
                what=f"Paused {row.prompt_version}: {harm.observed:.2%} of {harm.impressions:,} impressions were "
                f"clicked, at most {harm.upper:.2%}; {row.get_beside_display()} would have had {harm.expected:.2%} there.",
            )
    except IntegrityError:  # somebody was quicker
        return False
    return True
