"""What was done a moment ago and need not be done again."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


class Recently:
    """Remembers keys for ``seconds``, at most ``size`` of them, in this process only: a saving, never a rule."""

    def __init__(self, seconds: float, size: int = 50_000) -> None:
        self._seconds, self._size = seconds, size
        self._until: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def unknown(self, keys: Sequence[Key]) -> list[Key]:
        """Those of ``keys`` that were not noted lately."""
        now = time.monotonic()
        with self._lock:
            return [key for key in keys if self._until.get(key, 0.0) <= now]

    def note(self, keys: Iterable[Hashable]) -> None:
        """Remember ``keys`` from now on."""
        now = time.monotonic()
        with self._lock:
            for key in keys:
                self._until.pop(key, None)  # so that the dictionary stays in the order of expiry
                self._until[key] = now + self._seconds
            for key in list(self._until):
                if self._until[key] > now and len(self._until) <= self._size:
                    break
                del self._until[key]
