"""Product photos of the demo catalogue: light grey studio paper, one soft key, JPEG of 800 × 800."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import bpy  # noqa: F401 - mathutils comes with it
from mathutils import Matrix

from training.blender import lighting, materials
from training.blender.grounds import sweep
from training.blender.render import apply, build_product, corners, reset, shoot
from training.blender.stage import product_camera
from training.catalogue import PRODUCTS, DemoProduct
from training.palette import PRODUCT_COLOURS

SIDE = 800
HUNG = frozenset({"tshirt", "hoodie"})


def photograph(product: DemoProduct, path: Path, samples: int = 8) -> None:
    """Render one product into ``path``; the same product always gives the same picture."""
    reset(samples)
    rng = random.Random(f"photo:{product.id}")
    main, accent = PRODUCT_COLOURS[product.main].rgb, PRODUCT_COLOURS[product.accent].rgb
    degrees = (
        0 if product.shape in HUNG else rng.uniform(-22, 22) + (180 if product.shape == "sneaker" else 0)
    )
    objects = build_product(product.shape, rng, main, accent, Matrix.Rotation(math.radians(degrees), 4, "Z"))
    depth = 1.4
    if product.shape in HUNG:
        apply(objects, Matrix.Translation((0, 1.9, 0.55)))
        depth = 0.95
    low, high = corners(objects)
    sweep(materials.plain((0.84, 0.845, 0.85), 0.95), depth)
    lighting.world((1, 1, 1), 0.62)
    middle = (low + high) / 2
    lighting.area((-2.2, -2.4, 3.6), 2.0, 270, (1, 1, 1), tuple(middle))
    rise = 0.0 if product.shape in HUNG else 0.24
    product_camera(low, high, rise, 0.7)
    shoot(path, (SIDE, SIDE), "JPEG")


def photograph_all(folder: Path) -> None:
    """Render every photo that ``folder`` does not hold yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, product in enumerate(PRODUCTS, 1):
        path = folder / f"{product.id.lower()}.jpg"
        if path.exists():
            continue
        started = time.monotonic()
        photograph(product, path)
        print(f"photo {number}/{len(PRODUCTS)} {path.name} {time.monotonic() - started:.1f} s", flush=True)
