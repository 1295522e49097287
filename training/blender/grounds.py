"""What the product stands on: flat grounds, heaped snow and draped cloth."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from training.blender import materials, textures
from training.blender.mesh import height_field, mesh_object, plane
from training.palette import WALL_COLOURS, jittered
from training.scenes import TABLES, SceneSpec

F64 = NDArray[np.float64]
OPEN_BEHIND = frozenset({"foliage", "bokeh", "shelves", "room", "street"})
PODIUM_HEIGHT = 0.32


def colour(key: str, rng: random.Random) -> tuple[float, float, float]:
    """A palette colour, slightly varied."""
    return jittered(WALL_COLOURS[key].rgb, rng)


def surface_material(spec: SceneSpec, rng: random.Random) -> Any:
    """The material of the ground."""
    tone = colour(spec.surface_colour, rng) if spec.surface_colour else (0.5, 0.5, 0.5)
    makers = {
        "oak": lambda: materials.wood(rng, (0.50, 0.32, 0.17), (0.76, 0.56, 0.36)),
        "walnut": lambda: materials.wood(rng, (0.19, 0.10, 0.06), (0.40, 0.24, 0.15), 0.35),
        "marble": lambda: materials.marble(rng, (0.93, 0.93, 0.92), (0.42, 0.43, 0.46)),
        "black marble": lambda: materials.marble(rng, (0.055, 0.06, 0.065), (0.72, 0.71, 0.68)),
        "concrete": lambda: materials.mottled(
            rng, (0.44, 0.44, 0.43), (0.60, 0.60, 0.59), scale=1.1, bump=0.12
        ),
        "sand": lambda: materials.sand(rng),
        "grass": lambda: materials.mottled(rng, (0.18, 0.33, 0.08), (0.34, 0.52, 0.16), scale=2.0, bump=0.3),
        "moss": lambda: materials.mottled(rng, (0.20, 0.33, 0.08), (0.50, 0.62, 0.19), scale=2.6, bump=1.0),
        "linen": lambda: materials.folds(rng, tone),
        "glossy black": lambda: materials.plain((0.035, 0.035, 0.04), 0.08, coat=0.5),
        "paper": lambda: materials.plain(tone, 0.9),
        "tiles": lambda: textures.tiles(rng, tone, rng.uniform(0.3, 0.55)),
        "slate": lambda: textures.slate(rng),
        "stone": lambda: textures.limestone(rng),
        "velvet": lambda: textures.velvet(rng, tone),
        "satin": lambda: textures.satin(tone),
        "snow": lambda: textures.snow(rng),
        "shore": lambda: textures.shore(rng, dusk=spec.backdrop == "sea sunset"),
        "water": lambda: textures.water(rng),
    }
    return makers[spec.surface]()


def _ripples(rng: np.random.Generator, x: F64, y: F64, scale: float, count: int = 5) -> F64:
    """A smooth random field of about unit size: waves of random direction and phase."""
    total = np.zeros_like(x)
    for _ in range(count):
        angle, length = rng.uniform(0, 2 * math.pi), scale * rng.uniform(0.7, 1.5)
        along = (x * math.cos(angle) + y * math.sin(angle)) / length
        total += np.sin(2 * math.pi * (along + rng.uniform()))
    return total / math.sqrt(count)


def drape(
    rng: random.Random, x: F64, y: F64, reach: tuple[float, float], depth: float, slope: float = 1.0
) -> F64:
    """Heights of cloth: long folds that die out under the product, whose half extents are ``reach``.

    They reach their full ``depth`` at ``slope`` times the product's size away from it.
    """
    noise = np.random.default_rng(rng.randrange(1 << 30))
    turn = rng.uniform(-0.7, 0.7) + rng.choice((0.0, math.pi / 2))
    across = x * math.cos(turn) + y * math.sin(turn)
    phase = across / rng.uniform(0.34, 0.6) + 0.6 * _ripples(noise, x, y, 2.2)
    sharp = (0.5 + 0.5 * np.sin(2 * math.pi * phase)) ** 1.7
    broad = 0.5 + 0.35 * _ripples(noise, x, y, 1.7, 3)
    distance = np.hypot(x / (reach[0] + 0.12), y / (reach[1] + 0.12))
    free = np.clip((distance - 1.0) / slope, 0, 1) ** 1.3
    front = np.where(y < 0, np.clip(1.15 + y * 0.35, 0.3, 1), 1.0)
    return depth * free * front * np.clip(sharp * broad * 1.5, 0, 1.6)


def _heaped(
    spec: SceneSpec, rng: random.Random, material: Any, reach: tuple[float, float], edge: float
) -> Any:
    t = np.linspace(-1, 1, 320)
    x, y = 8 * np.sign(t) * np.abs(t) ** 1.5, np.linspace(-3.6, edge, 230)
    gx, gy = np.meshgrid(x, y)
    if spec.surface == "snow":
        noise = np.random.default_rng(rng.randrange(1 << 30))
        free = np.clip(np.hypot(gx / (reach[0] + 0.2), gy / (reach[1] + 0.2)) - 1.0, 0, 1)
        z = 0.09 * free * (_ripples(noise, gx, gy, 2.2) + 0.5 * _ripples(noise, gx, gy, 0.8))
        z = np.where(gy < 0, np.minimum(z, 0.03), z) + 0.04 * np.clip(gy - 2, 0, 3)
    else:
        z = drape(rng, gx, gy, reach, 0.10 if spec.surface == "velvet" else 0.12)
    obj = height_field("ground", x, y, z - 0.002)
    obj.data.materials.append(material)
    return obj


def sweep(material: Any, depth: float, low: float = 0.0) -> None:
    """Seamless paper: floor at height ``low``, a round bend, wall."""
    bend = [(depth + 1.2 * math.sin(a), 1.2 * (1 - math.cos(a))) for a in np.linspace(0, math.pi / 2, 14)]
    line = [(-12.0, 0.0), *bend, (depth + 1.2, 20.0)]
    vertices = [(x, y, z + low) for y, z in line for x in (-25, 25)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(line) - 1)]
    mesh_object("sweep", vertices, faces).data.materials.append(material)


def ground(spec: SceneSpec, rng: random.Random, reach: tuple[float, float]) -> None:
    """Lay the ground at z = 0, lower where the product stands on a podium."""
    material = surface_material(spec, rng)
    low = -PODIUM_HEIGHT if spec.prop in ("podium", "block") else 0.0
    if spec.backdrop == "paper":
        sweep(material, rng.uniform(0.9, 2.2), low)
        return
    open_table = spec.backdrop in OPEN_BEHIND and spec.surface in TABLES
    edge = rng.uniform(1.3, 2.3) if open_table else 30.0
    if spec.surface in ("velvet", "satin", "snow"):
        obj = _heaped(spec, rng, material, reach, min(edge, 9.0 if spec.surface == "snow" else 4.0))
        if edge > 9 and spec.surface == "snow":
            plane("far", 120, 60, Matrix.Translation((0, 36, 0.1 + low)), material)
    else:
        obj = plane("ground", 60, 60, Matrix.Translation((0, edge - 30.0, 0)), material)
    obj.matrix_world = Matrix.Translation((0, 0, low)) @ obj.matrix_world
