"""From what is known about a shopper, an item and a placement to a context vector.

An encoding is a declaration with a version. The same code serves decisions and replays the log, and
a version never changes its meaning: a policy belongs to one `fingerprint`. Features that are not
declared are hashed (Weinberger et al. 2009) with BLAKE2b into signed buckets, the same in every process.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bandit.fields import Categorical, Cyclic, Field, Numeric, Value, as_number, as_text

SOURCES = ("user", "item", "placement")
MAX_FEATURES = 64
_HALF = math.sqrt(0.5)

Features = Mapping[str, Value | None]


class FeatureError(ValueError):
    """A feature that cannot be encoded; `field` is its path, such as "user.features.age"."""

    def __init__(self, source: str, name: str | None, problem: str) -> None:
        self.field = f"{source}.features" + ("" if name is None else f".{name}")
        super().__init__(f"{self.field} {problem}")


class Column(NamedTuple):
    """What one entry of a context means. `feature` is None for the hashed columns and the intercept."""

    position: int
    source: str
    feature: str | None
    words: str


@dataclass(frozen=True)
class Encoding:
    """Declared fields, then `buckets` hashed columns, then the intercept.

    The first n − 1 columns are scaled to unit length, 1 is appended and everything is divided by √2,
    so a context has length 1 (1/√2 when nothing but zeros is known).
    """

    version: int
    fields: tuple[Field, ...]
    buckets: int

    def __post_init__(self) -> None:
        names = [(field.source, field.name) for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("a feature is declared twice")
        if self.buckets < 1 or any(source not in SOURCES for source, _ in names):
            raise ValueError(f"an encoding needs buckets ≥ 1 and fields of {', '.join(SOURCES)}")

    @cached_property
    def _starts(self) -> dict[tuple[str, str], tuple[Field, int]]:
        starts, start = {}, 0
        for field in self.fields:
            starts[field.source, field.name] = (field, start)
            start += len(field.columns())
        return starts

    @cached_property
    def _hashed_from(self) -> int:
        return sum(len(field.columns()) for field in self.fields)

    @property
    def n_features(self) -> int:
        return self._hashed_from + self.buckets + 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the declaration, in hex: what a policy's lineage is tied to."""
        kinds = [{"kind": type(field).__name__, **asdict(field)} for field in self.fields]
        text = json.dumps({"version": self.version, "fields": kinds, "buckets": self.buckets}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def encode(
        self, user: Features | None = None, item: Features | None = None, placement: Features | None = None
    ) -> np.ndarray:
        """The context, float64 (n_features,). None, a missing feature and an unseen value are all fine.

        Raises FeatureError for what is not a string, a finite number or a boolean, for text over 256
        characters and for more than 64 features of one source.
        """
        row = [0.0] * (self.n_features - 1)
        unseen = dict(self._starts)
        for source, features in zip(SOURCES, (user or {}, item or {}, placement or {}), strict=True):
            if len(features) > MAX_FEATURES:
                raise FeatureError(
                    source, None, f"has {len(features)} entries; at most {MAX_FEATURES} are allowed"
                )
            for name, value in features.items():
                try:
                    declared = unseen.pop((source, name), None)
                    if declared is not None:
                        declared[0].write(value, row, declared[1])
                    elif value is not None:
                        self._hash(source, name, value, row)
                except ValueError as error:
                    raise FeatureError(source, name, str(error)) from None
        for field, start in unseen.values():
            field.write(None, row, start)
        return _unit(row)

    def encode_many(
        self, rows: Iterable[tuple[Features | None, Features | None, Features | None]]
    ) -> np.ndarray:
        """Contexts (n, n_features) of n (user, item, placement) triples."""
        encoded = [self.encode(*row) for row in rows]
        return np.array(encoded) if encoded else np.zeros((0, self.n_features))

    def describe(self) -> list[Column]:
        """What each column means, for people; as long as a context."""
        columns: list[tuple[str, str | None, str]] = []
        for field in self.fields:
            columns += [(field.source, field.name, words) for words in field.columns()]
        columns += [("any", None, f"other features, bucket {bucket + 1}") for bucket in range(self.buckets)]
        columns.append(("any", None, "everyone"))
        return [Column(position, *column) for position, column in enumerate(columns)]

    def _hash(self, source: str, name: str, value: Value, row: list[float]) -> None:
        """Adds ±1 for a word, ± a squashed amount for a number, to the bucket its hash names."""
        if isinstance(value, (str, bool)):
            token, amount = f"{source}\x1f{name}\x1f{as_text(value)}", 1.0
        else:
            number = as_number(value)
            token, amount = f"{source}\x1f{name}", number / (1.0 + abs(number))
        digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        place = int.from_bytes(digest, "big")
        row[self._hashed_from + (place >> 1) % self.buckets] += amount if place & 1 else -amount


def _unit(row: list[float]) -> np.ndarray:
    length = math.sqrt(math.fsum(entry * entry for entry in row))
    context = np.array([*row, 1.0])
    context[:-1] *= _HALF / length if length else 0.0
    context[-1] = _HALF
    return context


ENCODINGS: dict[int, Encoding] = {
    1: Encoding(
        version=1,
        fields=(
            Numeric("user", "age", centre=40, scale=40),
            Categorical("user", "device", ("mobile", "desktop", "tablet")),
            Categorical("user", "gender", ("female", "male")),
            Cyclic("user", "hour", period=24),
            Numeric("item", "price", centre=4, scale=4, log=True),
            Numeric("placement", "width", centre=6, scale=2, log=True),
            Numeric("placement", "height", centre=6, scale=2, log=True),
        ),
        buckets=20,
    ),
}

CURRENT_VERSION = 1


def encoding(version: int = CURRENT_VERSION) -> Encoding:
    """The encoding of a version. Raises KeyError with the known versions."""
    try:
        return ENCODINGS[version]
    except KeyError:
        raise KeyError(f"no encoding version {version}; there are {sorted(ENCODINGS)}") from None
