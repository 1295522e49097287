"""Photos of products on studio paper under all kinds of light, with their exact coverage: what masks are learnt from."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import bpy  # noqa: F401 - mathutils comes with it
from mathutils import Matrix

from training.blender import lighting, materials
from training.blender.grounds import sweep
from training.blender.render import apply, build_product, corners, reset, shoot, shoot_alpha
from training.blender.stage import product_camera
from training.palette import PRODUCT_COLOURS, jittered
from training.scenes import GARMENTS, PRODUCTS

SIDE = 256
PALE = ("white", "cream", "grey")
"""Colours that are hard to tell from shaded paper: every other product has one."""


def photograph_studio(
    out: Path, count: int, seed: int, shard: tuple[int, int] = (0, 1), side: int = SIDE
) -> None:
    """Render the photos below ``count`` that ``out`` does not hold yet, ``side`` pixels square; ``shard`` (k, n) takes each
    n-th from k on.
    """
    out.mkdir(parents=True, exist_ok=True)
    for index in range(shard[0], count, shard[1]):
        stem = out / f"{seed}-{index:05d}"
        if stem.with_suffix(".json").exists():
            continue
        reset(8, 1 if shard[1] > 1 else 0)
        rng = random.Random(f"studio:{seed}:{index}")
        name = rng.choice(PRODUCTS)
        product = _build(name, rng)
        shoot(stem.with_suffix(".jpg"), (side, side), "JPEG")
        shoot_alpha(stem.with_suffix(".png"), (side, side), product)
        stem.with_suffix(".json").write_text(json.dumps({"product": name}))


def _build(name: str, rng: random.Random) -> list[object]:
    """Paper, light, camera and product; the product's objects."""
    colour = rng.choice(PALE) if rng.random() < 0.5 else rng.choice(list(PRODUCT_COLOURS))
    other = rng.choice(PALE) if rng.random() < 0.4 else rng.choice(list(PRODUCT_COLOURS))
    main, accent = (jittered(PRODUCT_COLOURS[key].rgb, rng, 0.05) for key in (colour, other))
    turn = Matrix.Rotation(math.radians(rng.uniform(-30, 30)), 4, "Z")
    product = build_product(name, rng, main, accent, turn)
    depth, hung = rng.uniform(0.9, 2.5), name in GARMENTS and rng.random() < 0.7
    if hung:
        depth = 0.95
        apply(product, Matrix.Translation((0, 1.9 - rng.uniform(0, 0.15), 0.55)))
    low, high = corners(product)
    middle = (low + high) / 2
    grey = rng.choice((0.84, rng.uniform(0.45, 0.9)))
    tint = [min(1.0, grey * rng.uniform(0.98, 1.02)) for _ in range(3)]
    sweep(materials.plain((tint[0], tint[1], tint[2]), 0.95), depth)
    lighting.world((1, 1, 1), rng.uniform(0.2, 0.9))
    side, size = rng.uniform(-1.1, 1.1), rng.uniform(0.4, 3.5)
    key = (3.6 * math.sin(side), -2.6 * math.cos(side), rng.uniform(1.8, 4.2))
    lighting.area(key, size, rng.uniform(90, 330), (1, 1, 1), tuple(middle))
    camera = product_camera(low, high, 0.0 if hung else rng.uniform(0.02, 0.5), rng.uniform(0.4, 0.8))
    camera.shift_x, camera.shift_y = rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08)
    return product
