"""The rules of the queue as plain functions: what comes first, what may be undone, which word needs a reason. No Django."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

UNDO_DEPTH = 10
NOTE_LIMIT = 500
DOUBTFUL_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A creative in the queue: seconds it has waited, sizes in which it is wanted, whether the quality gate doubts it."""

    creative_id: int
    age: float
    demand: int = 1
    doubtful: bool = False


def priority(age: float, demand: int, doubtful: bool) -> float:
    """Effective age in seconds: age × (1 + log2(demand)) × 1.5 for a doubtful picture.

    Demand and doubt make a picture age faster instead of jumping the queue, so that none waits for ever.
    ``age`` below 0 (a clock that is behind) counts as 0, ``demand`` below 1 as 1.
    """
    return max(age, 0.0) * (1.0 + math.log2(max(demand, 1))) * (DOUBTFUL_FACTOR if doubtful else 1.0)


def rank(waiting: Sequence[Waiting], skipped: Mapping[int, datetime]) -> list[int]:
    """Ids in the order of review: highest priority first, on a tie the lower id; skipped ones last, earliest skip first."""
    fresh = [item for item in waiting if item.creative_id not in skipped]
    fresh.sort(key=lambda item: (-priority(item.age, item.demand, item.doubtful), item.creative_id))
    again = [item.creative_id for item in waiting if item.creative_id in skipped]
    again.sort(key=lambda creative_id: (skipped[creative_id], creative_id))
    return [item.creative_id for item in fresh] + again


def approval_rate(approved: int, rejected: int) -> float | None:
    """Share of approvals among decisions, 0–1; None without decisions."""
    total = approved + rejected
    return approved / total if total else None
