"""Teaches the vision encoder what product pictures show before there is a denoiser: shape, colours, and where they are.

As with words (`training.words`): a joint training from nothing had learnt nothing from that picture after 2,200 steps.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.product import product_picture
from training.dataset import held_out, load_scene, recolour_product, scene_names
from training.latents import clip_pixels
from training.models import PRODUCT_SIDE, new_vision_encoder
from training.precision import half_precision
from training.progress import fit

THUMBNAIL, BATCH, VARIANTS = 4, 64, 4


class Seer(nn.Module):
    """The vision encoder with what is thrown away afterwards: a linear layer for the shape, one for a thumbnail."""

    def __init__(self, vision: Any, shapes: int) -> None:
        super().__init__()
        self.vision = vision
        width = vision.config.projection_dim
        self.shape, self.thumbnail = nn.Linear(width, shapes), nn.Linear(width, 3 * THUMBNAIL**2)

    def forward(self, products: Tensor) -> tuple[Tensor, Tensor]:
        """Scores per shape, and thumbnails (N, 3 · THUMBNAIL²), of uint8 (N, 3, S, S) pictures."""
        seen = self.vision(clip_pixels(products)).image_embeds
        return self.shape(seen), self.thumbnail(seen)


def read_products(folder: Path, rng: random.Random) -> tuple[Tensor, list[str]]:
    """Pictures uint8 (N, 3, S, S) of the training scenes' products in VARIANTS colours each, and their shapes' names."""
    pictures, shapes = [], []
    for name in scene_names(folder):
        if not held_out(name):
            scene = load_scene(folder, name)
            for rgb in [scene.rgb, *(recolour_product(scene, rng) for _ in range(VARIANTS - 1))]:
                picture = product_picture(np.dstack((rgb, scene.alpha)), PRODUCT_SIDE)
                pictures.append(torch.from_numpy(picture).permute(2, 0, 1))
                shapes.append(str(scene.spec["product"]))
    return torch.stack(pictures), shapes


def learn_products(scenes: Path, work: Path, minutes: float, seed: int = 1) -> None:
    """Teach a new vision encoder and write it to ``work``/vision.pt, from where the joint training starts."""
    torch.manual_seed(seed)
    vision = new_vision_encoder()
    teach_products(vision, *read_products(scenes, random.Random(seed)), minutes, seed)
    part = work / "vision.part"
    torch.save(vision.state_dict(), part)
    part.replace(work / "vision.pt")


def teach_products(vision: Any, pictures: Tensor, shapes: list[str], minutes: float, seed: int = 1) -> Seer:
    """Train ``vision`` in place for ``minutes`` and print progress; returns the seer around it.

    The loss is the shape's cross-entropy and the thumbnail's squared error over its variance.
    """
    answers = sorted(set(shapes))
    wanted = torch.tensor([answers.index(shape) for shape in shapes])
    small = F.adaptive_avg_pool2d(pictures.float(), THUMBNAIL).flatten(1)
    scaled = (small - small.mean(0)) / (small.std(0) + 1)
    torch.manual_seed(seed)
    seer, rng = Seer(vision, len(answers)), random.Random(seed)

    def losses() -> dict[str, Tensor]:
        chosen = rng.choices(range(len(pictures)), k=BATCH)
        with half_precision():
            scores, made = seer(pictures[chosen])
        return {
            "shape": F.cross_entropy(scores.float(), wanted[chosen]),
            "thumbnail": (made.float() - scaled[chosen]).square().mean(),
        }

    fit(seer, minutes, losses)
    return seer
