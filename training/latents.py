"""Scenes as the denoiser sees them: latents, edges, the product's picture and loss weights, encoded once."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.edges import draw_edges
from creatives.pipeline.horizon import BESIDE, find_horizon, line_beside, sharpest_row
from creatives.pipeline.measures import grown, lab
from creatives.pipeline.product import product_picture
from creatives.pipeline.setting_lines import find_lines
from training.dataset import Scene, held_out, load_scene, recolour_product, scene_names, to_tensor
from training.models import PRODUCT_SIDE
from training.patches import SIDE, PatchBasis
from training.scenes import RENDER_SCALE, SIZES

PRODUCT_WEIGHT = 0.4
"""Loss weight inside the product: the real product is pasted over it in the end, its surroundings stay."""
CLOSEST = 0.75
"""Smallest share of a scene's width and height that a closer view keeps: the caption must stay true."""
SMALL = frozenset(size for size, _ in SIZES)
"""Sizes of scenes that were rendered at the smaller class, 1 / RENDER_SCALE of the others."""
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass
class Item:
    """One training example.

    latents (C, h, w) float16, edges uint8 (8h, 8w), weight (1, h, w), product uint8 (3, S, S), description; horizon: its
    row, or -1, and where in that row it is seen, bool (8w,); lines int16 (n, 3): rows and columns of the setting's other
    lines, and the number of the line, negative for faint ones.
    """

    latents: Tensor
    edges: Tensor
    weight: Tensor
    product: Tensor
    spec: dict[str, Any]
    recoloured: bool
    horizon: tuple[int, Tensor]
    lines: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.edges.shape[1], self.edges.shape[0]


def shrink(scene: Scene, longest: tuple[int, int]) -> Scene:
    """The scene at the given (width, height)."""
    if scene.size == longest:
        return scene
    rgb = cv2.resize(scene.rgb, longest, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(scene.alpha, longest, interpolation=cv2.INTER_AREA)
    return Scene(scene.name, scene.spec, np.asarray(rgb, np.uint8), np.asarray(alpha, np.uint8))


def loss_weight(alpha: NDArray[np.uint8]) -> Tensor:
    """(1, h, w) in PRODUCT_WEIGHT..1: low where a latent cell and its neighbours are all product."""
    cover = torch.from_numpy(alpha.astype(np.float32) / 255)[None, None]
    inside = -F.max_pool2d(-F.avg_pool2d(cover, SIDE), 3, 1, 1)
    return (1 - (1 - PRODUCT_WEIGHT) * inside)[0]


def clip_pixels(products: Tensor) -> Tensor:
    """uint8 (N, 3, S, S) pictures as CLIP's image processor hands them to its encoder."""
    mean, deviation = torch.tensor(CLIP_MEAN), torch.tensor(CLIP_STD)
    return (products.float() / 255 - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)


@torch.no_grad()
def encode(basis: PatchBasis, scene: Scene, rng: random.Random, *, recolour: bool, flip: bool) -> Item:
    """Encode one variant of a scene."""
    rgb = recolour_product(scene, rng) if recolour else scene.rgb
    alpha = scene.alpha
    if flip:
        rgb, alpha = np.ascontiguousarray(rgb[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    latents = basis.encode(to_tensor([rgb]))[0]
    edges = torch.from_numpy(draw_edges(rgb, alpha))
    product = (
        torch.from_numpy(product_picture(np.dstack((rgb, alpha)), PRODUCT_SIDE)).permute(2, 0, 1).contiguous()
    )
    horizon = horizon_of(scene.spec, rgb, alpha >= 128)
    lines = lines_of(rgb, alpha >= 128, horizon[0])
    weight = loss_weight(alpha)
    return Item(latents.half().contiguous(), edges, weight, product, scene.spec, recolour, horizon, lines)


def lines_of(rgb: NDArray[np.uint8], product: NDArray[np.bool_], row: int) -> Tensor:
    """int16 (n, 3): row, column and number of the line of each of the setting's pixels with one, but for the horizon."""
    numbers = find_lines(rgb, product, row)
    places = np.argwhere(numbers)
    return torch.from_numpy(np.column_stack((places, numbers[tuple(places.T)])).astype(np.int16))


def horizon_of(
    spec: dict[str, Any], rgb: NDArray[np.uint8], product: NDArray[np.bool_]
) -> tuple[int, Tensor]:
    """Row of the line between a scene's ground and its backdrop, -1 for none, and where it is seen, bool (W,)."""
    nowhere = -1, torch.zeros(rgb.shape[1], dtype=torch.bool)
    if spec["view"] == "top" or spec["backdrop"] in ("none", "paper"):
        return nowhere
    colours, clear = lab(rgb), ~grown(product, BESIDE)
    row = find_horizon(colours, clear)
    if row is None:
        return nowhere
    row = sharpest_row(colours, clear, row)
    return row, torch.from_numpy(line_beside(product, row))


def training_size(scene: Scene, scale: float) -> tuple[int, int]:
    """(width, height) of a scene in training: ``scale`` × the large size it stands for, never above its own."""
    own = 1 / RENDER_SCALE if scene.size in SMALL else 1.0
    factor = min(1.0, scale / own)
    width, height = (round(side * factor / SIDE) * SIDE for side in scene.size)
    return width, height


def closer(scene: Scene, rng: random.Random, smallest: tuple[int, int]) -> Scene | None:
    """A random part of the scene with all of its product, of its shape, at least ``smallest`` and CLOSEST of it.

    None where there is no room for one.
    """
    width, height = scene.size
    rows, columns = np.flatnonzero(scene.alpha.max(1) > 8), np.flatnonzero(scene.alpha.max(0) > 8)
    needed = max(CLOSEST, smallest[0] / width, smallest[1] / height)
    if len(rows):
        needed = max(needed, (rows[-1] + 1 - rows[0]) / height, (columns[-1] + 1 - columns[0]) / width)
    if needed > 0.97:
        return None
    share = rng.uniform(needed, 1)
    w, h = max(round(width * share), smallest[0]), max(round(height * share), smallest[1])
    left, top = (
        rng.randint(max(0, ends[1] + 1 - part), min(ends[0], side - part))
        for ends, part, side in (
            ((columns[0], columns[-1]) if len(columns) else (0, 0), w, width),
            ((rows[0], rows[-1]) if len(rows) else (0, 0), h, height),
        )
    )
    part = (slice(top, top + h), slice(left, left + w))
    return Scene(scene.name, scene.spec, scene.rgb[part], scene.alpha[part])


def load_items(folder: Path, basis: PatchBasis, scale: float, rank: int, ranks: int, seed: int) -> list[Item]:
    """This rank's share of the training scenes, each as it is and once mirrored, and both twice from closer by.

    Scenes whose colours do not follow the product's are mirrored with another product colour. Nothing is enlarged: there is
    no closer view of a scene that is used at its own size.
    """
    rng = random.Random(seed)
    names = [n for n in scene_names(folder) if not held_out(n)][rank::ranks]
    items = []
    for name in names:
        whole = load_scene(folder, name)
        size = training_size(whole, scale)
        free = whole.spec.get("harmony", "free") == "free"
        mirrored = rng.random() < 0.5
        for view in (whole, closer(whole, rng, size), closer(whole, rng, size)):
            if view is not None:
                items.append(encode(basis, shrink(view, size), rng, recolour=False, flip=mirrored))
                items.append(encode(basis, shrink(view, size), rng, recolour=free, flip=not mirrored))
    return items
