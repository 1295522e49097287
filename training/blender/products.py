"""Product shapes. Each builder makes objects standing on z = 0, facing -y, and returns nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from training.blender import materials, wardrobe
from training.blender.mesh import Point2, arc, box, cloth, lathe, loft, subsurf, tube
from training.palette import scaled

Rgb = tuple[float, float, float]
DARK: Rgb = (0.08, 0.08, 0.09)
STEEL: Rgb = (0.75, 0.76, 0.78)
PAPER: Rgb = (0.93, 0.92, 0.89)


def paint(obj: Any, material: Any) -> Any:
    """Give an object its material."""
    obj.data.materials.append(material)
    return obj


def bottle(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A cosmetics bottle with a cap and a label."""
    r, h, neck = rng.uniform(0.22, 0.3), rng.uniform(0.8, 1.05), rng.uniform(0.07, 0.12)
    body = [(0, 0), (r, 0), (r, h * 0.78), (neck, h * rng.uniform(0.84, 0.95)), (neck, h), (0, h)]
    paint(lathe("body", body, radius=0.06), materials.plain(main, rng.choice((0.15, 0.4)), coat=0.3))
    cap = [(0, h), (neck * 1.3, h), (neck * 1.25, h + 0.2), (0, h + 0.2)]
    paint(lathe("cap", cap, radius=0.02), materials.plain(accent, 0.3, rng.choice((0.0, 0.9))))
    label = [(r + 0.004, h * 0.18), (r + 0.004, h * 0.58)]
    paint(lathe("label", label, radius=0), materials.plain(PAPER if main != PAPER else accent, 0.6))
    stripe = [(r + 0.006, h * 0.42), (r + 0.006, h * 0.47)]
    paint(lathe("stripe", stripe, radius=0), materials.plain(accent, 0.6))


