"""The quality gate's limits: from which value a score is doubtful, from which the painting has failed, and what is usual."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """Of one score. usual: the median of good creatives; doubtful: where a person should look; fail: where painting again is
    worth it, None for never. The score is worse towards `doubtful`, whichever side of `usual` that is.
    """

    usual: float
    doubtful: float
    fail: float | None = None

    def badness(self, value: float) -> float:
        """0 at `usual` and better, 1 at `doubtful`, more beyond."""
        return max(0.0, (value - self.usual) / (self.doubtful - self.usual))

    def is_doubtful(self, value: float) -> bool:
        return self.badness(value) > 1.0

    def has_failed(self, value: float) -> bool:
        return self.fail is not None and self.badness(value) > self.badness(self.fail)


LIMITS: Mapping[str, Limit] = {
    "structure": Limit(0.94, 0.55, 0.35),
    "agreement": Limit(0.93, 0.52, 0.31),
    "expansion": Limit(0.017, 0.285, 0.42),
    "expansion_after": Limit(0.019, 0.29, 0.43),
    "leakage": Limit(0.011, 0.19, 0.28),
    "floating": Limit(0.0, 0.46),
    "seam": Limit(2.7, 22.5, 34.4),
    "sharpness": Limit(0.53, 0.19, 0.02),
    "distinctness": Limit(39.0, 16.9, 5.9),
    "mask": Limit(1.0, 0.5),
}
"""Calibrated by `python -m benchmarks gate` (docs/pipeline.md, Quality). Painting again mends no mask, and what
floats is for people to say, so neither fails.
"""


def limits_with(overrides: Mapping[str, Any]) -> dict[str, Limit]:
    """LIMITS with a profile's own: score → [doubtful, fail], fail null for never, or null for a score that does not count.

    Raises ValueError for an unknown score, for what is no number and for limits on the wrong side of what is usual.
    """
    if not isinstance(overrides, Mapping):
        raise ValueError(f"gate is {overrides!r}; it must be an object of scores")
    found = dict(LIMITS)
    for name, written in overrides.items():
        if name not in LIMITS:
            raise ValueError(f"gate has no score {name!r}; there are {', '.join(LIMITS)}")
        if written is None:
            del found[name]
            continue
        found[name] = _limit(name, written)
    return found


def _limit(name: str, written: Any) -> Limit:
    known = LIMITS[name]
    if not _is_pair(written):
        raise ValueError(f"gate: {name} is {written!r}; it must be [doubtful, fail] or null")
    doubtful, fail = float(written[0]), None if written[1] is None else float(written[1])
    if (doubtful - known.usual) * (known.doubtful - known.usual) <= 0:
        side = "above" if known.doubtful > known.usual else "below"
        raise ValueError(
            f"gate: {name} is doubtful from {doubtful}; it must be {side} what is usual, {known.usual}"
        )
    limit = Limit(known.usual, doubtful, fail)
    if fail is not None and limit.badness(fail) < 1.0:
        raise ValueError(f"gate: {name} fails at {fail}, before it is doubtful at {doubtful}")
    return limit


def _is_pair(written: Any) -> bool:
    """Two numbers, the second perhaps None."""
    if not (isinstance(written, Sequence) and not isinstance(written, str) and len(written) == 2):
        return False
    return _is_number(written[0]) and (written[1] is None or _is_number(written[1]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
