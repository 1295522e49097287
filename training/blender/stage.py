"""Where the product stands: ground, backdrop, props, lights and camera of one scene."""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from training.blender import materials
from training.blender.mesh import arc, lathe, link, mesh_object, tube
from training.palette import WALL_COLOURS, jittered, linear, scaled
from training.scenes import SceneSpec

GREENS = ((0.22, 0.40, 0.14), (0.33, 0.55, 0.20), (0.50, 0.68, 0.28), (0.17, 0.33, 0.16))


def colour(key: str, rng: random.Random) -> tuple[float, float, float]:
    """A palette colour, slightly varied."""
    return jittered(WALL_COLOURS[key].rgb, rng)


def surface_material(spec: SceneSpec, rng: random.Random) -> Any:
    """The material of the ground."""
    makers = {
        "oak": lambda: materials.wood(rng, (0.50, 0.32, 0.17), (0.76, 0.56, 0.36)),
        "walnut": lambda: materials.wood(rng, (0.19, 0.10, 0.06), (0.40, 0.24, 0.15), 0.35),
        "marble": lambda: materials.marble(rng, (0.93, 0.93, 0.92), (0.42, 0.43, 0.46)),
        "black marble": lambda: materials.marble(rng, (0.055, 0.06, 0.065), (0.72, 0.71, 0.68)),
        "concrete": lambda: materials.mottled(
            rng, (0.44, 0.44, 0.43), (0.60, 0.60, 0.59), scale=1.1, bump=0.12
        ),
        "sand": lambda: materials.sand(rng),
        "grass": lambda: materials.mottled(rng, (0.14, 0.27, 0.07), (0.28, 0.44, 0.13), scale=2.0, bump=0.3),
        "moss": lambda: materials.mottled(rng, (0.18, 0.29, 0.07), (0.46, 0.58, 0.17), scale=2.6, bump=1.0),
        "linen": lambda: materials.folds(rng, colour(spec.surface_colour, rng)),
        "glossy black": lambda: materials.plain((0.035, 0.035, 0.04), 0.08, coat=0.5),
        "paper": lambda: materials.plain(colour(spec.surface_colour, rng), 0.9),
    }
    return makers[spec.surface]()


def plane(name: str, width: float, height: float, matrix: Any, material: Any) -> Any:
    """A rectangle; ``matrix`` moves it from the xy plane."""
    w, h = width / 2, height / 2
    obj = mesh_object(name, [(-w, -h, 0), (w, -h, 0), (w, h, 0), (-w, h, 0)], [(0, 1, 2, 3)])
    obj.matrix_world = matrix
    obj.data.materials.append(material)
    return obj


def wall(y: float, material: Any, *, height: float = 30, low: float = -3) -> Any:
    """A vertical rectangle at depth y, its texture space in xz."""
    obj = mesh_object(
        "wall", [(-25, y, low), (25, y, low), (25, y, low + height), (-25, y, low + height)], [(0, 1, 2, 3)]
    )
    obj.data.materials.append(material)
    return obj


def sweep(material: Any, depth: float, low: float = 0.0) -> None:
    """Seamless paper: floor at height ``low``, a round bend, wall."""
    bend = [(depth + 1.2 * math.sin(a), 1.2 * (1 - math.cos(a))) for a in np.linspace(0, math.pi / 2, 14)]
    line = [(-12.0, 0.0), *bend, (depth + 1.2, 20.0)]
    vertices = [(x, y, z + low) for y, z in line for x in (-25, 25)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(line) - 1)]
    mesh_object("sweep", vertices, faces).data.materials.append(material)


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
) -> None:
    """Scattered leaves between two corners: foliage behind, or (unseen) casting dappled shadow."""
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
        piece.data.materials.append(materials.plain(jittered(rgb, rng), 0.5))
        pieces.append(piece)
    for k in range(count):
        obj = link(bpy.data.objects.new("leaf", pieces[k % len(pieces)].data))
        obj.location = [rng.uniform(a, b) for a, b in zip(low, high, strict=True)]
        obj.rotation_euler = [rng.uniform(0, 6.3) for _ in range(3)]
        obj.scale = (size * rng.uniform(0.6, 1.3),) * 3
        obj.visible_camera = seen
    for piece in pieces:
        bpy.data.objects.remove(piece)


