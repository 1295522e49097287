"""Does the picture show what the prompt says? The classifier's answers against the labels that the prompt names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from training.evaluate.estimates import Estimate, share
from training.evaluate.labels import Labels

KINDS = ("surface", "backdrop")


class Answer(TypedDict):
    """How often one kind of label was found. per_label: hits and count of each; confused: the commonest mistakes."""

    overall: Estimate
    per_label: dict[str, tuple[int, int]]
    confused: list[tuple[str, str, int]]


def accuracy(named: Sequence[Labels], wanted: Sequence[Labels]) -> dict[str, Answer | None]:
    """By kind, over the pictures whose wanted label is not empty; None where there are none."""
    return {
        kind: _answer([getattr(x, kind) for x in named], [getattr(x, kind) for x in wanted]) for kind in KINDS
    }


def _answer(named: Sequence[str], wanted: Sequence[str]) -> Answer | None:
    pairs = [(want, got) for got, want in zip(named, wanted, strict=True) if want]
    if not pairs:
        return None
    counts, hits = Counter(want for want, _ in pairs), Counter(want for want, got in pairs if want == got)
    mistakes = Counter(pair for pair in pairs if pair[0] != pair[1])
    return {
        "overall": share(sum(hits.values()), len(pairs)),
        "per_label": {label: (hits[label], counts[label]) for label in sorted(counts)},
        "confused": [(want, got, number) for (want, got), number in mistakes.most_common(6)],
    }
