"""Everything behind the product: walls, shelves, rooms, streets, leaves, lights, sea and sky."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from mathutils import Matrix

from training.blender import materials, textures
from training.blender.foliage import leaves
from training.blender.grounds import colour
from training.blender.mesh import ball, block, lathe, mesh_object, plane
from training.palette import WALL_COLOURS, jittered, scaled
from training.scenes import SceneSpec

Rgb = tuple[float, float, float]
WOODS: tuple[Rgb, ...] = ((0.62, 0.43, 0.26), (0.36, 0.22, 0.13), (0.78, 0.62, 0.44), (0.90, 0.88, 0.84))


def wall(y: float, material: Any, *, height: float = 30, low: float = -3) -> Any:
    """A vertical rectangle at depth y, its texture space in xz."""
    obj = mesh_object(
        "wall", [(-25, y, low), (25, y, low), (25, y, low + height), (-25, y, low + height)], [(0, 1, 2, 3)]
    )
    obj.data.materials.append(material)
    return obj


def bokeh(rng: random.Random, y: float) -> None:
    """Out-of-focus night lights: soft discs before a dark wall."""
    wall(y + 0.2, materials.emission((0.06, 0.07, 0.15), 0.6))
    warm, cold = (1.0, 0.72, 0.38), (0.62, 0.78, 1.0)
    for _ in range(rng.randint(70, 110)):
        rgb = jittered(rng.choice((warm, warm, warm, cold, (1.0, 0.45, 0.5))), rng)
        radius = rng.uniform(0.05, 0.15)
        ring = [2 * math.pi * k / 20 for k in range(20)]
        disc = mesh_object(
            "light", [(radius * math.cos(a), 0, radius * math.sin(a)) for a in ring], [list(range(20))]
        )
        disc.location = (rng.uniform(-4.5, 4.5), y - rng.uniform(0, 0.15), rng.uniform(-2.2, 3.2))
        disc.data.materials.append(materials.emission(rgb, rng.uniform(0.5, 1.3)))


def _tones(spec: SceneSpec, rng: random.Random) -> list[Rgb]:
    """Colours of small things in the distance: neutrals, the backdrop's own and now and then another."""
    own = WALL_COLOURS[spec.backdrop_colour or "beige"].rgb
    other = WALL_COLOURS[rng.choice(list(WALL_COLOURS))].rgb
    base = [own, scaled(own, 0.7), scaled(own, 1.15, 0.05), other]
    return [*base, *(WALL_COLOURS[k].rgb for k in ("white", "cream", "beige", "terracotta", "charcoal"))]


def _ornament(rng: random.Random, x: float, y: float, z: float, tones: list[Rgb]) -> None:
    paint = materials.plain(jittered(rng.choice(tones), rng), 0.6)
    kind = rng.random()
    if kind < 0.4:
        r, h = rng.uniform(0.07, 0.16), rng.uniform(0.22, 0.5)
        neck = r * rng.uniform(0.3, 0.9)
        obj = lathe("pot", [(0, 0), (r * 0.7, 0), (r, h * 0.45), (neck, h * 0.85), (neck, h)], segments=14)
        obj.location = (x, y, z)
        obj.data.materials.append(paint)
    elif kind < 0.62:
        at = x
        for _ in range(rng.randint(2, 5)):
            w, h = rng.uniform(0.05, 0.1), rng.uniform(0.34, 0.55)
            book = materials.plain(jittered(rng.choice(tones), rng), 0.8)
            block("book", (w, 0.34, h), (at, y, z + h / 2), book)
            at += w + 0.01
    elif kind < 0.82:
        pot = lathe("pot", [(0, 0), (0.1, 0), (0.14, 0.2), (0, 0.2)], segments=14)
        pot.location = (x, y, z)
        pot.data.materials.append(paint)
        low, high = (x - 0.16, y - 0.1, z + 0.2), (x + 0.16, y + 0.1, z + 0.5)
        leaves(rng, 16, low, high, 0.2)
    else:
        w, h = rng.uniform(0.2, 0.45), rng.uniform(0.14, 0.36)
        block("box", (w, 0.3, h), (x, y, z + h / 2), paint)


