"""Why a prompt was chosen for somebody: what each of their features speaks for, in click rates and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.beliefs import Z95, Weight, click_noise
from bandit.features import Encoding, Features, Part
from bandit.linucb import LinearPolicy


@dataclass(frozen=True)
class ArmReasons:
    """One prompt's part in a decision.

    ``rate`` is the expected click rate and the sum of the ``reasons``, ``margin`` half its 95 % interval; ``bonus`` is what
    the policy adds for not knowing better, and ``probability`` that of being chosen, the uniform share included. ``learned``
    counts impressions; ``prior`` is how many it was given to start with.
    """

    arm: int
    rate: float
    margin: float
    bonus: float
    probability: float
    learned: int
    prior: float
    reasons: list[Weight]

    @property
    def score(self) -> float:
        return self.rate + self.bonus


@dataclass(frozen=True)
class Why:
    """The prompts of a decision, the one with the highest score first, and what puts it ahead of the second.

    ``ahead`` are differences of the two prompts' reasons, the strongest first; empty for a single prompt.
    """

    arms: list[ArmReasons]
    ahead: list[Weight]


def why(
    model: LinearPolicy,
    encoding: Encoding,
    clicks: int,
    user: Features | None,
    item: Features | None,
    placement: Features | None,
    arms: Sequence[int],
    *,
    epsilon: float = 0.0,
) -> Why:
    """Explains the choice among ``arms``, which ``model`` knows, for a shopper, an item and a placement.

    ``clicks`` are the rewards in ``model`` and ``epsilon`` the share of uniform exploration. Intervals are as in
    ``bandit.beliefs``. Raises FeatureError as encoding does, UnknownArmError for an arm that is not active.
    """
    parts = encoding.parts(user, item, placement)
    vectors = np.array([part.vector for part in parts])
    explained = model.explain(vectors.sum(axis=0), arms)
    values, deviations = model.estimates(vectors, arms)
    margins = Z95 * click_noise(model, clicks) * deviations
    _, whole = model.estimates(vectors.sum(axis=0)[np.newaxis], arms)
    words = [_words(part) for part in parts]
    found = []
    for place, entry in enumerate(explained):
        reasons = _ordered(words, values[:, place], margins[:, place])
        margin = Z95 * click_noise(model, clicks) * float(whole[0, place])
        chance = epsilon / len(explained) + (1.0 - epsilon) * entry.probability
        facts = (entry.bonus, chance, entry.learned, entry.prior)
        found.append(ArmReasons(int(entry.arm), entry.mean, margin, *facts, reasons))
    order = sorted(range(len(found)), key=lambda place: -found[place].score)
    ahead = []
    if len(order) > 1:
        first, second = order[:2]
        apart = np.hypot(margins[:, first], margins[:, second])
        ahead = _ordered(words, values[:, first] - values[:, second], apart)
    return Why([found[place] for place in order], ahead)


def _words(part: Part) -> str:
    if part.name is None:
        return "everyone"
    value = "unknown" if part.value is None else part.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{part.source} {part.name}: {shown}"


def _ordered(words: Sequence[str], values: np.ndarray, margins: np.ndarray) -> list[Weight]:
    """Weights that are not zero, the largest first."""
    found = [
        Weight(word, value, margin)
        for word, value, margin in zip(words, values.tolist(), margins.tolist(), strict=True)
        if value
    ]
    return sorted(found, key=lambda weight: -abs(weight.value))
