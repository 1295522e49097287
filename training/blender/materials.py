"""Procedural materials as Cycles node graphs: woods, marbles, concrete, sand, cloth, plain paint."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import bpy

from training.palette import linear, scaled

Rgb = tuple[float, float, float]
Stops = Sequence[tuple[float, Rgb]]


class Graph:
    """A thin wrapper over a node tree: add nodes with their inputs in one call."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.nodes, self.links = self.material.node_tree.nodes, self.material.node_tree.links
        self.shader = self.nodes["Principled BSDF"]

    def node(self, kind: str, attributes: dict[str, Any] | None = None, **inputs: Any) -> Any:
        """A node of Blender type ``kind``; inputs are values or output sockets, underscores stand for spaces."""
        node = self.nodes.new(kind)
        for key, value in (attributes or {}).items():
            setattr(node, key, value)
        for key, value in inputs.items():
            self.put(node, key.replace("_", " "), value)
        return node

    def put(self, node: Any, name: str, value: Any) -> None:
        """Set or link one input."""
        socket = node.inputs[name]
        if hasattr(value, "is_linked"):
            self.links.new(value, socket)
        else:
            socket.default_value = value

    def coordinates(self, scale: tuple[float, float, float], rng: random.Random, turn: float = 0.0) -> Any:
        """Object coordinates, scaled, turned about z and moved to a random place of the texture."""
        source = self.node("ShaderNodeTexCoord").outputs["Object"]
        place = tuple(rng.uniform(-50, 50) for _ in range(3))
        mapping = self.node(
            "ShaderNodeMapping", Vector=source, Scale=scale, Location=place, Rotation=(0, 0, turn)
        )
        return mapping.outputs["Vector"]

    def noise(self, vector: Any, scale: float, detail: float = 4, distortion: float = 0) -> Any:
        """Fractal noise, 0..1."""
        node = self.node(
            "ShaderNodeTexNoise", Vector=vector, Scale=scale, Detail=detail, Distortion=distortion
        )
        return node.outputs["Fac"]

    def ramp(self, factor: Any, stops: Stops) -> Any:
        """A colour ramp with sRGB stops."""
        node = self.node("ShaderNodeValToRGB", Fac=factor)
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, rgb) in zip(elements, stops, strict=True):
            element.position, element.color = position, linear(rgb)
        return node.outputs["Color"]

    def bump(self, height: Any, strength: float, distance: float = 0.05) -> None:
        """Shade as if the surface had this height."""
        node = self.node("ShaderNodeBump", Height=height, Strength=strength, Distance=distance)
        self.links.new(node.outputs["Normal"], self.shader.inputs["Normal"])

    def finish(self, **inputs: Any) -> Any:
        """Set inputs of the principled shader and return the material."""
        for key, value in inputs.items():
            self.put(self.shader, key.replace("_", " "), value)
        return self.material


def blend(a: Rgb, b: Rgb, share: float) -> Rgb:
    """The mixture of two colours with ``share`` of the second."""
    return (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2]))


def plain(
    rgb: Rgb, roughness: float = 0.45, metallic: float = 0.0, coat: float = 0.0, *, fabric: bool = False
) -> Any:
    """Paint, plastic, glazed clay, metal or (with ``fabric``) woven cloth in one colour."""
    graph = Graph("plain")
    if fabric:
        height = graph.noise(graph.coordinates((1, 1, 1), random.Random(1)), 90, 2)
        graph.bump(height, 0.35, 0.01)
    sheen = {"Sheen_Weight": 0.3} if fabric else {}
    return graph.finish(
        Base_Color=linear(rgb), Roughness=roughness, Metallic=metallic, Coat_Weight=coat, **sheen
    )


def emission(rgb: Rgb, strength: float) -> Any:
    """A lamp-like surface."""
    return Graph("emission").finish(
        Base_Color=(0, 0, 0, 1), Emission_Color=linear(rgb), Emission_Strength=strength, Roughness=1.0
    )


def wood(rng: random.Random, dark: Rgb, light: Rgb, roughness: float = 0.45) -> Any:
    """Boards with a grain that runs along x."""
    graph = Graph("wood")
    vector = graph.coordinates((0.5, 3.2, 1), rng, rng.uniform(-0.06, 0.06))
    warp = graph.noise(vector, 1.6, 3, 0.8)
    grain = graph.noise(graph.coordinates((0.9, 16, 1), rng), 2.2, 5, 0.6)
    both = graph.node("ShaderNodeMix", {"data_type": "FLOAT"})
    graph.links.new(warp, both.inputs[2])
    graph.links.new(grain, both.inputs[3])
    middle = blend(dark, light, 0.5)
    colour = graph.ramp(both.outputs[0], [(0.32, dark), (0.5, middle), (0.68, light)])
    source = graph.node("ShaderNodeTexCoord").outputs["Object"]
    boards = graph.node(
        "ShaderNodeTexBrick", {"offset": 0.37}, Vector=source, Scale=1.0, Color1=(1, 1, 1, 1), Color2=(0.86, 0.84, 0.82, 1),
        Mortar=(0.25, 0.2, 0.16, 1), Mortar_Size=0.009, Brick_Width=4.7, Row_Height=0.62,
    )  # fmt: skip
    mixed = graph.node("ShaderNodeMix", {"data_type": "RGBA", "blend_type": "MULTIPLY"})
    mixed.inputs[0].default_value = 1.0
    graph.links.new(colour, mixed.inputs[6])
    graph.links.new(boards.outputs["Color"], mixed.inputs[7])
    return graph.finish(Base_Color=mixed.outputs[2], Roughness=roughness)


