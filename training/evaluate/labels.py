"""What a setting is called: the labels of a render, and the labels that a prompt names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.palette import WALL_COLOURS
from training.phrases import BACKDROPS, BEACHES, SURFACES, VIEWS

FROM_ABOVE, PAPER = "from above", "paper"
UNKNOWN = -100
LEAST = 12
"""A label with fewer renders to learn from is not judged."""
HIDING_PROPS = frozenset({"podium", "block", "arch", "fabric"})
"""Props that can hide the surface or the backdrop; scenes with them are not judged."""

SURFACE_GROUPS: Mapping[str, str] = {}
BACKDROP_GROUPS: Mapping[str, str] = {}
"""Labels that a person could not tell apart in the renders, with the name that stands for both."""


class Labels(NamedTuple):
    """Surface and backdrop; empty when unknown or not named."""

    surface: str
    backdrop: str


NOT_NAMED = Labels("", "")


class Answers(NamedTuple):
    """What can be answered: surfaces and backdrops, sorted."""

    surfaces: tuple[str, ...]
    backdrops: tuple[str, ...]

    def knows(self, labels: Labels) -> Labels:
        """The labels with those left empty that are not among the answers."""
        return Labels(
            labels.surface if labels.surface in self.surfaces else "",
            labels.backdrop if labels.backdrop in self.backdrops else "",
        )

    def numbers(self, labels: Labels) -> tuple[int, int]:
        """The labels' places among the answers, ``UNKNOWN`` for those that are not."""
        return (
            self.surfaces.index(labels.surface) if labels.surface in self.surfaces else UNKNOWN,
            self.backdrops.index(labels.backdrop) if labels.backdrop in self.backdrops else UNKNOWN,
        )


def answers_from(specs: Sequence[Mapping[str, Any]]) -> Answers:
    """The labels that occur often enough in these descriptions to be learnt."""
    counts = [Counter(column) for column in zip(*(labels_of(spec) for spec in specs), strict=True)]
    surfaces, backdrops = (tuple(sorted(x for x, n in each.items() if n >= LEAST)) for each in counts)
    return Answers(surfaces, backdrops)


def showing_chances(labels: Sequence[Labels]) -> NDArray[np.float64]:
    """How often each of the labelled is shown: the rare oftener than their share, but not as often as the common."""
    counts = [Counter(column) for column in zip(*labels, strict=True)]
    weight = np.array([(counts[0][x.surface] * counts[1][x.backdrop]) ** -0.25 for x in labels])
    return np.asarray(weight / weight.sum())


def labels_of(spec: Mapping[str, Any]) -> Labels:
    """A scene's labels. Seen from above there is no backdrop, but paper from above looks like any paper."""
    backdrop = str(spec["backdrop"])
    return _grouped(str(spec["surface"]), FROM_ABOVE if spec.get("view") == "top" else backdrop)


def judged(spec: Mapping[str, Any]) -> bool:
    """Whether a person could name the setting: nothing hides what is to be named."""
    return spec.get("prop", "none") not in HIDING_PROPS


def labels_named(prompt: str) -> Labels:
    """The labels that a prompt names, by the longest phrase of each kind that it holds."""
    text = prompt.lower()
    surface, backdrop = _longest(text, _surface_patterns()), _longest(text, _backdrop_patterns())
    if not backdrop and any(view in text for view in VIEWS):
        backdrop = FROM_ABOVE
    return _grouped(surface, backdrop)


def _grouped(surface: str, backdrop: str) -> Labels:
    if surface == PAPER:
        backdrop = PAPER
    return Labels(SURFACE_GROUPS.get(surface, surface), BACKDROP_GROUPS.get(backdrop, backdrop))


Patterns = tuple[tuple[re.Pattern[str], str], ...]


def _longest(text: str, patterns: Patterns) -> str:
    found = [
        (match.end() - match.start(), label) for pattern, label in patterns if (match := pattern.search(text))
    ]
    return max(found)[1] if found else ""


def _pattern(phrase: str) -> re.Pattern[str]:
    """The phrase with any colour or none at ``{c}``, and ``an`` for ``a`` where the colour wants it."""
    colours = "|".join(re.escape(word) for colour in WALL_COLOURS.values() for word in colour.words)
    pieces = {"{c}": f"(?:(?:{colours}) )?", "a": "an? "}
    text = "".join(pieces.get(word, re.escape(word) + " ") for word in phrase.split())
    return re.compile(rf"\b{text.rstrip()}\b")


@cache
def _surface_patterns() -> Patterns:
    phrases = {**SURFACES, "sand": (*SURFACES["sand"], *BEACHES)}
    return tuple((_pattern(text), label) for label, texts in phrases.items() for text in texts)


@cache
def _backdrop_patterns() -> Patterns:
    return tuple((_pattern(text), label) for label, texts in BACKDROPS.items() for text in texts)
