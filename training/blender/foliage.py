"""Leaves and grass: scattered, instanced or as one mesh."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np

from training.blender import materials
from training.blender.mesh import link, mesh_object, tube
from training.palette import jittered, scaled

GREENS = ((0.22, 0.40, 0.14), (0.33, 0.55, 0.20), (0.50, 0.68, 0.28), (0.17, 0.33, 0.16))


def blades(rng: random.Random, count: int = 16000) -> None:
    """Grass around the product as one mesh of bent triangles, low where the product stands."""
    random_ = np.random.default_rng(rng.randrange(1 << 30))
    x, y = random_.uniform(-3.2, 3.2, count), random_.uniform(-3.0, 3.5, count)
    height = random_.uniform(0.08, 0.2, count) * np.clip(np.hypot(x, y * 1.3) * 1.4, 0.25, 1)
    angle, lean = random_.uniform(0, 2 * np.pi, count), random_.uniform(0.0, 0.09, count)
    dx, dy = 0.011 * np.cos(angle), 0.011 * np.sin(angle)
    vertices = np.stack(
        [
            np.stack([x - dx, y - dy, 0 * x], 1),
            np.stack([x + dx, y + dy, 0 * x], 1),
            np.stack([x + lean * np.sin(angle), y + lean * np.cos(angle), height], 1),
        ],
        1,
    ).reshape(-1, 3)
    mesh = bpy.data.meshes.new("grass")
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.ravel())
    mesh.loops.add(count * 3)
    mesh.loops.foreach_set("vertex_index", np.arange(count * 3))
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, count * 3, 3))
    mesh.polygons.foreach_set("material_index", random_.integers(0, 3, count))
    for rgb in GREENS[:3]:
        mesh.materials.append(materials.plain(jittered(rgb, rng), 0.8))
    mesh.update()
    link(bpy.data.objects.new("grass", mesh))


def leaves(
    rng: random.Random,
    count: int,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    size: float,
    *,
    seen: bool = True,
    lift: float = 1.0,
    flat: bool = False,
) -> None:
    """Scattered leaves between two corners: foliage behind, or (unseen) casting dappled shadow.

    ``lift`` brightens them, ``flat`` lays them on the ground.
    """
    outline = [
        (0, 0, 0),
        (0.22, 0.3, 0.05),
        (0.2, 0.65, 0.04),
        (0, 1, -0.05),
        (-0.2, 0.65, 0.04),
        (-0.22, 0.3, 0.05),
    ]
    pieces = []
    for rgb in GREENS:
        piece = mesh_object("leaf", outline, [(0, 1, 2, 3, 4, 5)])
        piece.data.materials.append(materials.plain(jittered(scaled(rgb, lift), rng), 0.5))
        pieces.append(piece)
    for k in range(count):
        obj = link(bpy.data.objects.new("leaf", pieces[k % len(pieces)].data))
        obj.location = [rng.uniform(a, b) for a, b in zip(low, high, strict=True)]
        tilt = 0.3 if flat else 6.3
        obj.rotation_euler = [rng.uniform(0, tilt), rng.uniform(0, tilt), rng.uniform(0, 6.3)]
        obj.scale = (size * rng.uniform(0.6, 1.3),) * 3
        obj.visible_camera = seen
    for piece in pieces:
        bpy.data.objects.remove(piece)


def sprig(rng: random.Random, foot: tuple[float, float, float], turn: float, length: float) -> None:
    """A twig lying on the ground with round leaves in pairs (eucalyptus)."""
    bend = rng.uniform(-0.5, 0.5)
    tone = jittered(rng.choice(((0.42, 0.55, 0.42), (0.36, 0.52, 0.27), (0.50, 0.62, 0.54))), rng)
    ring = [
        (0.5 * math.sin(a), 0.5 - 0.5 * math.cos(a), 0.03 * math.sin(2 * a))
        for a in np.linspace(0, 2 * math.pi, 12)[:-1]
    ]
    piece = mesh_object("leaf", ring, [list(range(len(ring)))])
    piece.data.materials.append(materials.plain(tone, 0.6))
    path = []
    for step in range(9):
        share = step / 8
        heading = turn + bend * share
        x = foot[0] + length * share * math.cos(heading)
        y = foot[1] + length * share * math.sin(heading)
        path.append((x, y, foot[2] + 0.03 * math.sin(3 * share)))
        for side in (-1, 1):
            obj = link(bpy.data.objects.new("leaf", piece.data))
            obj.location = path[-1]
            obj.rotation_euler = (
                rng.uniform(0.05, 0.5),
                rng.uniform(-0.3, 0.3),
                heading - math.pi / 2 + side * rng.uniform(0.7, 1.2),
            )
            obj.scale = (length * (0.15 - 0.07 * share),) * 3
    tube("twig", path, 0.008).data.materials.append(materials.plain((0.40, 0.32, 0.22), 0.8))
    bpy.data.objects.remove(piece)
