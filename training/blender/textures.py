"""Procedural materials of laid and natural grounds: tiles, slate, limestone, velvet, satin, snow, shore, water."""

from __future__ import annotations

import random
from typing import Any

from training.blender.materials import Graph, Rgb, blend
from training.palette import jittered, linear, scaled


def _multiply(graph: Graph, a: Any, b: Any) -> Any:
    node = graph.node("ShaderNodeMix", {"data_type": "RGBA", "blend_type": "MULTIPLY"})
    node.inputs[0].default_value = 1.0
    graph.links.new(a, node.inputs[6])
    graph.links.new(b, node.inputs[7])
    return node.outputs[2]


def _math(graph: Graph, operation: str, a: Any, b: Any) -> Any:
    node = graph.node("ShaderNodeMath", {"operation": operation})
    for socket, value in zip(node.inputs, (a, b), strict=False):
        if hasattr(value, "is_linked"):
            graph.links.new(value, socket)
        else:
            socket.default_value = value
    return node.outputs[0]


def tiles(rng: random.Random, rgb: Rgb, side: float, *, upright: bool = False) -> Any:
    """Glazed square tiles, each of a slightly other tone and tilt (zellige); ``upright`` for walls in xz."""
    graph = Graph("tiles")
    source = graph.node("ShaderNodeTexCoord").outputs["Object"]
    if upright:
        split = graph.node("ShaderNodeSeparateXYZ", Vector=source)
        source = graph.node("ShaderNodeCombineXYZ", X=split.outputs["X"], Y=split.outputs["Z"]).outputs[
            "Vector"
        ]
    place = (rng.uniform(-9, 9), rng.uniform(-9, 9), 0)
    vector = graph.node("ShaderNodeMapping", Vector=source, Location=place).outputs["Vector"]
    spread = rng.uniform(0.05, 0.22)
    grout = blend(rgb, (0.86, 0.85, 0.82), 0.6)
    stretch = rng.choice((1.0, 1.0, 2.0)) if upright else 1.0
    bricks = graph.node(
        "ShaderNodeTexBrick", {"offset": 0.5 if stretch > 1 else 0.0}, Vector=vector, Scale=1.0,
        Color1=linear(scaled(rgb, 1 - spread)), Color2=linear(scaled(rgb, 1 + spread, 0.02)), Mortar=linear(grout),
        Mortar_Size=side * 0.02, Mortar_Smooth=0.3, Brick_Width=side * stretch, Row_Height=side,
    )  # fmt: skip
    cloud = graph.noise(vector, 3.5 / side * 0.4, 2)
    colour = _multiply(
        graph, bricks.outputs["Color"], graph.ramp(cloud, [(0.3, (0.93,) * 3), (0.7, (1, 1, 1))])
    )
    wobble = _math(graph, "MULTIPLY", graph.noise(vector, 1.6 / side, 1), 0.35)
    tone = graph.node("ShaderNodeSeparateXYZ", Vector=bricks.outputs["Color"]).outputs["X"]
    tilt = _math(graph, "MULTIPLY", tone, 0.25)
    sunk = _math(graph, "MULTIPLY", bricks.outputs["Fac"], -1.0)
    graph.bump(_math(graph, "ADD", _math(graph, "ADD", wobble, tilt), sunk), 0.5, 0.035)
    return graph.finish(Base_Color=colour, Roughness=rng.choice((0.12, 0.2, 0.4)), Coat_Weight=0.25)


def slate(rng: random.Random) -> Any:
    """Dark riven stone."""
    graph = Graph("slate")
    vector = graph.coordinates((0.7, 1.2, 1), rng, rng.uniform(-0.4, 0.4))
    layers = graph.noise(vector, 1.3, 6, 0.9)
    fine = graph.noise(vector, 14, 4)
    height = _math(graph, "ADD", layers, _math(graph, "MULTIPLY", fine, 0.18))
    graph.bump(height, 0.8, 0.09)
    tint = rng.choice(((0.16, 0.18, 0.20), (0.19, 0.19, 0.19), (0.17, 0.20, 0.19)))
    colour = graph.ramp(layers, [(0.3, scaled(tint, 0.7)), (0.55, tint), (0.75, scaled(tint, 1.5))])
    return graph.finish(Base_Color=colour, Roughness=0.5)


