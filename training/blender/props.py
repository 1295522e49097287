"""What stands or lies beside the product: podiums, arches, plants, petals, candles, fruit, cloth, pebbles."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from training.blender import materials, textures
from training.blender.foliage import GREENS, leaves, sprig
from training.blender.grounds import PODIUM_HEIGHT, colour, drape
from training.blender.mesh import arc, ball, box, height_field, lathe, link, mesh_object, tube
from training.palette import jittered, scaled
from training.scenes import SceneSpec

Rgb = tuple[float, float, float]
STONES: tuple[Rgb, ...] = ((0.55, 0.54, 0.52), (0.80, 0.78, 0.74), (0.30, 0.30, 0.31), (0.66, 0.58, 0.50))


class Around:
    """Free places on the ground beside a product with half extents ``reach`` (x, y)."""

    def __init__(self, spec: SceneSpec, rng: random.Random, reach: tuple[float, float]) -> None:
        self.spec, self.rng, self.reach = spec, rng, reach
        self.side = -1 if spec.shift > 0 else 1 if spec.shift < 0 else rng.choice((-1, 1))

    def beside(self, radius: float, spread: float = 0.35) -> tuple[float, float]:
        """A place at the freer side, just clear of the product."""
        rng = self.rng
        if self.spec.view == "top":
            angle = rng.uniform(0, 2 * math.pi)
            far = radius + rng.uniform(0.04, spread)
            return (self.reach[0] + far) * math.cos(angle), (self.reach[1] + far) * math.sin(angle)
        side = self.side if rng.random() < 0.75 else -self.side
        x = side * (self.reach[0] + radius + rng.uniform(0.02, spread))
        return x, rng.uniform(-0.5, 0.35)


def _tone(spec: SceneSpec, rng: random.Random, fallback: Rgb = (0.88, 0.86, 0.82)) -> Rgb:
    return colour(spec.prop_colour, rng) if spec.prop_colour else fallback


def podium(place: Around, low: float) -> None:
    """A round plinth whose top is the product's ground."""
    spec, rng = place.spec, place.rng
    radius = max(math.hypot(*place.reach) + 0.12, rng.uniform(0.6, 0.95))
    material = _stage_material(spec, rng)
    body = [(0, -PODIUM_HEIGHT), (radius, -PODIUM_HEIGHT), (radius, low), (0, low)]
    lathe("podium", body, radius=0.025, segments=72).data.materials.append(material)
    if rng.random() < 0.4:
        step = [
            (0, -PODIUM_HEIGHT),
            (radius * 1.35, -PODIUM_HEIGHT),
            (radius * 1.35, low - 0.17),
            (0, low - 0.17),
        ]
        lathe("step", step, radius=0.025, segments=72).data.materials.append(material)


def _stage_material(spec: SceneSpec, rng: random.Random) -> Any:
    tone = _tone(spec, rng)
    if rng.random() < 0.2:
        return textures.limestone(rng)
    return materials.plain(scaled(tone, 1.03, 0.02), rng.choice((0.5, 0.8)))


def plinth(place: Around, low: float) -> None:
    """A square plinth, sometimes with a cube beside it."""
    spec, rng = place.spec, place.rng
    side = 2 * max(place.reach[0] + 0.14, place.reach[1] + 0.14, 0.5)
    material = _stage_material(spec, rng)
    height = low + PODIUM_HEIGHT
    obj = box("plinth", (side, side, height), (0, 0, low - height / 2), 0.02)
    obj.data.materials.append(material)
    if rng.random() < 0.6:
        h = rng.uniform(0.45, 1.3)
        at = place.side * (side / 2 + rng.uniform(0.25, 0.5))
        cube = box("cube", (0.55, 0.55, h), (at, rng.uniform(0.2, 0.6), h / 2 - PODIUM_HEIGHT), 0.02)
        cube.data.materials.append(material)


def arch(place: Around, low: float) -> None:
    """A flat arch that frames the product from behind."""
    spec, rng = place.spec, place.rng
    half = max(place.reach[0] + 0.25, rng.uniform(0.7, 0.95))
    top = rng.uniform(0.6, 0.9)
    outline = [(-half, 0.0), *[(x, z) for x, _, z in arc((0, 0, top), half, half, 180, 0, 40)], (half, 0.0)]
    y = place.reach[1] + rng.uniform(0.25, 0.45)
    count = len(outline)
    vertices = [(x, y + d, z + low) for d in (0.0, 0.16) for x, z in outline]
    rim = [(i, (i + 1) % count, count + (i + 1) % count, count + i) for i in range(count)]
    obj = mesh_object("arch", vertices, [list(range(count)), *rim], smooth=False)
    obj.data.materials.append(materials.plain(_tone(spec, rng), 0.8))


