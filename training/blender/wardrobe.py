"""More product shapes: garments on hangers, towels, a boot, a handbag, a chair, a laptop, perfume and serum."""

from __future__ import annotations

import math
import random
from typing import Any

from training.blender import materials
from training.blender.mesh import arc, box, cloth, lathe, loft, subsurf, tube
from training.palette import scaled

Rgb = tuple[float, float, float]
DARK: Rgb = (0.08, 0.08, 0.09)
STEEL: Rgb = (0.75, 0.76, 0.78)
GOLD: Rgb = (0.86, 0.68, 0.36)
WOOD: Rgb = (0.62, 0.43, 0.26)


def paint(obj: Any, material: Any) -> Any:
    """Give an object its material."""
    obj.data.materials.append(material)
    return obj


def perfume(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A perfume bottle: heavy glass in the product's colour, metal collar, round or square cap."""
    glass = materials.plain(main, 0.08, rng.choice((0.0, 0.25)), coat=1.0)
    metal = materials.plain(rng.choice((GOLD, STEEL, DARK)), 0.2, 1.0)
    w, h = rng.uniform(0.5, 0.72), rng.uniform(0.52, 0.8)
    if rng.random() < 0.65:
        paint(box("glass", (w, w * 0.42, h), (0, 0, h / 2), rng.uniform(0.03, 0.09)), glass)
    else:
        paint(
            lathe("glass", [(0, 0), (w * 0.42, 0), (w * 0.5, h * 0.4), (w * 0.3, h), (0, h)], radius=0.12),
            glass,
        )
    label = box("label", (w * 0.46, 0.01, h * 0.26), (0, -w * 0.215, h * 0.46), 0.003)
    paint(label, materials.plain((0.95, 0.94, 0.9), 0.5))
    paint(lathe("collar", [(0, h), (0.1, h), (0.1, h + 0.06), (0, h + 0.06)], radius=0.01), metal)
    top = h + 0.06
    if rng.random() < 0.5:
        paint(
            box("cap", (0.24, 0.22, 0.24), (0, 0, top + 0.12), 0.03), materials.plain(accent, 0.25, coat=0.5)
        )
    else:
        cap = [(0, top), (0.13, top), (0.15, top + 0.22), (0, top + 0.24)]
        paint(lathe("cap", cap, radius=0.04), materials.plain(accent, 0.25, coat=0.5))


def dropper(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A serum bottle with a rubber dropper and a label."""
    r, h = rng.uniform(0.2, 0.27), rng.uniform(0.5, 0.68)
    body = [(0, 0), (r, 0), (r, h * 0.82), (0.1, h), (0.1, h + 0.05), (0, h + 0.05)]
    paint(lathe("body", body, radius=0.06), materials.plain(main, 0.1, coat=0.8))
    ring = [(0, h + 0.04), (0.125, h + 0.04), (0.125, h + 0.18), (0, h + 0.18)]
    paint(lathe("ring", ring, radius=0.012), materials.plain(rng.choice((GOLD, STEEL, DARK)), 0.25, 1.0))
    bulb = [(0, h + 0.18), (0.075, h + 0.18), (0.085, h + 0.34), (0.05, h + 0.44), (0, h + 0.45)]
    paint(lathe("bulb", bulb, radius=0.05), materials.plain(accent, 0.6))
    label = [(r + 0.004, h * 0.16), (r + 0.004, h * 0.6)]
    paint(lathe("label", label, radius=0), materials.plain((0.94, 0.93, 0.9), 0.6))
    line = [(r + 0.006, h * 0.44), (r + 0.006, h * 0.48)]
    paint(lathe("line", line, radius=0), materials.plain(accent, 0.6))


def boot(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """An ankle boot seen from its side, with sole, heel and laces or an elastic panel."""
    leather = materials.plain(main, rng.choice((0.35, 0.7)), coat=rng.choice((0.0, 0.3)))
    sole = [
        (-0.42, 0.05, 0.13, 0.12), (-0.3, 0.05, 0.12, 0.15), (0.0, 0.04, 0.11, 0.15), (0.3, 0.0, 0.09, 0.18),
        (0.5, 0.01, 0.1, 0.14), (0.58, 0.03, 0.1, 0.06),
    ]  # fmt: skip
    paint(loft("sole", sole, 4), materials.plain(rng.choice((DARK, WOOD, accent)), 0.7))
    heel = [(-0.43, 0, 0.09, 0.12), (-0.3, 0, 0.09, 0.15), (-0.14, 0, 0.09, 0.14)]
    paint(loft("heel", heel, 4), materials.plain(DARK, 0.7))
    foot = [
        (-0.43, 0.1, 0.5, 0.09), (-0.38, 0.1, 0.55, 0.13), (-0.18, 0.1, 0.55, 0.15), (0.0, 0.1, 0.46, 0.15),
        (0.16, 0.1, 0.33, 0.155), (0.34, 0.1, 0.25, 0.16), (0.5, 0.1, 0.21, 0.12), (0.56, 0.1, 0.16, 0.05),
    ]  # fmt: skip
    paint(loft("foot", foot, 2.6), leather)
    top = rng.uniform(0.82, 1.15)
    shaft = lathe(
        "shaft", [(0, 0.4), (0.15, 0.4), (0.165, 0.62), (0.185, top), (0.16, top), (0.14, 0.7)], radius=0.03
    )
    shaft.location, shaft.scale = (-0.2, 0, 0), (1.25, 0.92, 1)
    paint(shaft, leather)
    inside = lathe("inside", [(0, top - 0.04), (0.165, top - 0.03)], radius=0)
    inside.location, inside.scale = (-0.2, 0, 0), (1.25, 0.92, 1)
    paint(inside, materials.plain(DARK, 0.9))
    if rng.random() < 0.5:
        panel = lathe("panel", [(0.171, 0.5), (0.19, top * 0.9)], radius=0)
        panel.location, panel.scale = (-0.2, 0, 0), (0.55, 0.96, 1)
        paint(panel, materials.plain(scaled(main, 0.55), 0.9))
    for step in range(6):
        z = 0.42 + step * (top - 0.52) / 6
        x = 0.06 - 0.02 * step if step else 0.08
        lace = [(x - 0.06, -0.15, z), (x + 0.02, -0.08, z + 0.02), (x + 0.03, 0, z + 0.02), (x, 0.1, z)]
        paint(tube("lace", lace, 0.013), materials.plain(accent, 0.8))


def handbag(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A structured leather bag with flap, clasp and handle."""
    w, h, d = rng.uniform(0.8, 0.98), rng.uniform(0.5, 0.7), rng.uniform(0.26, 0.34)
    leather = materials.plain(main, 0.45, coat=0.15)
    body = box("body", (w, d, h), (0, 0, h / 2), 0.09)
    for vertex in body.data.vertices:
        if vertex.co.z > 0:
            vertex.co.x *= 0.88
    paint(body, leather)
    flap = box("flap", (w * 0.86, d + 0.03, h * 0.5), (0, -0.012, h * 0.765), 0.1)
    paint(flap, materials.plain(main if rng.random() < 0.6 else accent, 0.45, coat=0.15))
    metal = materials.plain(rng.choice((GOLD, STEEL)), 0.25, 1.0)
    paint(box("clasp", (0.12, 0.03, 0.08), (0, -d / 2 - 0.03, h * 0.53), 0.012), metal)
    rise = rng.uniform(0.16, 0.34)
    paint(tube("handle", arc((0, 0, h * 0.97), w * 0.27, rise, 180, 0), 0.026), materials.plain(accent, 0.5))
    for side in (-1, 1):
        ring = tube("ring", arc((side * w * 0.27, 0, h * 0.97), 0.045, 0.045, 0, 360), 0.012)
        paint(ring, metal)


def _hanger(z: float, half: float) -> None:
    metal = materials.plain(STEEL, 0.25, 1.0)
    hook = [(0, 0, z), (0, 0, z + 0.08), *arc((0, 0, z + 0.13), 0.05, 0.05, -90, 160, 10)]
    paint(tube("hook", hook, 0.011), metal)
    bar = [
        (-half, 0, z - 0.1),
        (-half * 0.5, 0, z - 0.035),
        (0, 0, z),
        (half * 0.5, 0, z - 0.035),
        (half, 0, z - 0.1),
    ]
    paint(tube("hanger", bar, 0.022), materials.plain(WOOD, 0.5))


def shirt(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A buttoned long-sleeved shirt on a hanger."""
    fabric = materials.plain(main, 0.9, fabric=True)
    right = [(0.1, 1.06), (0.33, 0.98), (0.47, 0.42), (0.45, 0.24), (0.35, 0.22), (0.30, 0.66), (0.31, 0.0)]
    left = [(-x, z) for x, z in reversed(right)]
    cloth("shirt", [*right, *left], 0.08, 0.08, rng.randrange(99)).data.materials.append(fabric)
    pale = materials.plain(scaled(main, 1.08, 0.02), 0.9, fabric=True)
    for side in (-1, 1):
        flap = [(side * 0.005, 0.955), (side * 0.12, 0.92), (side * 0.15, 1.04), (side * 0.07, 1.1)]
        piece = cloth("collar", flap, 0.035, 0.0, 1, 0.012)
        piece.location.y = -0.055
        piece.data.materials.append(pale)
    paint(box("placket", (0.05, 0.012, 0.94), (0, -0.062, 0.48), 0.005), pale)
    for k in range(6):
        button = box("button", (0.024, 0.012, 0.024), (0, -0.072, 0.1 + 0.155 * k), 0.006)
        paint(button, materials.plain(accent, 0.4))
    _hanger(1.1, 0.3)


def dress(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A sleeveless dress with a belt, on a hanger."""
    hem = rng.uniform(0.34, 0.46)
    right = [(0.14, 1.06), (0.19, 1.05), (0.17, 0.86), (0.2, 0.74), (0.145, 0.56), (hem, 0.02)]
    left = [(-x, z) for x, z in reversed(right)]
    outline = [
        *right,
        (hem * 0.5, -0.01),
        (0, 0.0),
        (-hem * 0.5, -0.01),
        *left,
        (-0.1, 0.96),
        (0, 0.92),
        (0.1, 0.96),
    ]
    material = materials.plain(main, 0.8, fabric=True)
    cloth("dress", outline, 0.1, 0.1, rng.randrange(99)).data.materials.append(material)
    belt = box("belt", (0.31, 0.13, 0.05), (0, 0, 0.565), 0.02)
    paint(belt, materials.plain(accent, 0.6))
    _hanger(1.1, 0.18)


def towels(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A stack of folded terry towels, sometimes tied or with a rolled one on top."""
    z = 0.0
    for layer in range(rng.choice((2, 3, 4))):
        h, w = rng.uniform(0.15, 0.2), rng.uniform(0.84, 0.92)
        tone = accent if layer == 1 and rng.random() < 0.5 else scaled(main, rng.uniform(0.94, 1.06))
        material = materials.plain(tone, 1.0, fabric=True)
        for k in range(2):
            fold = box(
                "towel", (w, 0.62, h / 2), (rng.uniform(-0.01, 0.01), 0, z + h * (0.25 + 0.5 * k)), h * 0.23
            )
            paint(fold, material)
        paint(box("edge", (w * 0.98, 0.05, h * 0.9), (0, 0.27, z + h / 2), 0.02), material)
        z += h
    if rng.random() < 0.4:
        roll = lathe("roll", [(0, -0.36), (0.12, -0.36), (0.12, 0.36), (0, 0.36)], radius=0.03)
        roll.rotation_euler, roll.location = (0, math.pi / 2, 0), (0, 0, z + 0.118)
        paint(roll, materials.plain(accent, 1.0, fabric=True))


def laptop(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """An open laptop, its screen glowing softly in the accent colour."""
    shell = materials.plain(main, 0.35, 0.5)
    paint(box("base", (1.0, 0.7, 0.035), (0, 0, 0.0175), 0.014), shell)
    paint(box("keys", (0.88, 0.3, 0.006), (0, 0.1, 0.036), 0.002), materials.plain(DARK, 0.6))
    paint(box("pad", (0.3, 0.18, 0.004), (0, -0.2, 0.036), 0.002), materials.plain(scaled(main, 0.85), 0.4))
    tilt = math.radians(rng.uniform(12, 24))
    parts = (
        ("lid", (1.0, 0.025, 0.66), 0.33, 0.0, 0.011, shell),
        ("bezel", (0.97, 0.006, 0.62), 0.335, -0.014, 0.002, materials.plain(DARK, 0.3)),
        (
            "screen",
            (0.91, 0.006, 0.56),
            0.34,
            -0.017,
            0.001,
            materials.emission(scaled(accent, 0.9, 0.05), 0.7),
        ),
        ("tile", (0.4, 0.006, 0.22), 0.36, -0.019, 0.001, materials.emission(scaled(accent, 0.6, 0.35), 0.8)),
    )
    for name, size, up, front, bevel, material in parts:
        y = 0.34 + up * math.sin(tilt) + front * math.cos(tilt)
        z = 0.035 + up * math.cos(tilt) - front * math.sin(tilt)
        obj = box(name, size, (0, y, z), bevel)
        obj.rotation_euler = (-tilt, 0, 0)
        paint(obj, material)


def chair(rng: random.Random, main: Rgb, accent: Rgb) -> None:
    """A dining chair or, wider and padded, an armchair."""
    legs = materials.plain(rng.choice((WOOD, DARK, accent)), 0.5)
    if rng.random() < 0.45:
        fabric = materials.plain(main, 0.9, fabric=True)
        seat = box("seat", (0.72, 0.66, 0.22), (0, 0, 0.38), 0.08)
        back = box("back", (0.78, 0.2, 0.66), (0, 0.3, 0.66), 0.09)
        back.rotation_euler.x = math.radians(-9)
        arms = [box("arm", (0.17, 0.66, 0.34), (s * 0.4, 0, 0.47), 0.075) for s in (-1, 1)]
        for part in (seat, back, *arms):
            paint(part, fabric)
            subsurf(part, 1)
        for x in (-0.32, 0.32):
            for y in (-0.26, 0.28):
                paint(
                    tube("leg", [(x * 0.9, y * 0.9, 0.3), (x, y, 0.14), (x * 1.08, y * 1.08, 0)], 0.03), legs
                )
        return
    paint(box("seat", (0.5, 0.48, 0.05), (0, 0, 0.5), 0.02), materials.plain(main, 0.5))
    curve = [(-0.23, 0.22, 0.86), (-0.1, 0.27, 0.87), (0.1, 0.27, 0.87), (0.23, 0.22, 0.86)]
    for lift in (0.0, 0.09, 0.18):
        rail = [(x, y + lift * 0.2, z + lift - 0.06) for x, y, z in curve]
        paint(tube("rail", rail, 0.034), materials.plain(main, 0.5))
    for x in (-1, 1):
        post = [(x * 0.23, 0.21, 0.48), (x * 0.23, 0.22, 0.75), (x * 0.23, 0.26, 1.03)]
        paint(tube("post", post, 0.022), legs)
        for y in (-0.2, 0.21):
            paint(
                tube(
                    "leg", [(x * 0.21, y, 0.49), (x * 0.23, y * 1.08, 0.25), (x * 0.25, y * 1.18, 0)], 0.024
                ),
                legs,
            )
