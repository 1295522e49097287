"""Renders at one small square size, with the product's coverage, for the networks that judge pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.dataset import Scene, load_scene, scene_names

U8 = NDArray[np.uint8]

TEST_EVERY = 8
GREY = 127


@dataclass(frozen=True)
class Renders:
    """rgb: uint8 (N, S, S, 3); alpha: uint8 (N, S, S), coverage by the product; one description for each."""

    names: tuple[str, ...]
    specs: tuple[dict[str, Any], ...]
    rgb: U8
    alpha: U8

    def __len__(self) -> int:
        return len(self.names)

    def where(self, keep: Sequence[bool] | NDArray[np.bool_]) -> Renders:
        """Those marked in ``keep``."""
        chosen = np.flatnonzero(np.asarray(keep))
        return Renders(
            tuple(self.names[k] for k in chosen),
            tuple(self.specs[k] for k in chosen),
            self.rgb[chosen],
            self.alpha[chosen],
        )


def for_testing(name: str) -> bool:
    """Whether a render is kept from the judges' training: every eighth, among them all that the model never saw."""
    return int(name.rsplit("-", 1)[-1]) % TEST_EVERY == 7


def squeezed(picture: U8, side: int) -> U8:
    """A picture or a coverage stretched to side × side by areas; the judges see all aspect ratios so."""
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def without_product(picture: U8, alpha: U8, grow: int = 3) -> U8:
    """The picture with mid-grey where the product covers it, ``grow`` pixels further out than its outline."""
    kernel = np.ones((2 * grow + 1,) * 2, np.uint8)
    covered = cv2.dilate((alpha >= 64).astype(np.uint8), kernel) > 0
    return np.where(covered[..., None], np.uint8(GREY), picture)


def load_renders(folder: Path, side: int, names: Sequence[str] | None = None) -> Renders:
    """All complete renders of a folder, or those named, at side × side. Raises ValueError when there are none."""
    chosen = tuple(scene_names(folder) if names is None else names)
    if not chosen:
        raise ValueError(f"no scenes in {folder}: run `python -m training render` first")
    rgb = np.empty((len(chosen), side, side, 3), np.uint8)
    alpha = np.empty((len(chosen), side, side), np.uint8)
    specs = []
    for place, name in enumerate(chosen):
        scene: Scene = load_scene(folder, name)
        rgb[place], alpha[place] = squeezed(scene.rgb, side), squeezed(scene.alpha, side)
        specs.append(scene.spec)
    return Renders(chosen, tuple(specs), rgb, alpha)
