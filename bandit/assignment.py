"""Sticky assignment of users to the arms of an experiment, without storing anything.

A user's place in [0, 1) is a SHA-256 hash of the experiment's salt and the user id, so it is the
same in every process and unrelated between experiments. Whether a user takes part and which arm
they get are two separate places: raising the share that takes part moves nobody between arms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

_TOLERANCE = 1e-9


def place(salt: str, user_id: str, purpose: str = "arm") -> float:
    """A user's place in [0, 1): 53 bits of SHA-256 over the length-prefixed parts."""
    digest = hashlib.sha256()
    for part in (purpose, salt, user_id):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    # 53 bits fit a float exactly; 64 could round up to 1.
    return (int.from_bytes(digest.digest()[:8], "big") >> 11) / 2**53


def arm_at(position: float, shares: Mapping[str, float]) -> str:
    """The arm whose stretch of [0, 1) holds `position`; arms lie side by side in the order given.

    Shares are at least 0 and sum to 1. Raises ValueError otherwise.
    """
    if not shares or any(not share >= 0 for share in shares.values()):
        raise ValueError("shares must be at least 0, for one arm or more")
    total = math.fsum(shares.values())
    if not abs(total - 1.0) <= _TOLERANCE:
        raise ValueError(f"shares must sum to 1, not {total:g}")
    edge, last = 0.0, ""
    for arm, share in shares.items():
        edge += share
        if share > 0:
            last = arm
            if position < edge:
                return arm
    return last


def assign(user_id: str, salt: str, shares: Mapping[str, float], *, enrolled: float = 1.0) -> str | None:
    """The user's arm, or None for users outside the `enrolled` share of the traffic."""
    if not 0.0 <= enrolled <= 1.0:
        raise ValueError(f"the enrolled share must be between 0 and 1, not {enrolled!r}")
    arm = arm_at(place(salt, user_id), shares)
    return arm if place(salt, user_id, "enrolled") < enrolled else None