def shelves(spec: SceneSpec, rng: random.Random) -> None:
    """Boards with books, pots and plants before a coloured wall."""
    y = rng.uniform(2.6, 3.6)
    base = colour(spec.backdrop_colour, rng)
    wall(y + 0.3, materials.mottled(rng, base, scaled(base, 1.03), scale=0.7, bump=0))
    wood = materials.plain(jittered(rng.choice(WOODS), rng), 0.6)
    tones = _tones(spec, rng)
    z = -1.6 - rng.uniform(0, 0.5)
    while z < 4.2:
        block("board", (22, 0.55, 0.07), (0, y, z), wood)
        x = -6.0 + rng.uniform(0, 0.5)
        while x < 6.0:
            if rng.random() < 0.72:
                _ornament(rng, x, y - 0.05, z + 0.035, tones)
            x += rng.uniform(0.42, 0.95)
        z += rng.uniform(0.85, 1.1)
    for x in (-4.6, -1.5 + rng.uniform(-0.6, 0.6), 1.9 + rng.uniform(-0.6, 0.6), 5.0):
        block("upright", (0.07, 0.5, 12), (x, y + 0.02, 2), wood)


def _facade(rng: random.Random, x: float, y: float, width: float, height: float) -> None:
    low = -2.6
    paint = jittered(
        WALL_COLOURS[
            rng.choice(("cream", "beige", "blush", "terracotta", "white", "peach", "sky", "mustard"))
        ].rgb,
        rng,
    )
    block("house", (width, 1.0, height), (x, y + 0.5, low + height / 2), materials.plain(paint, 0.9))
    pane = materials.plain(rng.choice(((0.20, 0.26, 0.33), (0.32, 0.40, 0.47))), 0.2)
    trim = materials.plain(scaled(paint, 1.1, 0.1), 0.8)
    columns = max(2, round(width / 1.1))
    for column in range(columns):
        cx = x - width / 2 + (column + 0.5) * width / columns
        for row in range(int((height - 2.4) / 1.5)):
            cz = low + 2.9 + row * 1.5
            block("trim", (0.62, 0.06, 1.06), (cx, y - 0.02, cz), trim)
            block("pane", (0.46, 0.06, 0.9), (cx, y - 0.05, cz), pane)
    shop = materials.emission(jittered((1.0, 0.80, 0.52), rng), rng.uniform(0.5, 0.9))
    block("shop", (width * 0.8, 0.06, 1.1), (x, y - 0.04, low + 0.95), shop)
    awning = materials.plain(jittered(WALL_COLOURS[rng.choice(list(WALL_COLOURS))].rgb, rng), 0.8)
    block("awning", (width * 0.86, 0.7, 0.34), (x, y - 0.35, low + 1.75), awning)


def street(spec: SceneSpec, rng: random.Random) -> None:
    """A town street by day: facades, shop windows, trees and a strip of sky, all far away."""
    sky_tone = (1.0, 0.86, 0.70) if spec.light == "warm" else (0.78, 0.89, 0.99)
    wall(26, materials.emission(sky_tone, 1.0)).visible_shadow = False
    plane("street", 60, 26, Matrix.Translation((0, 16, -2.6)), materials.plain((0.46, 0.45, 0.44), 0.9))
    x = -10.0 + rng.uniform(0, 1.5)
    while x < 10:
        width = rng.uniform(2.2, 4.0)
        if rng.random() < 0.86:
            _facade(rng, x + width / 2, rng.uniform(9, 12), width, rng.uniform(5.0, 9.0))
        x += width + 0.05
    for _ in range(rng.randint(1, 4)):
        at, y = rng.choice((-1, 1)) * rng.uniform(1.2, 6.0), rng.uniform(6.5, 8.5)
        block("trunk", (0.16, 0.16, 2.6), (at, y, -1.3), materials.plain((0.3, 0.22, 0.16), 0.9))
        leaves(rng, 90, (at - 1.0, y - 0.6, -0.4), (at + 1.0, y + 0.6, 1.9), 0.55)
    for _ in range(rng.randint(0, 3)):
        at, y = rng.uniform(-6, 6), rng.uniform(6.0, 7.5)
        paint = materials.plain(WALL_COLOURS[rng.choice(list(WALL_COLOURS))].rgb, 0.25, coat=0.5)
        block("car", (1.9, 0.8, 0.42), (at, y, -2.2), paint)
        block("cabin", (1.1, 0.7, 0.36), (at - 0.1, y, -1.84), materials.plain((0.16, 0.2, 0.25), 0.2))


