"""Painted pictures kept between runs, so that a measurement that was cut off goes on where it stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate.painting import OURS, Shot, Studio, Way

U8 = NDArray[np.uint8]

GROUP = 24


class Gallery:
    """Paints shots with a checkpoint, ``GROUP`` at a time, each group kept in a file of ``folder``."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio, self.folder = studio, folder

    def paint(self, shots: Sequence[Shot], way: Way = OURS, title: str = "") -> list[U8]:
        """One uint8 (H, W, 3) picture for each shot, in order, as step 4 leaves them."""
        pictures: list[U8] = []
        started = time.monotonic()
        for start in range(0, len(shots), GROUP):
            pictures += self._group(shots[start : start + GROUP], way)
            if title:
                print(
                    f"{title}: {len(pictures)} of {len(shots)}, {time.monotonic() - started:.0f} s",
                    flush=True,
                )
        return pictures

    def _group(self, shots: Sequence[Shot], way: Way) -> list[U8]:
        path = self.folder / f"{self._key(shots, way)}.npz"
        if path.exists():
            with np.load(path) as stored:
                return [stored[str(place)] for place in range(len(shots))]
        pictures = self.studio.paint(shots, way)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        named: dict[str, Any] = {str(place): picture for place, picture in enumerate(pictures)}
        with part.open("wb") as out:
            np.savez_compressed(out, **named)
        part.replace(path)
        return pictures

    def _key(self, shots: Sequence[Shot], way: Way) -> str:
        digest = hashlib.sha256(f"{self.studio.profile.fingerprint} {way}".encode())
        for shot in shots:
            digest.update(f"{shot.prompt}\n{shot.seed}\n{shot.source}\n".encode())
            digest.update(self.studio.control(shot).tobytes())
            digest.update(shot.placed.tobytes())
        return digest.hexdigest()[:32]
