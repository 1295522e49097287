"""Rendered scenes in memory, their aspect buckets, and augmentation that keeps pixels and captions true."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

U8 = NDArray[np.uint8]
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)


@dataclass(frozen=True)
class Scene:
    """One rendered scene: description, uint8 (H, W, 3) picture and uint8 (H, W) coverage of the product."""

    name: str
    spec: dict[str, Any]
    rgb: U8
    alpha: U8

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def scene_names(folder: Path) -> list[str]:
    """Names of the complete scenes of a folder (a description is written last), sorted."""
    return sorted(p.stem for p in folder.glob("*.json"))


def held_out(name: str) -> bool:
    """Every 40th scene is kept for measurement."""
    return int(name.rsplit("-", 1)[-1]) % 40 == 7


def to_tensor(pictures: list[U8]) -> Tensor:
    """uint8 (H, W, 3) pictures as one float32 batch (N, 3, H, W) in -1..1, channels last in memory."""
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


def load_scene(folder: Path, name: str) -> Scene:
    """Read one scene. Raises ValueError when picture and coverage differ in size."""
    rgb = np.asarray(Image.open(folder / f"{name}.jpg").convert("RGB"))
    alpha = np.asarray(Image.open(folder / f"{name}.png").convert("RGBA"))[:, :, 3]
    if rgb.shape[:2] != alpha.shape:
        raise ValueError(f"{name}: picture is {rgb.shape[:2]}, coverage is {alpha.shape}")
    return Scene(name, json.loads((folder / f"{name}.json").read_text()), rgb, alpha)


def load_scenes(folder: Path, known: dict[str, Scene] | None = None) -> dict[str, Scene]:
    """All scenes of a folder by name; those already ``known`` are not read again."""
    known = known or {}
    return {name: known.get(name) or load_scene(folder, name) for name in scene_names(folder)}


def by_size(sizes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    """Numbers of the items of each (width, height): a batch never mixes sizes."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, size in enumerate(sizes):
        groups[size].append(number)
    return dict(groups)


def turn_hue(rgb: U8, turn: float, saturation: float = 1.0) -> U8:
    """Rotate chroma by ``turn`` (1 = once around) in YIQ, keeping luma; uint8 in and out, same shape."""
    angle = 2 * np.pi * turn
    c, s = saturation * np.cos(angle), saturation * np.sin(angle)
    rotation = np.array([[1, 0, 0], [0, c, -s], [0, s, c]], np.float32)
    matrix = (np.linalg.inv(_YIQ) @ rotation @ _YIQ).astype(np.float32)
    return np.clip(rgb.astype(np.float32) @ matrix.T + 0.5, 0, 255).astype(np.uint8)


def recolour_product(scene: Scene, rng: random.Random) -> U8:
    """The scene with another product colour; everything outside the coverage stays as it is."""
    changed = turn_hue(scene.rgb, rng.random(), rng.uniform(0.6, 1.3)).astype(np.float32)
    gain = rng.uniform(0.75, 1.25)
    weight = scene.alpha[:, :, None].astype(np.float32) / 255
    mixed = scene.rgb * (1 - weight) + np.clip(changed * gain, 0, 255) * weight
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