def bokeh(rng: random.Random, y: float) -> None:
    """Out-of-focus night lights: soft discs before a dark wall."""
    wall(y + 0.2, materials.emission((0.06, 0.07, 0.15), 0.6))
    warm, cold = (1.0, 0.72, 0.38), (0.62, 0.78, 1.0)
    for _ in range(rng.randint(70, 110)):
        rgb = jittered(rng.choice((warm, warm, warm, cold, (1.0, 0.45, 0.5))), rng)
        radius = rng.uniform(0.05, 0.15)
        ring = np.linspace(0, 2 * math.pi, 20, endpoint=False)
        disc = mesh_object(
            "light", [(radius * math.cos(a), 0, radius * math.sin(a)) for a in ring], [list(range(20))]
        )
        disc.location = (rng.uniform(-4.5, 4.5), y - rng.uniform(0, 0.15), rng.uniform(-2.2, 3.2))
        disc.data.materials.append(materials.emission(rgb, rng.uniform(0.5, 1.3)))


def backdrop(spec: SceneSpec, rng: random.Random) -> None:
    """Everything behind the product."""
    depth = rng.uniform(1.3, 2.6)
    if spec.backdrop in ("wall", "window", "leaf shadow"):
        base = colour(spec.backdrop_colour, rng)
        pale = scaled(base, 1.03)
        wall(depth, materials.mottled(rng, base, pale, scale=0.7, bump=0.04))
    elif spec.backdrop == "foliage":
        wall(6.5, materials.mottled(rng, (0.20, 0.36, 0.14), (0.55, 0.70, 0.36), scale=0.5, bump=0))
        leaves(rng, 420, (-7, 3.2, -0.2), (7, 6.0, 6.5), 0.75)
    elif spec.backdrop == "bokeh":
        bokeh(rng, 7.0)
    elif spec.backdrop in ("sea", "sea sunset", "blue sky"):
        sky(spec, rng)


def sky(spec: SceneSpec, rng: random.Random) -> None:
    """Sea and sky, or sky alone, as one glowing backdrop whose horizon lies at eye height."""
    deep, pale = (0.16, 0.42, 0.66), (0.35, 0.62, 0.76)
    blue = [(0.52, (0.86, 0.93, 0.97)), (0.58, (0.62, 0.82, 0.96)), (0.75, (0.30, 0.57, 0.90))]
    dusk = [(0.52, (1.0, 0.72, 0.42)), (0.58, (0.97, 0.58, 0.46)), (0.75, (0.55, 0.40, 0.62))]
    if spec.backdrop == "sea":
        stops = [(0.0, pale), (0.44, pale), (0.512, deep), *blue]
    elif spec.backdrop == "sea sunset":
        stops = [(0.0, (0.62, 0.42, 0.42)), (0.44, (0.62, 0.42, 0.42)), (0.512, (0.36, 0.28, 0.42)), *dusk]
    else:
        stops = blue
    clouds = rng.choice((0.0, 0.5, 0.9)) if "sunset" not in spec.backdrop else 0.0
    obj = wall(16.0, materials.gradient(stops, clouds=clouds, strength=0.95, rng=rng), height=30, low=-14.4)
    obj.visible_shadow = False


def props(spec: SceneSpec, rng: random.Random, product_low: float) -> None:
    """A podium below, or a plant or pebbles beside the product."""
    side = rng.choice((-1, 1))
    if spec.prop == "podium":
        body = [(0, -0.32), (0.85, -0.32), (0.85, product_low), (0, product_low)]
        podium = lathe("podium", body, radius=0.03, segments=72)
        tone = colour(spec.backdrop_colour, rng) if spec.backdrop_colour else (0.86, 0.84, 0.8)
        podium.data.materials.append(materials.plain(scaled(tone, 1.05, 0.03), 0.7))
    elif spec.prop == "plant":
        x, y = side * rng.uniform(0.95, 1.3), rng.uniform(0.2, 0.6)
        pot = lathe("pot", [(0, 0), (0.17, 0), (0.23, 0.4), (0.2, 0.4), (0.16, 0.3), (0, 0.3)], radius=0.03)
        pot.location = (x, y, 0)
        pot.data.materials.append(
            materials.plain(rng.choice(((0.72, 0.42, 0.3), (0.9, 0.89, 0.86), (0.3, 0.31, 0.33))), 0.7)
        )
        leaves(rng, 46, (x - 0.3, y - 0.3, 0.45), (x + 0.3, y + 0.3, 1.05), 0.3)
        for k in range(5):
            stem = arc((x + (k - 2) * 0.02, y, 0.3), 0.06 * (k - 2), 0.6, 0, 80, 5)
            tube("stem", stem, 0.012).data.materials.append(materials.plain(GREENS[0], 0.7))
    elif spec.prop == "pebbles":
        for _ in range(rng.randint(4, 7)):
            r = rng.uniform(0.07, 0.15)
            stone = lathe(
                "stone", [(0, 0), (r, r * 0.3), (r * 0.8, r * 0.8), (0, r)], radius=0.2, segments=24
            )
            stone.location = (side * rng.uniform(0.62, 1.25), rng.uniform(-0.45, 0.3), 0)
            stone.scale.x = rng.uniform(1.0, 1.4)
            stone.data.materials.append(
                materials.plain(rng.choice(((0.55, 0.54, 0.52), (0.8, 0.78, 0.74), (0.3, 0.3, 0.31))), 0.6)
            )


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