def marble(rng: random.Random, body: Rgb, vein: Rgb) -> Any:
    """Polished stone with soft clouds and thin veins (the zero line of a distorted noise)."""
    graph = Graph("marble")
    vector = graph.coordinates((0.7, 0.9, 0.8), rng, rng.uniform(0, 3))
    lines = graph.noise(vector, 0.55, 5, 1.6)
    between = blend(body, vein, 0.45)
    soft = blend(body, vein, 0.15)
    colour = graph.ramp(
        lines,
        [
            (0.30, body),
            (0.42, soft),
            (0.475, body),
            (0.496, between),
            (0.508, vein),
            (0.53, body),
            (0.66, soft),
        ],
    )
    return graph.finish(Base_Color=colour, Roughness=0.22, Coat_Weight=0.2)


def mottled(
    rng: random.Random, low: Rgb, high: Rgb, *, scale: float, bump: float, roughness: float = 0.85
) -> Any:
    """Two-tone noise: concrete, plaster, sand, moss."""
    graph = Graph("mottled")
    vector = graph.coordinates((1, 1, 1), rng)
    colour = graph.ramp(graph.noise(vector, scale, 6, 0.2), [(0.3, low), (0.7, high)])
    graph.bump(graph.noise(vector, scale * 6, 4), bump)
    return graph.finish(Base_Color=colour, Roughness=roughness)


def glowing_mottle(rng: random.Random, low: Rgb, high: Rgb, *, scale: float, strength: float) -> Any:
    """Soft light and dark patches that need no lamp: distant leaves in the sun."""
    graph = Graph("glow")
    spots = graph.noise(graph.coordinates((1, 1, 1), rng), scale, 3, 0.4)
    colour = graph.ramp(spots, [(0.38, low), (0.66, high)])
    return graph.finish(
        Base_Color=(0, 0, 0, 1), Emission_Color=colour, Emission_Strength=strength, Roughness=1.0
    )


def sand(rng: random.Random) -> Any:
    """Warm sand with wind ripples across the view."""
    graph = Graph("sand")
    vector = graph.coordinates((0.35, 1.6, 1), rng)
    ripples = graph.noise(vector, 1.5, 2, 0.7)
    fine = graph.noise(graph.coordinates((1, 1, 1), rng), 38, 3)
    height = graph.node("ShaderNodeMath", {"operation": "MULTIPLY_ADD"})
    graph.links.new(fine, height.inputs[0])
    height.inputs[1].default_value = 0.12
    graph.links.new(ripples, height.inputs[2])
    graph.bump(height.outputs[0], 1.0, 0.12)
    colour = graph.ramp(fine, [(0.3, (0.80, 0.68, 0.50)), (0.7, (0.92, 0.82, 0.64))])
    return graph.finish(Base_Color=colour, Roughness=0.95)


def folds(rng: random.Random, rgb: Rgb) -> Any:
    """Draped linen: broad soft folds with a slight weave."""
    graph = Graph("folds")
    wide = graph.noise(graph.coordinates((1.0, 0.45, 1), rng, rng.uniform(-0.9, 0.9)), 1.1, 1, 1.4)
    graph.bump(wide, 1.0, 0.75)
    weave = graph.noise(graph.coordinates((1, 1, 1), rng), 60, 2)
    pale = scaled(rgb, 1.06)
    deep = scaled(rgb, 0.93)
    return graph.finish(
        Base_Color=graph.ramp(weave, [(0.35, deep), (0.65, pale)]), Roughness=0.9, Sheen_Weight=0.2
    )


def gradient(stops: Stops, *, clouds: float, strength: float, rng: random.Random) -> Any:
    """A glowing backdrop from bottom (0) to top (1) of its object, with optional clouds; used for sea and sky."""
    graph = Graph("gradient")
    source = graph.node("ShaderNodeTexCoord").outputs["Generated"]
    split = graph.node("ShaderNodeSeparateXYZ", Vector=source)
    colour = graph.ramp(split.outputs["Z"], stops)
    if clouds:
        veil = graph.noise(graph.coordinates((0.12, 1, 0.4), rng), 1.0, 5, 0.3)
        above = graph.node("ShaderNodeMath", {"operation": "GREATER_THAN"})
        graph.links.new(split.outputs["Z"], above.inputs[0])
        above.inputs[1].default_value = 0.56
        amount = graph.node("ShaderNodeMath", {"operation": "MULTIPLY"})
        graph.links.new(graph.ramp(veil, [(0.5, (0, 0, 0)), (0.72, (clouds,) * 3)]), amount.inputs[0])
        graph.links.new(above.outputs[0], amount.inputs[1])
        mixed = graph.node("ShaderNodeMix", {"data_type": "RGBA"})
        graph.links.new(amount.outputs[0], mixed.inputs[0])
        graph.links.new(colour, mixed.inputs[6])
        mixed.inputs[7].default_value = (1, 1, 1, 1)
        colour = mixed.outputs[2]
    return graph.finish(
        Base_Color=(0, 0, 0, 1), Emission_Color=colour, Emission_Strength=strength, Roughness=1.0
    )