def room(spec: SceneSpec, rng: random.Random) -> None:
    """A living room out of focus: window, curtains, sofa, lamp, picture and plant."""
    y, floor = rng.uniform(5.0, 6.2), -1.5
    base = colour(spec.backdrop_colour, rng)
    wall(y, materials.mottled(rng, base, scaled(base, 1.03), scale=0.5, bump=0))
    plane("floor", 40, 14, Matrix.Translation((0, y - 6, floor)), materials.plain(rng.choice(WOODS), 0.5))
    tones = _tones(spec, rng)
    side = rng.choice((-1, 1))
    glow = (1.0, 0.90, 0.74) if spec.light == "warm" else (0.93, 0.97, 1.0)
    at = side * rng.uniform(1.2, 2.6)
    block("window", (1.7, 0.04, 2.7), (at, y - 0.04, 1.5), materials.emission(glow, 1.5))
    frame = materials.plain((0.93, 0.92, 0.9), 0.6)
    block("bar", (0.07, 0.06, 2.7), (at, y - 0.07, 1.5), frame)
    block("bar", (1.7, 0.06, 0.07), (at, y - 0.07, 1.7), frame)
    curtain = materials.plain(scaled(rng.choice(tones), 1.05, 0.05), 0.9)
    for end in (-1, 1):
        for k in range(4):
            block(
                "curtain",
                (0.15, 0.1 + 0.06 * (k % 2), 3.9),
                (at + end * (0.9 + 0.15 * k), y - 0.2, 1.0),
                curtain,
            )
    sofa = materials.plain(jittered(rng.choice(tones), rng), 0.9)
    x = -side * rng.uniform(0.8, 2.0)
    block("seat", (2.7, 0.9, 0.6), (x, y - 0.9, floor + 0.45), sofa)
    block("back", (2.7, 0.3, 1.15), (x, y - 0.35, floor + 0.8), sofa)
    for end in (-1, 1):
        block("arm", (0.3, 0.9, 0.85), (x + end * 1.35, y - 0.9, floor + 0.5), sofa)
        cushion = materials.plain(jittered(rng.choice(tones), rng), 0.9)
        block("cushion", (0.55, 0.2, 0.5), (x + end * 0.8, y - 0.7, floor + 1.0), cushion)
    block(
        "picture",
        (1.0, 0.05, 0.8),
        (x + rng.uniform(-0.4, 0.4), y - 0.03, 1.4),
        materials.plain(rng.choice(tones), 0.7),
    )
    lamp_x = x + side * rng.uniform(1.7, 2.0)
    block("stand", (0.05, 0.05, 1.6), (lamp_x, y - 0.6, floor + 0.8), materials.plain((0.12, 0.11, 0.1), 0.5))
    shade = lathe("shade", [(0.34, 0), (0.22, 0.42)], segments=20)
    shade.location = (lamp_x, y - 0.6, floor + 1.55)
    shade.data.materials.append(materials.emission((1.0, 0.80, 0.52), 1.1))
    leaves(rng, 60, (at + side * 1.3, y - 1.2, -0.9), (at + side * 2.2, y - 0.5, 0.9), 0.5)


def _foliage(spec: SceneSpec, rng: random.Random) -> None:
    """Leaves in sunlight before a bright green distance."""
    bright = rng.uniform(0.7, 1.15) * (0.75 if spec.light == "moody" else 1.0)
    glow = (0.66, 0.72, 0.34) if spec.light == "warm" else (0.60, 0.76, 0.40)
    far = wall(
        7.5,
        materials.glowing_mottle(rng, scaled(glow, 0.45), scaled(glow, 1.15), scale=0.55, strength=bright),
    )
    far.visible_shadow = False
    leaves(rng, 330, (-7.5, 3.4, -1.2), (7.5, 6.4, 6.5), 0.75, lift=rng.uniform(1.15, 1.5))


