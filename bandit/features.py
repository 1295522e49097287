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
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from bandit.fields import Categorical, Cyclic, Field, Numeric, Value, as_number, as_text

SOURCES = ("user", "item", "placement")
MAX_FEATURES = 64
_CACHED_TOKENS = 1 << 14
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


class Part(NamedTuple):
    """What one feature adds to a context: the parts of a context sum to it.

    `name` is None for the intercept. `value` is as it was given, None when it was not (an unknown category adds something).
    """

    source: str
    name: str | None
    value: Value | None
    vector: np.ndarray


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
    def _declared(self) -> dict[str, dict[str, tuple[Field, int]]]:
        """By source and name: the field, and its first column."""
        declared: dict[str, dict[str, tuple[Field, int]]] = {source: {} for source in SOURCES}
        start = 0
        for field in self.fields:
            declared[field.source][field.name] = (field, start)
            start += len(field.columns())
        return declared

    @cached_property
    def _nothing_known(self) -> list[float]:
        """The columns of a context about which nothing is known, not yet scaled."""
        row = [0.0] * (self.n_features - 1)
        for fields in self._declared.values():
            for field, start in fields.values():
                field.write(None, row, start)
        return [*row, _HALF]

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
        row = self._write(user, item, placement)
        context = np.array(row)
        context[:-1] *= _scale(row)
        return context

    def encode_many(
        self, rows: Iterable[tuple[Features | None, Features | None, Features | None]]
    ) -> np.ndarray:
        """Contexts (n, n_features) of n (user, item, placement) triples, each as `encode` has it, bit for bit."""
        written = [self._write(*row) for row in rows]
        if not written:
            return np.zeros((0, self.n_features))
        contexts = np.array(written)
        contexts[:, :-1] *= np.array([_scale(row) for row in written])[:, np.newaxis]
        return contexts

    def parts(
        self, user: Features | None = None, item: Features | None = None, placement: Features | None = None
    ) -> list[Part]:
        """A context feature by feature, in the order given, then what is missing but counts, then the intercept."""
        scale = _scale(self._write(user, item, placement))
        nothing = self._nothing_known
        found, missing = [], dict.fromkeys((field.source, field.name) for field in self.fields)
        for source, features in zip(SOURCES, (user or {}, item or {}, placement or {}), strict=True):
            for name, value in features.items():
                if value is not None:
                    missing.pop((source, name), None)
                    alone = self._write(**{source: {name: value}})
                    own = self._columns_of(source, name)
                    vector = np.array([alone[j] if j in own else 0.0 for j in range(self.n_features)]) * scale
                    found.append(Part(source, name, value, vector))
        for source, name in missing:
            own = self._columns_of(source, name)
            vector = np.array([nothing[j] if j in own else 0.0 for j in range(self.n_features)]) * scale
            if vector.any():
                found.append(Part(source, name, None, vector))
        intercept = np.zeros(self.n_features)
        intercept[-1] = _HALF
        return [*found, Part("any", None, None, intercept)]

    def describe(self) -> list[Column]:
        """What each column means, for people; as long as a context."""
        columns: list[tuple[str, str | None, str]] = []
        for field in self.fields:
            columns += [(field.source, field.name, words) for words in field.columns()]
        columns += [("any", None, f"other features, bucket {bucket + 1}") for bucket in range(self.buckets)]
        columns.append(("any", None, "everyone"))
        return [Column(position, *column) for position, column in enumerate(columns)]

    def _columns_of(self, source: str, name: str) -> range:
        """The columns that a feature may write: its own, or the hashed ones."""
        if name in self._declared[source]:
            field, start = self._declared[source][name]
            return range(start, start + len(field.columns()))
        return range(self._hashed_from, self._hashed_from + self.buckets)

    def _write(
        self, user: Features | None = None, item: Features | None = None, placement: Features | None = None
    ) -> list[float]:
        """The columns of a context, of which all but the last are not yet scaled."""
        row = self._nothing_known.copy()
        for source, features in zip(SOURCES, (user, item, placement), strict=True):
            if not features:
                continue
            if len(features) > MAX_FEATURES:
                raise FeatureError(
                    source, None, f"has {len(features)} entries; at most {MAX_FEATURES} are allowed"
                )
            fields = self._declared[source]
            for name, value in features.items():
                if value is None:
                    continue
                try:
                    declared = fields.get(name)
                    if declared is not None:
                        declared[0].write(value, row, declared[1])
                    else:
                        self._hash(source, name, value, row)
                except ValueError as error:
                    raise FeatureError(source, name, str(error)) from None
        return row

    def _hash(self, source: str, name: str, value: Value, row: list[float]) -> None:
        """Adds ±1 for a word, ± a squashed amount for a number, to the bucket its hash names."""
        if isinstance(value, str):
            place, amount = _place_of_word(source, name, value), 1.0
        elif isinstance(value, bool):
            place, amount = _place(f"{source}\x1f{name}\x1f{as_text(value)}"), 1.0
        else:
            number = as_number(value)
            place, amount = _place(f"{source}\x1f{name}"), number / (1.0 + abs(number))
        row[self._hashed_from + (place >> 1) % self.buckets] += amount if place & 1 else -amount


@lru_cache(_CACHED_TOKENS)
def _place_of_word(source: str, name: str, word: str) -> int:
    return _place(f"{source}\x1f{name}\x1f{as_text(word)}")


@lru_cache(_CACHED_TOKENS)
def _place(token: str) -> int:
    """64 bits of a token: its sign and its bucket."""
    digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _scale(row: list[float]) -> float:
    """What all columns but the last are multiplied by, so that the context has length 1."""
    length = math.hypot(*row[:-1])
    return _HALF / length if length else 0.0


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
