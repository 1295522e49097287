"""What the shoppers of a simulation really like: the truth that the bandit has to find out. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Feature = str | int | float | bool


class TruthError(ValueError):
    """A truth file that cannot be used; the message names the file's field, the value and the limit."""


@dataclass(frozen=True)
class Segment:
    """A kind of shopper. ``share`` is relative; ``prompts`` maps a prompt id to the factor on its click rate.

    A prompt that is not named gets ``favourite`` if it is the segment's own (the one at the segment's place in the pool,
    cyclically), else ``other``.
    """

    name: str
    share: float
    features: Mapping[str, Feature]
    prompts: Mapping[int, float] = field(default_factory=dict)
    favourite: float = 1.6
    other: float = 0.85


@dataclass(frozen=True)
class Truth:
    """Click rates: ``base_rate`` for the original picture, times a factor for what is shown instead."""

    base_rate: float
    segments: tuple[Segment, ...]
    positioned: float = 1.05
    generated: float = 1.15

    def rate(self, segment: Segment, variant: str, prompt_id: int | None, pool: Sequence[int]) -> float:
        """Probability in [0, 1] that a shopper of ``segment`` clicks; ``pool`` are the ids of the pool's prompts, sorted."""
        if variant == "original":
            return self.base_rate
        if variant == "positioned" or prompt_id is None:
            return min(1.0, self.base_rate * self.positioned)
        return min(1.0, self.base_rate * self.generated * self._factor(segment, prompt_id, pool))

    def oracle_gain(self, pool: Sequence[int]) -> float:
        """Relative gain of always showing the best prompt over a random one, over all segments."""
        total = sum(segment.share for segment in self.segments)
        rates = [
            [self.rate(segment, "generated", prompt, pool) for prompt in pool] for segment in self.segments
        ]
        weights = [segment.share / total for segment in self.segments]
        best = sum(weight * max(row) for weight, row in zip(weights, rates, strict=True))
        mean = sum(weight * sum(row) / len(row) for weight, row in zip(weights, rates, strict=True))
        return best / mean - 1.0

    def _factor(self, segment: Segment, prompt_id: int, pool: Sequence[int]) -> float:
        if prompt_id in segment.prompts:
            return segment.prompts[prompt_id]
        place = self.segments.index(segment) % max(1, len(pool))
        is_favourite = place < len(pool) and pool[place] == prompt_id
        return segment.favourite if is_favourite else segment.other


@dataclass(frozen=True)
class Shopper:
    """One person: the features that the recommender knows, and the segment that it does not."""

    id: str
    segment: Segment
    features: dict[str, Feature]


DEFAULT = Truth(
    base_rate=0.06,
    segments=(
        Segment("commuters", 0.45, {"device": "mobile", "age": 27, "member": False}),
        Segment("home office", 0.35, {"device": "desktop", "age": 41, "member": True}),
        Segment("evening", 0.20, {"device": "tablet", "age": 55, "member": True}),
    ),
)


def shoppers(truth: Truth, count: int, rng: random.Random, prefix: str) -> list[Shopper]:
    """``count`` shoppers, segments by their shares; ages vary by up to six years around the segment's."""
    chosen = rng.choices(truth.segments, weights=[segment.share for segment in truth.segments], k=count)
    found = []
    for number, segment in enumerate(chosen):
        features = dict(segment.features)
        age = features.get("age")
        if isinstance(age, int) and not isinstance(age, bool):
            features["age"] = age + rng.randint(-6, 6)
        found.append(Shopper(f"{prefix}-{number}", segment, features))
    return found


def load(path: Path) -> Truth:
    """Read a truth from JSON: ``{"base_rate", "positioned"?, "generated"?, "segments": [{"name", "share", "features",
    "prompts"?, "favourite"?, "other"?}]}``; prompt ids are the keys of ``prompts``.

    Raises TruthError naming the field for anything else, OSError when the file cannot be read.
    """
    try:
        data = json.loads(path.read_text())
    except ValueError as error:
        raise TruthError(f"{path}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise TruthError(f"{path}: an object is expected")
    segments = data.get("segments")
    if not isinstance(segments, list) or not segments:
        raise TruthError(f"{path}: segments: a list of at least one is expected, not {segments!r:.60}")
    return Truth(
        _number(path, data, "base_rate", 0.0, 1.0),
        tuple(_segment(path, index, entry) for index, entry in enumerate(segments)),
        _number(path, data, "positioned", 0.0, 100.0, 1.05),
        _number(path, data, "generated", 0.0, 100.0, 1.15),
    )


def _segment(path: Path, index: int, entry: Any) -> Segment:
    place = f"segments[{index}]"
    if not isinstance(entry, dict) or not isinstance(entry.get("features", {}), dict):
        raise TruthError(f"{path}: {place}: an object with features is expected")
    prompts = entry.get("prompts", {})
    if not isinstance(prompts, dict) or not all(str(key).isdecimal() for key in prompts):
        raise TruthError(f"{path}: {place}.prompts: an object from prompt ids to factors is expected")
    factors = {
        int(key): _number(path, prompts, key, 0.0, 100.0, where=f"{place}.prompts.") for key in prompts
    }
    where = f"{place}."
    return Segment(
        str(entry.get("name", f"segment {index + 1}")),
        _number(path, entry, "share", 1e-9, 1e9, where=where),
        entry.get("features", {}),
        factors,
        _number(path, entry, "favourite", 0.0, 100.0, 1.6, where),
        _number(path, entry, "other", 0.0, 100.0, 0.85, where),
    )


def _number(
    path: Path,
    data: Mapping[str, Any],
    key: str,
    low: float,
    high: float,
    default: float | None = None,
    where: str = "",
) -> float:
    value = data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise TruthError(
            f"{path}: {where}{key}: a number from {low:g} to {high:g} is expected, not {value!r:.60}"
        )
    return float(value)
