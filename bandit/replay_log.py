"""Logged impressions to evaluate policies on: CSV or Parquet, checked cell by cell.

Columns: `arm`, `reward`, `propensity` and the context `x0` … `xN`, a row per impression in time order.
Other columns are ignored, `position` among them: each row is judged as an impression of its own.
"""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_PARQUET_MAGIC = b"PAR1"


class LogError(ValueError):
    """A log that cannot be used; the message names the file, the row and the column."""


@dataclass(frozen=True)
class ReplayLog:
    """n impressions: `actions` (n,) are indices into `arms`; contexts (n, d) and the rest (n,) are float64."""

    arms: tuple[str, ...]
    actions: np.ndarray
    rewards: np.ndarray
    propensities: np.ndarray
    contexts: np.ndarray

    def __len__(self) -> int:
        return len(self.actions)


def read_log(path: Path) -> ReplayLog:
    """Reads a log, telling the formats apart by their first bytes. Raises LogError."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == _PARQUET_MAGIC
        return _read_parquet(path) if is_parquet else _read_csv(path)
    except OSError as error:
        raise LogError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def _read_csv(path: Path) -> ReplayLog:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            layout = _Layout(path, next(reader, []))
            rows = _Rows(layout)
            for cells in reader:
                if cells:
                    rows.add(cells, reader.line_num)
    except UnicodeDecodeError as error:
        raise LogError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except csv.Error as error:
        raise LogError(f"{path}: line {reader.line_num}: {error}") from error
    return rows.log()


def _read_parquet(path: Path) -> ReplayLog:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise LogError(
            f"{path}: reading Parquet needs pyarrow: pip install 'product-studio[parquet]'"
        ) from None
    try:
        file = pyarrow.parquet.ParquetFile(path)
        names = file.schema_arrow.names
        layout = _Layout(path, names)
        rows = _Rows(layout)
        number = 0
        for batch in file.iter_batches():
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                rows.add(cells, number)
    except pyarrow.ArrowException as error:
        raise LogError(f"{path}: not a Parquet file that can be read: {error}") from error
    return rows.log()


class _Layout:
    """Where each column of the contract is in a header."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.names = [name.strip() for name in header]
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise LogError(f"{path}: column {min(twice)!r} appears twice")
        width = sum(bool(re.fullmatch(r"x\d+", name)) for name in self.names)
        wanted = ["arm", "reward", "propensity", *(f"x{i}" for i in range(max(width, 1)))]
        for name in wanted:
            if name not in self.names:
                raise LogError(
                    f"{path}: column {name!r} is missing; a log has arm, reward, propensity, x0 … xN"
                )
        self.arm = self.names.index("arm")
        self.numbers = [self.names.index(name) for name in wanted[1:]]


class _Rows:
    """Collects checked rows; what is wrong is found again cell by cell, only when something is."""

    def __init__(self, layout: _Layout) -> None:
        self.layout = layout
        self.arms: dict[str, int] = {}
        self.actions = array("q")
        self.values = array("d")

    def add(self, cells: Sequence[object], line: int) -> None:
        layout = self.layout
        try:
            arm = str(cells[layout.arm]).strip()
            values = [float(cells[index]) for index in layout.numbers]  # type: ignore[arg-type]
            sound = len(cells) == len(layout.names) and cells[layout.arm] is not None and arm != ""
        except (ValueError, TypeError, IndexError, OverflowError):
            sound = False
        if not (sound and 0.0 < values[1] <= 1.0 and math.isfinite(math.fsum(values))):
            raise LogError(f"{layout.path}: row at line {line}: {next(self._problems(cells))}")
        self.actions.append(self.arms.setdefault(arm, len(self.arms)))
        self.values.extend(values)

    def log(self) -> ReplayLog:
        if not self.actions:
            raise LogError(f"{self.layout.path}: no rows")
        table = np.array(self.values).reshape(len(self.actions), len(self.layout.numbers))
        # Sorted, so that the same impressions in another order know the same arms.
        names = sorted(self.arms)
        place = np.array([names.index(arm) for arm in self.arms])
        return ReplayLog(
            arms=tuple(names),
            actions=place[np.array(self.actions)],
            rewards=table[:, 0].copy(),
            propensities=table[:, 1].copy(),
            contexts=table[:, 2:].copy(),
        )

    def _problems(self, cells: Sequence[object]) -> Iterator[str]:
        layout = self.layout
        if len(cells) != len(layout.names):
            yield f"{len(cells)} cells, but the header has {len(layout.names)} columns"
        if cells[layout.arm] is None or not str(cells[layout.arm]).strip():
            yield "column 'arm' is empty"
        for index in layout.numbers:
            name, cell = layout.names[index], cells[index]
            try:
                value = float(cell)  # type: ignore[arg-type]
            except (ValueError, TypeError, OverflowError):
                yield f"column {name!r} must be a number, not {cell!r:.60}"
                continue
            if not math.isfinite(value):
                yield f"column {name!r} must be finite, not {cell!r:.60}"
            if name == "propensity" and not 0.0 < value <= 1.0:
                yield f"column 'propensity' must be above 0 and at most 1, not {value:g}"
        yield "the values are too large"
