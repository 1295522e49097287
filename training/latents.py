"""Scenes as the denoiser sees them: latents, edges and loss weights, encoded once."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.edges import draw_edges
from training.dataset import Scene, load_scene, recolour_product, scene_names
from training.vae import FACTOR, held_out, to_tensor

PRODUCT_WEIGHT = 0.25
"""Loss weight inside the product: the real product is pasted over it in the end, its surroundings stay."""


@dataclass
class Item:
    """One training example: latents (8, h, w) float16, edges uint8 (8h, 8w), weight (1, h, w), description."""

    latents: Tensor
    edges: Tensor
    weight: Tensor
    spec: dict[str, Any]
    recoloured: bool

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.edges.shape[1], self.edges.shape[0]


def shrink(scene: Scene, scale: float) -> Scene:
    """The scene at another scale, sides kept multiples of 16."""
    if scale == 1:
        return scene
    width, height = (int(side * scale) // 16 * 16 for side in scene.size)
    rgb = cv2.resize(scene.rgb, (width, height), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(scene.alpha, (width, height), interpolation=cv2.INTER_AREA)
    return Scene(scene.name, scene.spec, np.asarray(rgb, np.uint8), np.asarray(alpha, np.uint8))


def loss_weight(alpha: np.ndarray) -> Tensor:
    """(1, h, w) in PRODUCT_WEIGHT..1: low where a latent cell and its neighbours are all product."""
    cover = torch.from_numpy(alpha.astype(np.float32) / 255)[None, None]
    inside = -F.max_pool2d(-F.avg_pool2d(cover, FACTOR), 3, 1, 1)
    return (1 - (1 - PRODUCT_WEIGHT) * inside)[0]


@torch.no_grad()
def encode(vae: Any, scene: Scene, rng: random.Random, *, recolour: bool, flip: bool) -> Item:
    """Encode one variant of a scene."""
    rgb = recolour_product(scene, rng) if recolour else scene.rgb
    alpha = scene.alpha
    if flip:
        rgb, alpha = np.ascontiguousarray(rgb[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        latents = vae.encoder(to_tensor([rgb]))[0]
    edges = torch.from_numpy(draw_edges(rgb, alpha))
    return Item(latents.half().contiguous(), edges, loss_weight(alpha), scene.spec, recolour)


def load_items(folder: Path, vae: Any, scale: float, rank: int, ranks: int, seed: int) -> list[Item]:
    """This rank's share of the training scenes, each as it is and once mirrored with another product colour."""
    rng = random.Random(seed)
    names = [n for n in scene_names(folder) if not held_out(n)][rank::ranks]
    items = []
    for name in names:
        scene = shrink(load_scene(folder, name), scale)
        mirrored = rng.random() < 0.5
        items.append(encode(vae, scene, rng, recolour=False, flip=mirrored))
        items.append(encode(vae, scene, rng, recolour=True, flip=not mirrored))
    return items
