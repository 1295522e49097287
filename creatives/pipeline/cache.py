"""Stage caches: what was computed once for an image or a prompt is not computed again."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class StageCache(Protocol):
    """A store of bytes by key. A miss is None; a value put is the value got, or nothing: never a part of it."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


def stage_key(stage: str, **parts: str) -> str:
    """Content key of a stage's result: the stage's name and the SHA-256 of everything it depends on."""
    text = json.dumps({"stage": stage, **parts}, sort_keys=True, separators=(",", ":"))
    return f"{stage}-{hashlib.sha256(text.encode()).hexdigest()}"


def pack(meta: dict[str, Any], arrays: Arrays) -> bytes:
    """One value from JSON-able facts and arrays (NPZ, no pickles). Not compressed: pictures come encoded."""
    stream = io.BytesIO()
    header = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(stream, allow_pickle=False, _meta=header, **arrays)
    return stream.getvalue()


def unpack(value: bytes) -> tuple[dict[str, Any], Arrays]:
    """The inverse of `pack`."""
    with np.load(io.BytesIO(value), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files if name != "_meta"}
        return json.loads(stored["_meta"].tobytes()), arrays


class MemoryCache:
    """Least-recently-used store within a budget of bytes; safe between threads."""

    def __init__(self, max_bytes: int = 256 * 1024 * 1024) -> None:
        self.max_bytes = max_bytes
        self._values: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: str, value: bytes) -> None:
        if len(value) > self.max_bytes:
            return
        with self._lock:
            self._bytes += len(value) - len(self._values.pop(key, b""))
            self._values[key] = value
            while self._bytes > self.max_bytes:
                _, dropped = self._values.popitem(last=False)
                self._bytes -= len(dropped)

    def __len__(self) -> int:
        return len(self._values)


class FolderCache:
    """A file per key under one folder, shared by processes; a value appears whole, by rename, or not at all."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def get(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, value: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(value)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        stage, _, digest = key.rpartition("-")
        if not (stage.isidentifier() and len(digest) == 64 and digest.isalnum()):
            raise ValueError(f"cache key {key!r} was not made by stage_key")
        return self.folder / stage / digest[:2] / digest
