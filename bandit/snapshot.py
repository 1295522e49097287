"""A policy's state as bytes: one .npz archive, read without pickle."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

_SCALARS = "scalars"


class SnapshotError(ValueError):
    """Bytes that are no snapshot."""


def to_bytes(state: dict[str, Any]) -> bytes:
    """Packs arrays as float64/int64 .npy members and everything else as one JSON member, compressed."""
    members: dict[str, Any] = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    scalars = {name: value for name, value in state.items() if name not in members}
    members[_SCALARS] = np.frombuffer(json.dumps(scalars, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **members)
    return buffer.getvalue()


def from_bytes(data: bytes) -> dict[str, Any]:
    """The state that `to_bytes` packed. Raises SnapshotError for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        scalars = json.loads(arrays.pop(_SCALARS).tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SnapshotError(f"not a policy snapshot: {error}") from error
    return {**scalars, **arrays}