def plant(place: Around, low: float) -> None:
    """A potted plant."""
    rng = place.rng
    x = place.side * (place.reach[0] + rng.uniform(0.38, 0.7))
    y = rng.uniform(0.1, 0.6)
    pot = lathe("pot", [(0, 0), (0.17, 0), (0.23, 0.4), (0.2, 0.4), (0.16, 0.3), (0, 0.3)], radius=0.03)
    pot.location = (x, y, low)
    pot.data.materials.append(
        materials.plain(rng.choice(((0.72, 0.42, 0.3), (0.9, 0.89, 0.86), (0.3, 0.31, 0.33))), 0.7)
    )
    leaves(rng, 46, (x - 0.3, y - 0.3, low + 0.45), (x + 0.3, y + 0.3, low + 1.05), 0.3, lift=1.15)
    for k in range(5):
        stem = arc((x + (k - 2) * 0.02, y, low + 0.3), 0.06 * (k - 2), 0.6, 0, 80, 5)
        tube("stem", stem, 0.012).data.materials.append(materials.plain(GREENS[0], 0.7))


def pebbles(place: Around, low: float) -> None:
    """Smooth river stones."""
    rng = place.rng
    for _ in range(rng.randint(4, 8)):
        r = rng.uniform(0.06, 0.15)
        stone = ball("stone", r, rng.uniform(0.55, 0.75))
        x, y = place.beside(r * 1.2, 0.5)
        stone.location, stone.rotation_euler = (x, y, low), (0, 0, rng.uniform(0, 3))
        stone.scale.x = rng.uniform(1.0, 1.45)
        stone.data.materials.append(materials.plain(jittered(rng.choice(STONES), rng), 0.6))


def petals(place: Around, low: float) -> None:
    """Rose petals scattered on the ground."""
    spec, rng = place.spec, place.rng
    blush = rng.choice(((0.93, 0.66, 0.70), (0.96, 0.90, 0.88), (0.80, 0.16, 0.24), (0.96, 0.76, 0.62)))
    tone = _tone(spec, rng, blush)
    u, v = np.linspace(-1, 1, 7), np.linspace(0, 1, 7)
    gu, gv = np.meshgrid(u, v)
    for _ in range(rng.randint(14, 30)):
        size, curl = rng.uniform(0.055, 0.095), rng.uniform(0.08, 0.3)
        height = size * curl * (gu**2 + (gv - 0.45) ** 2 * 1.3)
        obj = height_field("petal", u, v, height)
        shape = np.stack([gu * size * 0.8 * np.sin(np.pi * (0.12 + 0.78 * gv)), gv * size * 1.6, height], 2)
        obj.data.vertices.foreach_set("co", shape.reshape(-1).astype(np.float32))
        obj.data.update()
        x, y = place.beside(0.05, 0.75)
        obj.location, obj.rotation_euler = (
            (x, y, low + 0.004),
            (rng.uniform(-0.15, 0.15), 0, rng.uniform(0, 6.3)),
        )
        obj.data.materials.append(materials.plain(jittered(tone, rng, 0.06), 0.6))


def candles(place: Around, low: float) -> None:
    """One to three burning candles."""
    spec, rng = place.spec, place.rng
    tone = _tone(spec, rng, (0.93, 0.89, 0.80))
    at = place.reach[0] + 0.2
    for k in range(rng.randint(1, 3)):
        r, h = rng.uniform(0.08, 0.13), rng.uniform(0.25, 0.7)
        x, y = place.side * (at + 0.24 * k), rng.uniform(0.0, 0.45)
        wax = lathe("candle", [(0, 0), (r, 0), (r, h), (r * 0.8, h - 0.02), (0, h - 0.03)], radius=0.02)
        wax.location = (x, y, low)
        wax.data.materials.append(materials.plain(tone, 0.5))
        flame = lathe("flame", [(0, 0), (0.022, 0.035), (0.012, 0.085), (0, 0.12)], radius=0.03, segments=12)
        flame.location = (x, y, low + h + 0.015)
        flame.data.materials.append(materials.emission((1.0, 0.78, 0.40), 5.0))
        lamp = bpy.data.lights.new("flame", "POINT")
        lamp.energy, lamp.color, lamp.shadow_soft_size = 5.0, (1.0, 0.68, 0.36), 0.06
        link(bpy.data.objects.new("flame", lamp)).location = (x, y - 0.02, low + h + 0.1)