def lights(spec: SceneSpec, rng: random.Random) -> None:
    """The light mood. Top views get the same, from the same side."""
    side = rng.choice((-1, 1))
    outside = spec.kind in ("beach", "grass") and spec.view == "front"
    azimuth = side * rng.uniform(35, 75)
    if spec.light == "night":
        world((0.4, 0.45, 0.6), 0.35)
        area((side * 2.5, -2.2, 2.6), 1.8, 210, (1.0, 0.84, 0.66))
        area((-side * 2.6, 1.0, 2.0), 1.2, 90, (0.66, 0.76, 1.0))
        return
    if spec.backdrop in ("window", "leaf shadow"):
        tint = (1.0, 0.86, 0.68) if spec.light == "warm" else (1.0, 0.95, 0.86)
        world((0.88, 0.92, 1.0), 0.62)
        towards = sun(side * rng.uniform(28, 48), rng.uniform(24, 36), 4.2, tint, 0.6)
        if spec.backdrop == "window":
            window(towards)
        else:
            centre = Vector((0, 1.6, 1.0)) + towards * 5
            low, high = centre - Vector((3.2, 1.0, 2.4)), centre + Vector((3.2, 1.0, 2.6))
            leaves(rng, 95, tuple(low), tuple(high), 0.95, seen=False)
        return
    if outside:
        world((0.75, 0.86, 1.0) if spec.light != "warm" else (0.95, 0.85, 0.78), 1.05)
        if spec.light == "soft":
            area((side * 2, -3, 5), 5, 420, (1, 0.98, 0.94))
            return
        low = rng.uniform(16, 26) if spec.light == "warm" else rng.uniform(38, 58)
        tint = (1.0, 0.74, 0.50) if spec.light == "warm" else (1.0, 0.95, 0.87)
        sun(azimuth if spec.light == "sunny" else side * rng.uniform(60, 105), low, 3.4, tint, 1.2)
        return
    if spec.light == "sunny":
        world((0.9, 0.94, 1.0), 0.6)
        sun(azimuth, rng.uniform(30, 48), 3.3, (1.0, 0.95, 0.88), 1.0)
    elif spec.light == "warm":
        world((1.0, 0.95, 0.88), 0.5)
        area((side * 3, -1.6, 1.9), 1.4, 300, (1.0, 0.82, 0.62))
    elif spec.light == "moody":
        world((0.85, 0.9, 1.0), 0.28)
        area((side * 3.2, -0.4, 2.6), 1.2, 300, (1, 0.95, 0.9))
    else:
        world((0.96, 0.97, 1.0), 0.62)
        area((side * 2.4, -2.6, 4.0), 3.4, 330, (1, 0.98, 0.95))


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
        target = Vector((middle.x, middle.y, 0))
    else:
        distance, rise = rng.uniform(4.0, 5.5), rng.uniform(0.08, 0.36)
        tall, wide = high.z - low.z, high.x - low.x
        if spec.backdrop in ("sea", "sea sunset", "blue sky", "bokeh", "foliage"):
            rise = rng.uniform(0.08, 0.2)
        target = Vector((middle.x, 0, middle.z))
        obj.location = target + Vector((0, -distance * math.cos(rise), distance * math.sin(rise)))
        obj.rotation_euler = (target - obj.location).to_track_quat("-Z", "Y").to_euler()
    shown = max(tall / spec.height_share, wide / (0.72 * width / height))
    data.sensor_fit, data.sensor_height = "VERTICAL", 24.0
    data.lens = 24.0 * distance / shown
    unit = height / max(width, height) if width > height else 1.0
    data.shift_x = -spec.shift * (1 - wide / shown * height / width) * (width / max(width, height)) * 1.0
    data.shift_y = (0.0 if spec.view == "top" else rng.uniform(0.04, 0.22)) * unit * (1 - tall / shown)
    data.clip_end = 200
    data.dof.use_dof = spec.view != "top"
    data.dof.focus_distance = distance
    # A thin lens blurs a far point to f / (N * shown) of the frame's height: 4 to 16 %.
    data.dof.aperture_fstop = (data.lens / 1000) / (rng.uniform(0.04, 0.16) * shown)
