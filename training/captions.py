"""Captions as customers would write them: synonyms, free order, parts left out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from training.palette import PRODUCT_COLOURS, WALL_COLOURS

SURFACES: dict[str, tuple[str, ...]] = {
    "oak": (
        "on an oak wood table",
        "on an oak table",
        "on a light wooden table",
        "on a wood table",
        "on oak boards",
        "on light wood",
    ),
    "walnut": (
        "on a dark walnut table",
        "on a walnut table",
        "on a dark wooden table",
        "on dark wood",
        "on walnut boards",
    ),
    "marble": ("on white marble", "on a white marble table", "on a marble surface", "on a marble counter"),
    "black marble": ("on black marble", "on a black marble table", "on dark marble"),
    "concrete": ("on a concrete surface", "on concrete", "on grey concrete", "on a concrete floor"),
    "sand": ("on sand", "on fine sand", "on warm sand", "on the sand"),
    "grass": ("on green grass", "on grass", "on a lawn", "in a meadow"),
    "moss": ("on green moss", "on moss", "on a mossy forest floor"),
    "linen": ("on {c} linen", "on a {c} linen cloth", "on {c} fabric", "on draped {c} linen"),
    "glossy black": ("on a glossy black surface", "on black glass", "on a shiny black table"),
    "paper": (
        "on seamless {c} paper",
        "on a {c} paper backdrop",
        "on a plain {c} background",
        "{c} studio backdrop",
        "on {c} paper",
    ),
}
BACKDROPS: dict[str, tuple[str, ...]] = {
    "wall": ("in front of a {c} wall", "{c} wall behind", "before a {c} wall", "against a {c} wall", "with a {c} wall"),
    "window": (
        "window light falling on a {c} wall", "window light on a {c} wall", "sunlight through a window on a {c} wall",
        "{c} wall with window light",
    ),
    "leaf shadow": ("leaf shadows on a {c} wall", "plant shadows on a {c} wall", "{c} wall with leaf shadows", "dappled shadows on a {c} wall"),
    "foliage": ("with leafy foliage behind", "green foliage behind", "in front of green leaves", "garden behind", "leafy green background"),
    "bokeh": ("at night with glowing city lights behind", "night bokeh lights behind", "city lights at night", "with bokeh lights", "at night, blurred lights behind"),
    "sea": ("with the sea and a blue sky behind", "sea and sky behind", "by the sea", "in front of the ocean, blue sky"),
    "sea sunset": ("with the sea at sunset behind", "by the sea at sunset", "sunset over the sea", "ocean and orange sunset sky"),
    "blue sky": ("under a blue sky", "blue sky behind", "with a clear blue sky"),
}  # fmt: skip
LIGHTS: dict[str, tuple[str, ...]] = {
    "soft": ("soft daylight", "soft light", "diffuse light", "soft studio light"),
    "warm": ("warm light", "warm evening light", "golden light", "cosy warm light"),
    "sunny": ("bright sunlight", "sunny day", "hard sunlight", "sunlight", "bright light"),
    "moody": ("moody light", "dramatic light", "dark and moody"),
    "night": ("at night", "night scene", "evening mood"),
}
PROPS: dict[str, tuple[str, ...]] = {
    "podium": ("on a round podium", "on a pedestal"),
    "plant": ("beside a potted plant", "with a plant"),
    "pebbles": ("with pebbles", "beside smooth stones"),
}
PRODUCTS: dict[str, tuple[str, ...]] = {
    "bottle": ("bottle",), "mug": ("mug", "cup"), "jar": ("jar", "cream jar"), "vase": ("vase",), "box": ("box", "package"),
    "soap": ("soap", "bar of soap"), "lamp": ("lamp", "table lamp"), "sneaker": ("sneaker", "shoe"), "tote": ("bag", "tote bag", "handbag"),
    "cap": ("cap", "hat"), "tshirt": ("t-shirt", "shirt"), "hoodie": ("hoodie",), "folded": ("folded clothes", "jumper"), "watch": ("watch",),
    "headphones": ("headphones",), "speaker": ("speaker",), "phone": ("phone",), "stool": ("stool",), "backpack": ("backpack", "bag"),
    "tube": ("tube",),
}  # fmt: skip
VIEWS = ("flat lay", "top view", "seen from above", "from above")
BEACHES = ("on a sandy beach", "on a beach", "on the beach")
STYLES = ("product photo", "advertising photo", "studio shot", "product shot")


def _surface(spec: Mapping[str, Any], rng: random.Random) -> str:
    if spec["kind"] == "beach" and rng.random() < 0.7:
        return rng.choice(BEACHES)
    text = rng.choice(SURFACES[spec["surface"]])
    colour = spec["surface_colour"]
    return text.format(c=rng.choice(WALL_COLOURS[colour].words)) if colour else text


def _backdrop(spec: Mapping[str, Any], rng: random.Random) -> str:
    choices = BACKDROPS.get(spec["backdrop"])
    if not choices:
        return ""
    text = rng.choice(choices)
    colour = spec["backdrop_colour"]
    return text.format(c=rng.choice(WALL_COLOURS[colour].words)) if colour else text


def _product(spec: Mapping[str, Any], rng: random.Random, *, recoloured: bool) -> str:
    noun = rng.choice(PRODUCTS[spec["product"]])
    if recoloured or rng.random() < 0.6:
        return f"a {noun}"
    return f"a {rng.choice(PRODUCT_COLOURS[spec['product_colour']].words)} {noun}"


def caption(spec: Mapping[str, Any], rng: random.Random, *, recoloured: bool = False) -> str:
    """One prompt for a scene's description; the product's colour is left out where the picture was recoloured."""
    surface, backdrop = _surface(spec, rng), _backdrop(spec, rng)
    light = rng.choice(LIGHTS[spec["light"]]) if rng.random() < 0.6 else ""
    prop = rng.choice(PROPS[spec["prop"]]) if spec["prop"] in PROPS else ""
    view = rng.choice(VIEWS) if spec["view"] == "top" else ""
    style = rng.choice(STYLES) if rng.random() < 0.15 else ""
    if backdrop and rng.random() < 0.08:
        backdrop, surface = rng.choice((("", surface), (backdrop, "")))
    subject = _product(spec, rng, recoloured=recoloured) if rng.random() < 0.35 else ""
    scene = [part for part in (surface, backdrop) if part]
    if len(scene) == 2 and rng.random() < 0.2:
        scene.reverse()
    joined = (" " if rng.random() < 0.5 else ", ").join(scene)
    if subject:
        joined = f"{subject} {joined}"
    rest = [part for part in (prop, view, light, style) if part]
    rng.shuffle(rest)
    return ", ".join(
        [view, joined, *(r for r in rest if r != view)] if view and rng.random() < 0.5 else [joined, *rest]
    )


def vocabulary_corpus() -> Iterator[str]:
    """Every phrase a caption can hold, for the tokenizer's vocabulary."""
    tables: list[Mapping[str, tuple[str, ...]]] = [SURFACES, BACKDROPS, LIGHTS, PROPS, PRODUCTS]
    for table in tables:
        for phrases in table.values():
            yield from (phrase.replace("{c}", "") for phrase in phrases)
    for palette in (WALL_COLOURS, PRODUCT_COLOURS):
        for colour in palette.values():
            yield from colour.words
    yield from (
        *VIEWS,
        *BEACHES,
        *STYLES,
        "a photo of an object, empty, blurry, dark, bright, low quality, text, people",
    )