def _fruit(place: Around, low: float, peel: Rgb, flesh: Rgb, shape: float) -> None:
    rng = place.rng
    for k in range(rng.randint(2, 4)):
        r = rng.uniform(0.16, 0.2) if shape == 1 else rng.uniform(0.12, 0.15)
        x, y = place.beside(r * 1.2, 0.3 + 0.25 * k)
        fruit = ball("fruit", r, 0.97, 32)
        fruit.location, fruit.rotation_euler = (x, y, low), (0, 0, rng.uniform(0, 3))
        fruit.scale.x = shape
        fruit.data.materials.append(textures.peel(rng, jittered(peel, rng, 0.03)))
    r = 0.17 if shape == 1 else 0.14
    x, y = place.beside(r, 0.3)
    half = lathe("half", [(0, 0.02), (r * 0.8, 0.03), (r, 0.05), (r * 0.97, 0.06), (0, 0.062)], radius=0.01)
    if place.spec.view == "front":
        half.rotation_euler = (math.radians(68), 0, rng.uniform(-0.5, 0.5))
        half.location = (x, min(y, -0.1), low + r * 0.93)
    else:
        half.location = (x, y, low)
    half.data.materials.append(textures.cut_fruit(rng, peel, flesh, r))
    if rng.random() < 0.7:
        leaves(rng, 4, (x - 0.3, y - 0.1, low + 0.02), (x + 0.3, y + 0.3, low + 0.08), 0.2, flat=True)


def oranges(place: Around, low: float) -> None:
    """Oranges, whole and halved."""
    _fruit(place, low, (0.93, 0.48, 0.08), (0.97, 0.62, 0.20), 1.0)


def lemons(place: Around, low: float) -> None:
    """Lemons, whole and halved."""
    _fruit(place, low, (0.95, 0.80, 0.15), (0.97, 0.91, 0.55), 1.3)


def fabric(place: Around, low: float) -> None:
    """A piece of satin or cloth, laid in folds under and beside the product."""
    spec, rng = place.spec, place.rng
    x, y = (
        np.linspace(-1.3, 1.3, 170) * (place.reach[0] + 0.4),
        np.linspace(-0.9, 0.9, 110) * (place.reach[1] + 0.6),
    )
    gx, gy = np.meshgrid(x, y)
    z = drape(rng, gx, gy, place.reach, 0.13, 0.35)
    turn, shift = rng.uniform(-0.5, 0.5), place.side * rng.uniform(0.0, 0.3)
    edge = np.maximum(np.abs(gx / x.max()), np.abs(gy / y.max()))
    z *= np.clip((1 - edge) / 0.35, 0, 1)
    obj = height_field("cloth", x, y, z + 0.006)
    obj.location, obj.rotation_euler = (shift, 0.05, low), (0, 0, turn * 0.4)
    tone = _tone(spec, rng)
    obj.data.materials.append(
        textures.satin(tone) if rng.random() < 0.6 else materials.plain(tone, 0.9, fabric=True)
    )


def sprigs(place: Around, low: float) -> None:
    """One to three leafy twigs lying on the ground."""
    rng = place.rng
    for _ in range(rng.randint(1, 3)):
        x, y = place.beside(0.12, 0.4)
        turn = rng.uniform(0, 2 * math.pi)
        if place.spec.view == "front":
            turn = rng.uniform(-0.6, 0.6) + (math.pi if x < 0 else 0.0)
        sprig(rng, (x, y, low + 0.03), turn, rng.uniform(0.5, 0.85))


_MAKERS: dict[str, Callable[[Around, float], None]] = {
    "podium": podium, "block": plinth, "arch": arch, "plant": plant, "pebbles": pebbles, "petals": petals,
    "candles": candles, "oranges": oranges, "lemons": lemons, "fabric": fabric, "sprig": sprigs,
}  # fmt: skip


def props(spec: SceneSpec, rng: random.Random, reach: tuple[float, float], product_low: float) -> None:
    """The main prop and the extra one; ``reach`` is half the product's size in x and y."""
    place = Around(spec, rng, reach)
    if spec.prop in _MAKERS:
        _MAKERS[spec.prop](place, product_low)
    if spec.extra in _MAKERS:
        raised = spec.prop in ("podium", "block")
        wide = (reach[0] + 0.55, reach[1] + 0.4) if raised else reach
        _MAKERS[spec.extra](Around(spec, rng, wide), product_low - PODIUM_HEIGHT if raised else product_low)
