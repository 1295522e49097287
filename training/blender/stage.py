"""The camera: lens, distance, framing and depth of field of one scene."""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
from mathutils import Vector

from training.blender.mesh import link
from training.scenes import SceneSpec

FAR = frozenset({"sea", "sea sunset", "blue sky", "bokeh", "foliage", "winter trees"})
BUSY = frozenset({"shelves", "street", "room", "winter trees"})
CLOTH = frozenset({"velvet", "satin"})
BESIDE = frozenset({"plant", "candles", "oranges", "lemons", "sprig", "pebbles", "petals"})


def _rise(spec: SceneSpec, rng: random.Random) -> float:
    """How far the camera looks down, in radians."""
    if spec.surface in CLOTH or spec.surface == "water":
        return rng.uniform(0.2, 0.38)
    if spec.prop in ("petals", "fabric", "sprig"):
        return rng.uniform(0.18, 0.36)
    if spec.backdrop in FAR:
        return rng.uniform(0.08, 0.2)
    return rng.uniform(0.08, 0.26 if spec.backdrop in BUSY else 0.36)


def camera(spec: SceneSpec, rng: random.Random, low: Any, high: Any) -> None:
    """A lens that shows the product at its share of the frame; ``low`` and ``high`` are its corners."""
    width, height = spec.size
    data = bpy.data.cameras.new("camera")
    obj = link(bpy.data.objects.new("camera", data))
    bpy.context.scene.camera = obj
    middle = (low + high) / 2
    if spec.view == "top":
        distance = 5.0
        tall, wide = high.y - low.y, high.x - low.x
        obj.location, obj.rotation_euler = (middle.x, middle.y, distance), (0, 0, 0)
    else:
        distance, rise = rng.uniform(4.0, 5.5), _rise(spec, rng)
        tall, wide = high.z - low.z, high.x - low.x
        target = Vector((middle.x, 0, middle.z))
        obj.location = target + Vector((0, -distance * math.cos(rise), distance * math.sin(rise)))
        obj.rotation_euler = (target - obj.location).to_track_quat("-Z", "Y").to_euler()
    widest = 0.5 if spec.prop in BESIDE else 0.72
    shown = max(tall / spec.height_share, wide / (widest * width / height))
    data.sensor_fit, data.sensor_height = "VERTICAL", 24.0
    data.lens = 24.0 * distance / shown
    unit = height / max(width, height) if width > height else 1.0
    data.shift_x = -spec.shift * (1 - wide / shown * height / width) * (width / max(width, height))
    data.shift_y = (0.0 if spec.view == "top" else rng.uniform(0.04, 0.22)) * unit * (1 - tall / shown)
    data.clip_end = 200
    data.dof.use_dof = spec.view != "top"
    data.dof.focus_distance = distance
    # A thin lens blurs a far point to f / (N * shown) of the frame's height.
    blur = rng.uniform(0.12, 0.22) if spec.backdrop in BUSY else rng.uniform(0.04, 0.16)
    data.dof.aperture_fstop = (data.lens / 1000) / (blur * shown)


def product_camera(low: Any, high: Any, rise: float, share: float) -> Any:
    """A camera that looks down by ``rise`` (radians) on the middle of a product, at ``share`` of the frame; its data."""
    data = bpy.data.cameras.new("camera")
    camera = link(bpy.data.objects.new("camera", data))
    bpy.context.scene.camera = camera
    middle, distance = (low + high) / 2, 6.0
    camera.location = middle + Vector((0, -distance * math.cos(rise), distance * math.sin(rise)))
    camera.rotation_euler = (middle - camera.location).to_track_quat("-Z", "Y").to_euler()
    data.sensor_height, data.sensor_fit = 24.0, "VERTICAL"
    data.lens = 24.0 * distance / (max(high.z - low.z, high.x - low.x) / share)
    return data
