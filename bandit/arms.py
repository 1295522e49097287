"""Which arms a policy knows, and which of them it may choose."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_NOT_AN_ARM = "an arm is a string or an integer, not {!r}"

Arm = str | int


class UnknownArmError(KeyError):
    """An arm that was never added, or one that is retired where an active one is needed."""

    def __str__(self) -> str:
        return str(self.args[0])


def as_arm(value: object) -> Arm:
    """Returns `value` as a plain `str` or `int`; raises TypeError for anything else (booleans included)."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(_NOT_AN_ARM.format(value))
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(_NOT_AN_ARM.format(value)) from None


class ArmRegistry:
    """Arms by row of the stacked statistics.

    A row is given once and never reused, so a retired arm keeps what it learned and finds it again
    when it is added back. `active` keeps the order in which arms were added.
    """

    def __init__(self) -> None:
        self.rows: dict[Arm, int] = {}
        self._active: dict[Arm, int] = {}
        self._every: tuple[tuple[Arm, ...], tuple[int, ...]] = ((), ())

    @property
    def active(self) -> tuple[Arm, ...]:
        return self._every[0]

    def add(self, arm: object) -> bool:
        """Activates an arm; returns True when it needs a new row."""
        key = as_arm(arm)
        is_new = key not in self.rows
        row = self.rows.setdefault(key, len(self.rows))
        self._active.setdefault(key, row)
        self._freeze()
        return is_new

    def remove(self, arm: object) -> None:
        """Retires an arm. A no-op for one already retired; raises UnknownArmError for a stranger."""
        self.row(arm)
        self._active.pop(as_arm(arm), None)
        self._freeze()

    def row(self, arm: Any) -> int:
        """The row of an arm, active or retired."""
        try:
            return self.rows[arm]
        except (KeyError, TypeError):
            raise UnknownArmError(f"unknown arm {arm!r}; add_arm it first") from None

    def rows_of(self, arms: Iterable[Any]) -> np.ndarray:
        """Rows of a sequence of arms, active or retired, as int64 (n,)."""
        if isinstance(arms, np.ndarray):
            if arms.ndim == 1 and arms.dtype.kind == "i" and len(arms):
                return self._rows_of_integers(arms)
            arms = arms.tolist()
        listed = list(arms)
        try:
            return np.fromiter(map(self.rows.__getitem__, listed), np.int64, len(listed))
        except (KeyError, TypeError):
            for arm in listed:
                self.row(arm)
            raise

    def _rows_of_integers(self, arms: np.ndarray) -> np.ndarray:
        known = np.array(sorted(arm for arm in self.rows if isinstance(arm, int)))
        places = np.searchsorted(known, arms)
        places[places == len(known)] = 0
        strange = np.flatnonzero(known[places] != arms) if len(known) else np.arange(len(arms))
        if len(strange):
            self.row(arms[strange[0]].item())
        return np.array([self.rows[arm] for arm in known.tolist()])[places]

    def eligible(self, arms: Sequence[Any] | None) -> tuple[tuple[Arm, ...], tuple[int, ...]]:
        """Names and rows of the arms to choose from: all active ones, or the given active ones.

        Raises UnknownArmError for an arm that is not active, ValueError for none or for repeats.
        """
        if arms is None:
            names, rows = self._every
        else:
            try:
                names = tuple(arms)
                rows = tuple([self._active[arm] for arm in names])
            except (KeyError, TypeError):
                stranger = next(arm for arm in arms if arm not in self.active)
                raise UnknownArmError(f"arm {stranger!r} is not active") from None
            if len(set(rows)) != len(rows):
                raise ValueError("an arm is listed twice")
        if not rows:
            raise ValueError("there is no arm to choose from")
        return names, rows

    def union(self, other: ArmRegistry) -> None:
        """Adds the other's arms; an arm is active when it is active in either."""
        for arm in other.rows:
            self.rows.setdefault(arm, len(self.rows))
        for arm in other.active:
            self._active.setdefault(arm, self.rows[arm])
        self._freeze()

    def state(self) -> dict[str, list[Arm]]:
        return {"arms": list(self.rows), "active": list(self.active)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ArmRegistry:
        registry = cls()
        registry.rows = {as_arm(arm): row for row, arm in enumerate(state["arms"])}
        if len(registry.rows) != len(state["arms"]):
            raise ValueError("state lists an arm twice")
        registry._active = {as_arm(arm): registry.row(as_arm(arm)) for arm in state["active"]}
        registry._freeze()
        return registry

    def _freeze(self) -> None:
        self._every = tuple(self._active), tuple(self._active.values())
