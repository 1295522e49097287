"""The rules of the desk as plain functions: what comes first, what is drawn for a check, how well people agree."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

UNDO_DEPTH = 10
NOTE_LIMIT = 500
DOUBTFUL_FACTOR = 1.5
UNKNOWN_QUALITY = 0.5
CLEARLY_DISTINCT = 20.0  # ΔE*ab from which a product stands out as well as any


@dataclass(frozen=True, slots=True)
class Waiting:
    """A creative in the queue: seconds it has waited, impressions that waited for it, its risk (see ``risk``)."""

    creative_id: int
    age: float
    demand: int = 0
    risk: float = 1.0


def risk(scores: Mapping[str, float], doubtful: bool) -> float:
    """How likely a look is needed, 1–3: one more than the gate's own risk, which is 0 as usual and 1 where it doubts.

    Of creatives whose record has no risk, (2 − quality) × 1.5 where the quality gate doubts: quality is the mean of the
    scores as 0–1, the better the higher: structure, 1 − expansion, sharpness, distinctness / 20, mask. What was not
    measured is left out; nothing measured counts as 0.5.
    """
    if "risk" in scores:
        return 1.0 + min(max(scores["risk"], 0.0), 2.0)
    goods = [_held(scores[name]) for name in ("structure", "sharpness", "mask") if name in scores]
    if "expansion" in scores:
        goods.append(1.0 - _held(scores["expansion"]))
    if "distinctness" in scores:
        goods.append(_held(scores["distinctness"] / CLEARLY_DISTINCT))
    quality = sum(goods) / len(goods) if goods else UNKNOWN_QUALITY
    return (2.0 - quality) * (DOUBTFUL_FACTOR if doubtful else 1.0)


def priority(age: float, demand: int, risk: float) -> float:
    """Effective age in seconds: age × (1 + log2(demand)) × risk.

    Demand and risk make a picture age faster instead of jumping the queue, so that none waits for ever.
    ``age`` below 0 (a clock that is behind) counts as 0, ``demand`` below 1 as 1.
    """
    return max(age, 0.0) * (1.0 + math.log2(max(demand, 1))) * risk


def rank(waiting: Sequence[Waiting], skipped: Mapping[int, datetime]) -> list[int]:
    """Ids in the order of review: highest priority first, on a tie the lower id; skipped ones last, earliest skip first."""
    fresh = [item for item in waiting if item.creative_id not in skipped]
    fresh.sort(key=lambda item: (-priority(item.age, item.demand, item.risk), item.creative_id))
    again = [item.creative_id for item in waiting if item.creative_id in skipped]
    again.sort(key=lambda creative_id: (skipped[creative_id], creative_id))
    return [item.creative_id for item in fresh] + again


def drawn(share: float, secret: str, *key: object) -> bool:
    """Whether ``key`` is among the ``share`` (0–1) of keys that are checked; always the same answer for the same key.

    A keyed digest decides, so nobody without ``secret`` can foresee it.
    """
    text = "/".join(map(str, key)).encode()
    digest = hashlib.blake2b(text, key=hashlib.sha256(secret.encode()).digest(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def approval_rate(approved: int, rejected: int) -> float | None:
    """Share of approvals among decisions, 0–1; None without decisions."""
    total = approved + rejected
    return approved / total if total else None


def cohens_kappa(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Agreement of two raters beyond chance, −1…1: (p_o − p_e) / (1 − p_e) (Cohen 1960).

    ``pairs`` counts (one's answer, the other's answer). None without pairs, and where chance alone explains all agreement
    (both gave one and the same answer throughout).
    """
    total = sum(pairs.values())
    if not total:
        return None
    labels = {label for pair in pairs for label in pair}
    observed = sum(count for (one, other), count in pairs.items() if one == other) / total
    expected = sum(
        sum(count for (one, _), count in pairs.items() if one == label)
        * sum(count for (_, other), count in pairs.items() if other == label)
        for label in labels
    ) / (total * total)
    return None if math.isclose(expected, 1.0) else (observed - expected) / (1.0 - expected)


def _held(value: float) -> float:
    return min(max(value, 0.0), 1.0)