def tube_pack(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A squeeze tube standing on its cap."""
    paint(lathe("cap", [(0, 0), (0.17, 0), (0.17, 0.2), (0, 0.2)], radius=0.02), materials.plain(accent, 0.3))
    body = lathe("tube", [(0, 0.19), (0.19, 0.2), (0.21, 0.4), (0.23, 1.1), (0.0, 1.13)], radius=0.05)
    for vertex in body.data.vertices:
        share = max(0.0, (vertex.co.z - 0.3) / 0.83)
        vertex.co.y *= 1 - 0.93 * share
        vertex.co.x *= 1 + 0.12 * share
    paint(body, materials.plain(main, 0.35, coat=0.2))


def jar(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A cream jar with a lid."""
    r, h = rng.uniform(0.34, 0.42), rng.uniform(0.32, 0.5)
    paint(lathe("jar", [(0, 0), (r, 0), (r, h), (0, h)], radius=0.06), materials.plain(main, 0.2, coat=0.4))
    lid = [(0, h), (r * 1.02, h), (r * 1.02, h + 0.2), (0, h + 0.2)]
    paint(lathe("lid", lid, radius=0.025), materials.plain(accent, 0.3, rng.choice((0.0, 0.85))))
    paint(
        lathe("label", [(r + 0.004, h * 0.25), (r + 0.004, h * 0.75)], radius=0), materials.plain(PAPER, 0.6)
    )


def mug(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A mug with a handle at the right."""
    r, h = rng.uniform(0.33, 0.4), rng.uniform(0.7, 0.9)
    taper = rng.uniform(0.85, 1.0)
    wall = [(0, 0), (r * taper, 0), (r, h), (r - 0.045, h), (r * taper - 0.05, 0.07), (0, 0.07)]
    paint(lathe("mug", wall, radius=0.03), materials.plain(main, 0.25, coat=0.5))
    handle = arc((r * 0.92, 0, h * 0.52), h * 0.34, h * 0.32, -90, 90)
    paint(
        tube("handle", handle, 0.055), materials.plain(main if rng.random() < 0.7 else accent, 0.25, coat=0.5)
    )


def vase(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A curved vase."""
    belly, neck, h = rng.uniform(0.28, 0.45), rng.uniform(0.09, 0.18), rng.uniform(0.9, 1.15)
    low = rng.uniform(0.3, 0.5)
    outer: list[Point2] = [(0, 0), (belly * 0.6, 0), (belly, h * low), (neck, h * 0.82), (neck * 1.35, h)]
    paint(
        lathe("vase", [*outer, (neck * 1.15, h), (neck * 0.8, h * 0.8)], radius=0.3),
        materials.plain(main, rng.choice((0.2, 0.7))),
    )


def carton(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A cardboard box with a label, turned a little."""
    w, d, h = rng.uniform(0.55, 0.9), rng.uniform(0.3, 0.6), rng.uniform(0.5, 1.0)
    paint(box("box", (w, d, h), (0, 0, h / 2), 0.015), materials.plain(main, 0.6))
    paint(
        box("label", (w * 0.62, 0.01, h * 0.4), (0, -d / 2 - 0.003, h * 0.52), 0.003),
        materials.plain(accent, 0.6),
    )
    paint(
        box("line", (w * 0.4, 0.012, h * 0.06), (0, -d / 2 - 0.005, h * 0.56), 0.003),
        materials.plain(PAPER, 0.6),
    )


def soap(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A bar of soap with a paper band."""
    w, d, h = 0.95, 0.6, 0.3
    paint(box("soap", (w, d, h), (0, 0, h / 2), 0.11), materials.plain(main, 0.5))
    paint(box("band", (w * 0.36, d + 0.012, h + 0.012), (0, 0, h / 2), 0.1), materials.plain(accent, 0.7))


def lamp(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A table lamp."""
    metal = rng.choice((0.0, 0.9))
    paint(
        lathe(
            "foot", [(0, 0), (0.24, 0), (0.22, 0.05), (0.025, 0.08), (0.025, 0.72), (0, 0.72)], radius=0.02
        ),
        materials.plain(accent, 0.35, metal),
    )
    top = rng.uniform(0.15, 0.3)
    shade = [(0.38, 0.58), (top, 1.05), (top - 0.01, 1.05), (0.37, 0.58)]
    paint(lathe("shade", shade, radius=0.01), materials.plain(main, 0.8, fabric=True))


def sneaker(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A low sneaker seen from its side: sole, upper, collar and laces."""
    white = PAPER if rng.random() < 0.7 else accent
    sole = [
        (-0.56, 0, 0.11, 0.10),
        (-0.52, 0, 0.13, 0.16),
        (-0.2, 0, 0.12, 0.17),
        (0.2, 0, 0.11, 0.2),
        (0.45, 0.01, 0.12, 0.18),
        (0.6, 0.04, 0.12, 0.07),
    ]
    paint(loft("sole", sole, 5), materials.plain(white, 0.6))
    upper = [
        (-0.53, 0.1, 0.44, 0.07), (-0.48, 0.1, 0.5, 0.13), (-0.3, 0.1, 0.46, 0.15), (-0.08, 0.1, 0.44, 0.15),
        (0.1, 0.1, 0.37, 0.16), (0.3, 0.1, 0.25, 0.18), (0.48, 0.1, 0.2, 0.15), (0.575, 0.1, 0.15, 0.06),
    ]  # fmt: skip
    paint(loft("upper", upper, 2.6), materials.plain(main, 0.7, fabric=True))
    paint(
        loft(
            "collar", [(-0.44, 0.4, 0.512, 0.085), (-0.3, 0.4, 0.477, 0.1), (-0.12, 0.4, 0.453, 0.085)], 2.2
        ),
        materials.plain(DARK, 0.9),
    )
    patch = [(-0.515, 0.14, 0.34, 0.151), (-0.42, 0.13, 0.38, 0.166), (-0.36, 0.13, 0.36, 0.163)]
    paint(loft("heel", patch, 2.6), materials.plain(accent, 0.6))
    for step in range(5):
        x, z = -0.02 + step * 0.065, 0.425 - step * 0.037
        lace = [(x, -0.13, z - 0.05), (x + 0.01, -0.08, z + 0.012), (x + 0.015, 0, z + 0.02), (x, 0.1, z)]
        paint(tube("lace", lace, 0.014), materials.plain(PAPER, 0.8))


def tote(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A canvas tote bag or a leather bag with two handles."""
    w, h = rng.uniform(0.7, 0.95), rng.uniform(0.65, 0.9)
    outline = [(-w * 0.46, 0.0), (w * 0.46, 0.0), (w * 0.5, h), (-w * 0.5, h)]
    cloth("bag", outline, rng.uniform(0.14, 0.22), 0.035, rng.randrange(99)).data.materials.append(
        materials.plain(main, 0.85, fabric=True)
    )
    for y in (-0.07, 0.05):
        strap = [
            (-w * 0.24, y, h * 0.7),
            *arc((0, y, h), w * 0.24, rng.uniform(0.3, 0.42), 180, 0),
            (w * 0.24, y, h * 0.7),
        ]
        paint(tube("strap", strap, 0.024), materials.plain(accent, 0.8))


def cap(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A baseball cap, its brim to the front right."""
    dome = lathe("dome", [(0.40, 0), (0.41, 0.12), (0.36, 0.32), (0.2, 0.44), (0, 0.47)], radius=0.2)
    paint(dome, materials.plain(main, 0.85, fabric=True))
    brim = lathe("brim", [(0.0, 0.035), (0.4, 0.035), (0.42, 0.02), (0.4, 0.01), (0.0, 0.01)], radius=0.02)
    brim.scale, brim.location = (0.95, 0.95, 1), (0.26, -0.24, 0.0)
    paint(brim, materials.plain(accent if rng.random() < 0.4 else main, 0.8, fabric=True))
    paint(lathe("button", [(0, 0.46), (0.04, 0.47), (0, 0.5)], radius=0.02), materials.plain(main, 0.8))


def _sleeve(side: int, end: Point2, under: Point2) -> list[Point2]:
    return [(side * 0.33, 1.0), (side * end[0], end[1]), (side * under[0], under[1]), (side * 0.3, 0.72)]


def tshirt(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A T-shirt, hanging, with a round neck."""
    right = [(0.13, 1.06), *_sleeve(1, (0.56, 0.74), (0.42, 0.62)), (0.31, 0.0)]
    left = [(-0.31, 0.0), *reversed(_sleeve(-1, (0.56, 0.74), (0.42, 0.62))), (-0.13, 1.06)]
    neck = [(-0.07, 0.985), (0.07, 0.985)]
    cloth("shirt", [*right, *left, *neck], 0.09, 0.07, rng.randrange(99)).data.materials.append(
        materials.plain(main, 0.9, fabric=True)
    )
    collar = [
        (-0.13, -0.03, 1.05),
        (-0.075, -0.05, 0.985),
        (0, -0.055, 0.965),
        (0.075, -0.05, 0.985),
        (0.13, -0.03, 1.05),
    ]
    paint(tube("collar", collar, 0.016), materials.plain(main if rng.random() < 0.6 else accent, 0.9))
    if rng.random() < 0.4:
        paint(box("print", (0.24, 0.02, 0.2), (0, -0.075, 0.66), 0.008), materials.plain(accent, 0.8))


def hoodie(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A hoodie with long sleeves, pocket and strings."""
    fabric = materials.plain(main, 0.9, fabric=True)
    right = [(0.15, 1.02), (0.33, 0.98), (0.55, 0.16), (0.42, 0.1), (0.31, 0.66), (0.32, 0.0)]
    left = [(-x, z) for x, z in reversed(right)]
    cloth("hoodie", [*right, *left], 0.12, 0.07, rng.randrange(99)).data.materials.append(fabric)
    hood = [(0.2, 0.98), (0.2, 1.14), (0.1, 1.26), (-0.1, 1.26), (-0.2, 1.14), (-0.2, 0.98), (0, 0.9)]
    cloth("hood", hood, 0.16, 0.03, rng.randrange(99)).data.materials.append(fabric)
    inner = cloth(
        "inner", [(0.1, 1.0), (0.11, 1.12), (0, 1.19), (-0.11, 1.12), (-0.1, 1.0), (0, 0.95)], 0.06, 0.0, 1
    )
    inner.location.y = -0.075
    inner.data.materials.append(materials.plain(scaled(main, 0.55), 0.9))
    pocket = cloth("pocket", [(0.15, 0.34), (0.22, 0.12), (-0.22, 0.12), (-0.15, 0.34)], 0.07, 0.0, 1)
    pocket.location.y = -0.05
    pocket.data.materials.append(materials.plain(scaled(main, 0.92), 0.9))
    for x in (-0.05, 0.05):
        paint(
            tube("string", [(x, -0.1, 0.96), (x * 1.3, -0.11, 0.84), (x * 1.5, -0.09, 0.72)], 0.011),
            materials.plain(PAPER, 0.8),
        )


def folded(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """One to three folded garments on top of each other."""
    z = 0.0
    for layer in range(rng.choice((1, 2, 3))):
        h, w = rng.uniform(0.13, 0.2), rng.uniform(0.86, 0.98)
        tone = main if layer % 2 == 0 else accent
        piece = box("fold", (w, 0.7, h), (rng.uniform(-0.02, 0.02), 0, z + h / 2), h * 0.46)
        paint(piece, materials.plain(tone, 0.95, fabric=True))
        paint(
            box("edge", (w - 0.03, 0.69, h * 0.1), (0, -0.012, z + h * 0.42), h * 0.04),
            materials.plain(scaled(tone, 0.8), 0.95),
        )
        z += h * 0.98


def watch(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A wristwatch standing on its closed strap."""
    strap = materials.plain(main, 0.6)
    band = lathe(
        "band",
        [(0.36, -0.12), (0.4, -0.12), (0.4, 0.12), (0.36, 0.12), (0.36, -0.12)],
        radius=0.015,
        segments=64,
    )
    band.rotation_euler, band.location = (0, math.pi / 2, 0), (0, 0, 0.4)
    paint(band, strap)
    case = lathe("case", [(0, 0), (0.26, 0), (0.27, 0.1), (0.23, 0.13), (0, 0.13)], radius=0.02)
    dial = lathe("dial", [(0, 0.132), (0.215, 0.132), (0.215, 0.134), (0, 0.134)], radius=0.0)
    hands = [
        box("hand", (0.016, 0.14, 0.006), (0, 0.06, 0.138), 0.002),
        box("hand", (0.1, 0.016, 0.006), (0.045, 0, 0.138), 0.002),
    ]
    for part, material in ((case, materials.plain(STEEL, 0.25, 1.0)), (dial, materials.plain(accent, 0.3))):
        paint(part, material)
    for hand in hands:
        paint(hand, materials.plain(PAPER if sum(accent) < 1.5 else DARK, 0.4))
    for part in (case, dial, *hands):
        x, y, z = part.location
        part.rotation_euler, part.location = (
            (math.radians(65), 0, 0),
            (x, -0.36 - z * 0.9 + y * 0.42, 0.5 + y * 0.9 + z * 0.42),
        )


def headphones(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """Over-ear headphones standing on their cups."""
    paint(tube("band", arc((0, 0, 0.45), 0.42, 0.55, 0, 180, 24), 0.045), materials.plain(main, 0.4))
    paint(tube("pad", arc((0, 0, 0.46), 0.37, 0.47, 40, 140, 16), 0.05), materials.plain(DARK, 0.8))
    for side in (-1, 1):
        for name, r, width, x, material in (
            ("cup", 0.24, 0.1, 0.44, materials.plain(main, 0.3, coat=0.3)),
            ("ring", 0.17, 0.115, 0.445, materials.plain(accent, 0.3, 0.7)),
            ("cushion", 0.23, 0.1, 0.345, materials.plain(DARK, 0.85)),
        ):
            part = lathe(
                name, [(0, -width / 2), (r, -width / 2), (r, width / 2), (0, width / 2)], radius=0.035
            )
            part.scale, part.rotation_euler = (1.25, 1, 1), (0, math.radians(90), math.radians(12 * side))
            part.location = (side * x, 0, 0.3)
            paint(part, material)


def speaker(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A loudspeaker: a rounded box with two drivers, or a fabric cylinder."""
    if rng.random() < 0.4:
        paint(
            lathe("speaker", [(0, 0), (0.3, 0), (0.3, 0.9), (0, 0.9)], radius=0.08),
            materials.plain(main, 0.9, fabric=True),
        )
        paint(
            lathe("top", [(0, 0.9), (0.22, 0.902), (0.22, 0.91), (0, 0.91)], radius=0.005),
            materials.plain(accent, 0.3),
        )
        return
    paint(box("speaker", (0.6, 0.5, 0.95), (0, 0, 0.475), 0.06), materials.plain(main, 0.4))
    for r, z in ((0.2, 0.32), (0.11, 0.72)):
        cone = lathe(
            "driver",
            [(0, -0.02), (r * 0.35, 0.01), (r * 0.8, -0.03), (r, 0.02), (r * 1.12, 0.0)],
            radius=0.02,
        )
        cone.rotation_euler, cone.location = (math.radians(90), 0, 0), (0, -0.252, z)
        paint(cone, materials.plain(accent if sum(accent) < 2 else DARK, 0.5))


def phone(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A smartphone, upright, screen to the viewer."""
    paint(box("phone", (0.5, 0.05, 1.0), (0, 0, 0.5), 0.024), materials.plain(main, 0.3, 0.6))
    paint(box("screen", (0.46, 0.01, 0.95), (0, -0.023, 0.5), 0.004), materials.plain(DARK, 0.1))
    paint(box("tile", (0.3, 0.01, 0.3), (0, -0.0255, 0.56), 0.004), materials.plain(accent, 0.3))


def stool(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A round stool with four legs."""
    h, r = rng.uniform(0.75, 0.95), rng.uniform(0.36, 0.45)
    paint(
        lathe("seat", [(0, h), (r, h), (r, h + 0.09), (0, h + 0.09)], radius=0.03), materials.plain(main, 0.5)
    )
    for k in range(4):
        a = math.radians(35 + 90 * k)
        top, foot = (
            (r * 0.6 * math.cos(a), r * 0.6 * math.sin(a), h),
            (r * 0.95 * math.cos(a), r * 0.95 * math.sin(a), 0.0),
        )
        middle = tuple((p + q) / 2 for p, q in zip(top, foot, strict=True))
        paint(tube("leg", [top, middle, foot], 0.035), materials.plain(accent, 0.5))  # type: ignore[list-item]


def backpack(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A rounded backpack with a front pocket."""
    fabric = materials.plain(main, 0.85, fabric=True)
    body = box("body", (0.72, 0.4, 1.0), (0, 0, 0.5), 0.17)
    pocket = box("pocket", (0.54, 0.16, 0.44), (0, -0.22, 0.3), 0.075)
    flap = box("flap", (0.56, 0.17, 0.1), (0, -0.225, 0.49), 0.045)
    for part, material in ((body, fabric), (pocket, fabric), (flap, materials.plain(accent, 0.8))):
        paint(part, material)
        subsurf(part, 1)
    paint(tube("grip", arc((0, 0, 0.98), 0.12, 0.12, 180, 0), 0.025), materials.plain(accent, 0.8))


BUILDERS: dict[str, Callable[[random.Random, Rgb, Rgb], None]] = {
    "bottle": bottle, "mug": mug, "jar": jar, "vase": vase, "box": carton, "soap": soap, "lamp": lamp, "sneaker": sneaker,
    "tote": tote, "cap": cap, "tshirt": tshirt, "hoodie": hoodie, "folded": folded, "watch": watch, "headphones": headphones,
    "speaker": speaker, "phone": phone, "stool": stool, "backpack": backpack, "tube": tube_pack,
    "perfume": wardrobe.perfume, "dropper": wardrobe.dropper, "boot": wardrobe.boot, "handbag": wardrobe.handbag,
    "shirt": wardrobe.shirt, "dress": wardrobe.dress, "towels": wardrobe.towels, "laptop": wardrobe.laptop,
    "chair": wardrobe.chair,
}  # fmt: skip
