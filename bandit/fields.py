"""The kinds of declared features: how a value becomes columns, and what each column means.

Every kind has `columns()`, the words for its columns, and `write(value, row, start)`, which fills
them over what `write(None, …)`, a missing value, left there. A value of the wrong kind raises
ValueError with what is allowed.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

Value = str | int | float | bool

MAX_TEXT = 256


def as_number(value: Value) -> float:
    """A finite float from a number or a boolean."""
    kind = type(value)  # asking an abstract base class takes as long as everything else here
    if kind is not float and kind is not int and not isinstance(value, numbers.Real):
        raise ValueError(f"must be a number, not {value!r:.80}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number


def as_text(value: Value) -> str:
    """Canonical text of a category: trimmed, case folded; 3 and 3.0 are one, true and false are words."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ValueError(f"is {len(value)} characters long; at most {MAX_TEXT} are allowed")
        return value.strip().casefold()
    if isinstance(value, bool):
        return "true" if value else "false"
    number = as_number(value)
    return str(int(number)) if number.is_integer() else repr(number)


@dataclass(frozen=True)
class Numeric:
    """One column: (value − centre) / scale, cut off at ±1; of log(1 + value) when `log`. Missing is 0."""

    source: str
    name: str
    centre: float
    scale: float
    log: bool = False

    def columns(self) -> list[str]:
        return [f"higher {self.name}" + (" (on a log scale)" if self.log else f" (per {self.scale:g})")]

    def write(self, value: Value | None, row: list[float], start: int) -> None:
        if value is None:
            return
        number = as_number(value)
        if self.log:
            if number < 0:
                raise ValueError(f"must be at least 0, not {number:g}")
            number = math.log1p(number)
        row[start] = min(1.0, max(-1.0, (number - self.centre) / self.scale))


@dataclass(frozen=True)
class Cyclic:
    """Two columns, sine and cosine of 2π · value / period, so that the end is next to the start. Missing is 0."""

    source: str
    name: str
    period: float

    def columns(self) -> list[str]:
        quarter, half = self.period / 4, self.period / 2
        return [
            f"{self.name} around {quarter:g} rather than {quarter + half:g}",
            f"{self.name} around 0 rather than {half:g}",
        ]

    def write(self, value: Value | None, row: list[float], start: int) -> None:
        if value is None:
            return
        angle = 2 * math.pi * math.fmod(as_number(value), self.period) / self.period
        row[start], row[start + 1] = math.sin(angle), math.cos(angle)


@dataclass(frozen=True)
class Categorical:
    """One column per level after the first, which is the reference, and one for anything else or missing."""

    source: str
    name: str
    levels: tuple[str, ...]

    def columns(self) -> list[str]:
        others = [*self.levels[1:], "another value, or unknown"]
        return [f"{self.name} is {level} (rather than {self.levels[0]})" for level in others]

    def write(self, value: Value | None, row: list[float], start: int) -> None:
        text = None if value is None else as_text(value)
        others = len(self.levels) - 1
        level = self.levels.index(text) if text in self.levels else others + 1
        row[start + others] = 0.0
        if level:
            row[start + level - 1] = 1.0


Field = Numeric | Cyclic | Categorical