def winter_trees(spec: SceneSpec, rng: random.Random) -> None:
    """Snowy firs before a pale sky."""
    pale = (1.0, 0.90, 0.82) if spec.light == "warm" else (0.86, 0.92, 0.98)
    wall(18, materials.emission(pale, 1.0)).visible_shadow = False
    for _ in range(22):
        x, y, h = rng.uniform(-8, 8), rng.uniform(6.5, 13), rng.uniform(2.6, 5.0)
        frost = rng.uniform(0.15, 0.6)
        paint = materials.blend((0.16, 0.27, 0.22), (0.90, 0.93, 0.97), frost)
        for tier in range(3):
            r, low = h * (0.26 - 0.06 * tier), h * (0.08 + 0.27 * tier)
            fir = lathe("fir", [(0, low), (r, low), (0, low + h * 0.42)], segments=14)
            fir.location = (x, y, -0.2)
            fir.data.materials.append(materials.plain(scaled(paint, 1 + 0.1 * tier, 0.04 * tier), 0.9))


def _sky(spec: SceneSpec, rng: random.Random) -> None:
    """Sea and sky, or sky alone, as one glowing backdrop whose horizon lies at eye height."""
    deep, pale = (0.16, 0.42, 0.66), (0.35, 0.62, 0.76)
    blue = [(0.52, (0.86, 0.93, 0.97)), (0.58, (0.62, 0.82, 0.96)), (0.75, (0.30, 0.57, 0.90))]
    dusk = [
        (0.52, (1.0, 0.76, 0.42)),
        (0.55, (1.0, 0.62, 0.40)),
        (0.62, (0.90, 0.52, 0.52)),
        (0.75, (0.48, 0.40, 0.66)),
    ]
    if spec.backdrop == "sea":
        stops = [(0.0, pale), (0.44, pale), (0.512, deep), *blue]
    elif spec.backdrop == "sea sunset":
        stops = [(0.0, (0.78, 0.50, 0.40)), (0.47, (0.66, 0.42, 0.42)), (0.512, (0.44, 0.32, 0.46)), *dusk]
    else:
        stops = blue
    clouds = rng.choice((0.0, 0.5, 0.9)) if "sunset" not in spec.backdrop else 0.0
    obj = wall(16.0, materials.gradient(stops, clouds=clouds, strength=0.95, rng=rng), height=30, low=-14.4)
    obj.visible_shadow = False
    if spec.backdrop == "sea sunset" and rng.random() < 0.6:
        disc = ball("sun", 0.42)
        disc.location = (rng.uniform(-2.5, 2.5), 15.2, rng.uniform(0.55, 1.4))
        disc.data.materials.append(materials.emission((1.0, 0.90, 0.62), 1.6))
        disc.visible_shadow = False


def _wall(spec: SceneSpec, rng: random.Random) -> None:
    base = colour(spec.backdrop_colour, rng)
    wall(rng.uniform(1.3, 2.6), materials.mottled(rng, base, scaled(base, 1.03), scale=0.7, bump=0.04))


def _tile_wall(spec: SceneSpec, rng: random.Random) -> None:
    base = colour(spec.backdrop_colour, rng)
    wall(rng.uniform(1.2, 2.2), textures.tiles(rng, base, rng.uniform(0.16, 0.3), upright=True))


_BUILDERS: dict[str, Callable[[SceneSpec, random.Random], None]] = {
    "wall": _wall, "window": _wall, "leaf shadow": _wall, "tile wall": _tile_wall, "foliage": _foliage,
    "bokeh": lambda spec, rng: bokeh(rng, 7.0), "shelves": shelves, "street": street, "room": room,
    "winter trees": winter_trees, "sea": _sky, "sea sunset": _sky, "blue sky": _sky,
}  # fmt: skip


def backdrop(spec: SceneSpec, rng: random.Random) -> None:
    """Everything behind the product; paper sweeps and flat lays bring their own."""
    build = _BUILDERS.get(spec.backdrop)
    if build:
        build(spec, rng)
