"""Sunlight, soft lamps and sky: the light moods of a scene."""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
from mathutils import Matrix, Vector

from training.blender import materials
from training.blender.foliage import leaves
from training.blender.mesh import link, plane
from training.palette import linear
from training.scenes import SceneSpec


def area(
    location: tuple[float, float, float],
    size: float,
    power: float,
    rgb: tuple[float, float, float],
    target: tuple[float, float, float] = (0, 0, 0.4),
) -> None:
    """A square soft light that looks at ``target``."""
    lamp = bpy.data.lights.new("area", "AREA")
    lamp.size, lamp.energy, lamp.color = size, power, rgb
    obj = link(bpy.data.objects.new("area", lamp))
    obj.location = location
    obj.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()


def sun(azimuth: float, elevation: float, power: float, rgb: tuple[float, float, float], angle: float) -> Any:
    """Sunlight from the given side; returns the unit vector towards the sun."""
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.energy, lamp.color, lamp.angle = power, rgb, math.radians(angle)
    obj = link(bpy.data.objects.new("sun", lamp))
    a, e = math.radians(azimuth), math.radians(elevation)
    towards = Vector((math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)))
    obj.rotation_euler = (-towards).to_track_quat("-Z", "Y").to_euler()
    return towards


def world(rgb: tuple[float, float, float], strength: float) -> None:
    """An even sky of one colour."""
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.world.cycles.sampling_method = "NONE"
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = linear(rgb)
    background.inputs["Strength"].default_value = strength


def window(towards: Any) -> None:
    """A window frame between sun and wall that throws its bright panes onto the wall."""
    centre = Vector((0, 1.6, 1.0)) + towards * 6
    turn = towards.to_track_quat("Z", "Y").to_matrix().to_4x4()
    dark = materials.plain((0.1, 0.1, 0.1), 1.0)
    bars = [
        (-6.6, 0, 11, 20),
        (6.6, 0, 11, 20),
        (0, 7.0, 30, 11),
        (0, -6.9, 30, 11),
        (0, 0, 0.14, 4),
        (0, 0.1, 4, 0.12),
    ]
    for x, y, w, h in bars:
        bar = plane("bar", w, h, Matrix.Translation(centre) @ turn @ Matrix.Translation((x, y, 0)), dark)
        bar.visible_camera = bar.visible_diffuse = bar.visible_glossy = False


def _night(side: int) -> None:
    world((0.4, 0.45, 0.6), 0.35)
    area((side * 2.5, -2.2, 2.6), 1.8, 210, (1.0, 0.84, 0.66))
    area((-side * 2.6, 1.0, 2.0), 1.2, 90, (0.66, 0.76, 1.0))


def _through_window(spec: SceneSpec, rng: random.Random, side: int) -> None:
    tint = (1.0, 0.86, 0.68) if spec.light == "warm" else (1.0, 0.95, 0.86)
    world((0.88, 0.92, 1.0), 0.58)
    towards = sun(side * rng.uniform(28, 48), rng.uniform(24, 36), 4.2, tint, 0.6)
    if spec.backdrop == "window":
        window(towards)
        return
    centre = Vector((0, 1.6, 1.0)) + towards * 5
    low, high = centre - Vector((3.2, 1.0, 2.4)), centre + Vector((3.2, 1.0, 2.6))
    leaves(rng, 95, tuple(low), tuple(high), 0.95, seen=False)


def _outside(spec: SceneSpec, rng: random.Random, side: int) -> None:
    world((0.75, 0.86, 1.0) if spec.light != "warm" else (0.95, 0.85, 0.78), 0.85)
    if spec.light == "soft":
        area((side * 2.4, -2.6, 5), 3.5, 560, (1, 0.98, 0.94))
        return
    warm = spec.light == "warm"
    low = rng.uniform(18, 28) if warm else rng.uniform(36, 56)
    tint = (1.0, 0.76, 0.52) if warm else (1.0, 0.95, 0.87)
    sun(side * (rng.uniform(55, 95) if warm else rng.uniform(35, 75)), low, 3.7, tint, 1.2)


def _inside(spec: SceneSpec, rng: random.Random, side: int) -> None:
    far = spec.backdrop in ("shelves", "room", "tile wall")
    if spec.light == "sunny":
        world((0.9, 0.94, 1.0), 0.55)
        sun(side * rng.uniform(35, 75), rng.uniform(30, 48), 3.4, (1.0, 0.95, 0.88), 1.0)
    elif spec.light == "warm":
        world((1.0, 0.95, 0.88), 0.46)
        area((side * 3, -1.6, 2.1), 1.4, 330, (1.0, 0.82, 0.62))
    elif spec.light == "moody":
        world((0.85, 0.9, 1.0), 0.26)
        area((side * 3.2, -0.4, 2.6), 1.2, 320, (1, 0.95, 0.9))
    else:
        world((0.96, 0.97, 1.0), 0.52)
        area((side * 2.8, -1.9, 3.6), 2.4, 370, (1, 0.98, 0.95))
    if far and spec.light != "moody":
        tint = (1.0, 0.86, 0.68) if spec.light == "warm" else (1.0, 0.98, 0.95)
        area((-side * 2.5, 1.2, 4.5), 2.5, 260, tint, (0, 5.0, 0.8))


def lights(spec: SceneSpec, rng: random.Random) -> None:
    """The light mood. Top views get the same, from the same side."""
    side = rng.choice((-1, 1))
    if spec.light == "night":
        _night(side)
    elif spec.backdrop in ("window", "leaf shadow"):
        _through_window(spec, rng, side)
    elif spec.view == "front" and (
        spec.kind in ("beach", "grass", "snow") or spec.backdrop in ("street", "foliage", "sea")
    ):
        _outside(spec, rng, side)
    else:
        _inside(spec, rng, side)