def limestone(rng: random.Random) -> Any:
    """Pale travertine: warm bands with small dark pores."""
    graph = Graph("limestone")
    tint = rng.choice(((0.86, 0.79, 0.68), (0.80, 0.73, 0.63), (0.84, 0.82, 0.77)))
    vector = graph.coordinates((0.35, 2.2, 1), rng, rng.uniform(-0.2, 0.2))
    bands = graph.ramp(
        graph.noise(vector, 1.7, 5, 0.5), [(0.3, scaled(tint, 0.86)), (0.7, scaled(tint, 1.06))]
    )
    pores = graph.noise(graph.coordinates((5, 14, 1), rng), 1.4, 3)
    dark = graph.ramp(pores, [(0.30, (0.62, 0.57, 0.5)), (0.37, (1, 1, 1))])
    graph.bump(pores, 0.15, 0.02)
    return graph.finish(Base_Color=_multiply(graph, bands, dark), Roughness=0.55)


def velvet(rng: random.Random, rgb: Rgb) -> Any:
    """Deep pile that glows where it turns away."""
    graph = Graph("velvet")
    pile = graph.noise(graph.coordinates((1, 1, 1), rng), 1.4, 2, 0.6)
    colour = graph.ramp(pile, [(0.35, scaled(rgb, 0.70)), (0.65, scaled(rgb, 0.80))])
    return graph.finish(
        Base_Color=colour, Roughness=0.9, Sheen_Weight=0.9, Sheen_Roughness=0.35,
        Sheen_Tint=linear(scaled(rgb, 1.1, 0.12)), Specular_IOR_Level=0.1,
    )  # fmt: skip


def satin(rgb: Rgb) -> Any:
    """Smooth cloth with soft highlights along its folds."""
    return Graph("satin").finish(
        Base_Color=linear(scaled(rgb, 0.92)), Roughness=0.36, Specular_IOR_Level=0.6, Sheen_Weight=0.25
    )


def snow(rng: random.Random) -> Any:
    """Fresh powder with a slight sparkle of relief."""
    graph = Graph("snow")
    fine = graph.noise(graph.coordinates((1, 1, 1), rng), 22, 4)
    graph.bump(fine, 0.5, 0.03)
    colour = graph.ramp(fine, [(0.3, (0.87, 0.90, 0.95)), (0.7, (0.97, 0.975, 0.985))])
    return graph.finish(Base_Color=colour, Roughness=0.8)


def shore(rng: random.Random, *, dusk: bool) -> Any:
    """Wet sand that runs into shallow water behind the product, with a line of foam (along +y)."""
    graph = Graph("shore")
    source = graph.node("ShaderNodeTexCoord").outputs["Object"]
    depth = graph.node("ShaderNodeSeparateXYZ", Vector=source).outputs["Y"]
    wave = graph.noise(graph.coordinates((0.55, 0.8, 1), rng), 0.9, 3, 0.4)
    edge = rng.uniform(0.75, 1.2)
    place = _math(graph, "ADD", depth, _math(graph, "MULTIPLY", wave, 1.3))
    share = _math(graph, "DIVIDE", _math(graph, "SUBTRACT", place, edge - 0.6), 4.0)
    sand, wet, foam = (0.83, 0.72, 0.55), (0.60, 0.48, 0.35), (0.97, 0.97, 0.96)
    near, far = ((0.45, 0.40, 0.44), (0.33, 0.28, 0.40)) if dusk else ((0.42, 0.70, 0.70), (0.16, 0.45, 0.62))
    colour = graph.ramp(
        share,
        [
            (0.0, sand),
            (0.10, wet),
            (0.27, wet),
            (0.285, foam),
            (0.325, foam),
            (0.35, blend(wet, near, 0.6)),
            (0.6, near),
            (1.0, far),
        ],
    )
    rough = graph.ramp(
        share, [(0.0, (0.95,) * 3), (0.12, (0.5,) * 3), (0.28, (0.45,) * 3), (0.35, (0.25,) * 3)]
    )
    fine = graph.noise(graph.coordinates((1, 2.2, 1), rng), 9, 3, 0.3)
    graph.bump(fine, 0.35, 0.03)
    return graph.finish(Base_Color=colour, Roughness=rough)


def water(rng: random.Random, *, night: bool = False) -> Any:
    """A shallow pool with ripples and the bright net that they cast on its floor."""
    graph = Graph("water")
    tint: Rgb = jittered(rng.choice(((0.36, 0.72, 0.78), (0.30, 0.62, 0.76), (0.55, 0.78, 0.76))), rng)
    vector = graph.coordinates((1, 1.25, 1), rng)
    warp = graph.node("ShaderNodeTexNoise", Vector=vector, Scale=1.5, Detail=2.0)
    moved = graph.node("ShaderNodeMix", {"data_type": "VECTOR"})
    moved.inputs[0].default_value = 0.32
    graph.links.new(vector, moved.inputs[4])
    graph.links.new(warp.outputs["Color"], moved.inputs[5])
    cells = graph.node(
        "ShaderNodeTexVoronoi",
        {"feature": "DISTANCE_TO_EDGE"},
        Vector=moved.outputs[1],
        Scale=rng.uniform(2.2, 3.2),
    )
    net = graph.ramp(
        cells.outputs["Distance"],
        [
            (0.0, scaled(tint, 1.18, 0.16)),
            (0.07, scaled(tint, 1.04, 0.04)),
            (0.3, tint),
            (0.6, scaled(tint, 0.9)),
        ],
    )
    graph.bump(graph.noise(vector, 2.4, 2, 0.8), 0.3, 0.16)
    return graph.finish(Base_Color=net, Roughness=0.06, IOR=1.33)


def peel(rng: random.Random, rgb: Rgb) -> Any:
    """The dimpled skin of citrus fruit."""
    graph = Graph("peel")
    graph.bump(graph.noise(graph.coordinates((1, 1, 1), rng), 42, 2), 0.4, 0.01)
    return graph.finish(Base_Color=linear(rgb), Roughness=0.4, Coat_Weight=0.1)


def cut_fruit(rng: random.Random, skin: Rgb, flesh: Rgb, radius: float) -> Any:
    """The cut face of a citrus fruit: rind, pith and segments, in the xy plane."""
    graph = Graph("cut")
    source = graph.node("ShaderNodeTexCoord").outputs["Object"]
    split = graph.node("ShaderNodeSeparateXYZ", Vector=source)
    x, y = split.outputs["X"], split.outputs["Y"]
    angle = _math(graph, "ARCTAN2", x, y)
    spokes = _math(graph, "ABSOLUTE", _math(graph, "SINE", _math(graph, "MULTIPLY", angle, 5.0), 0.0), 0.0)
    distance = _math(
        graph,
        "SQRT",
        _math(graph, "ADD", _math(graph, "MULTIPLY", x, x), _math(graph, "MULTIPLY", y, y)),
        0.0,
    )
    pith: Rgb = (0.97, 0.93, 0.80)
    segments = graph.ramp(spokes, [(0.0, pith), (0.16, flesh), (1.0, scaled(flesh, 0.93))])
    rings = graph.ramp(
        _math(graph, "DIVIDE", distance, radius),
        [(0.0, (1, 1, 1)), (0.08, (0, 0, 0)), (0.78, (0, 0, 0)), (0.81, (1, 1, 1))],
    )
    rind = graph.ramp(_math(graph, "DIVIDE", distance, radius), [(0.9, pith), (0.93, skin)])
    mixed = graph.node("ShaderNodeMix", {"data_type": "RGBA"})
    graph.links.new(rings, mixed.inputs[0])
    graph.links.new(segments, mixed.inputs[6])
    graph.links.new(rind, mixed.inputs[7])
    return graph.finish(Base_Color=mixed.outputs[2], Roughness=0.35)
