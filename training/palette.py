"""Named colours of walls, papers, cloths and products, as sRGB triples in 0..1, with the words for them."""

from __future__ import annotations

import colorsys
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class NamedColour:
    """One colour with the words that customers use for it; ``rgb`` is sRGB in 0..1."""

    rgb: tuple[float, float, float]
    words: tuple[str, ...]


def _hex(value: str) -> tuple[float, float, float]:
    return (int(value[0:2], 16) / 255, int(value[2:4], 16) / 255, int(value[4:6], 16) / 255)


WALL_COLOURS: dict[str, NamedColour] = {
    "white": NamedColour(_hex("f2f1ee"), ("white", "bright white", "clean white")),
    "cream": NamedColour(_hex("eadfc8"), ("cream", "warm cream", "ivory")),
    "beige": NamedColour(_hex("cdb595"), ("beige", "sand coloured", "warm beige")),
    "grey": NamedColour(_hex("a2a4a6"), ("grey", "light grey", "neutral grey")),
    "charcoal": NamedColour(_hex("3a3c40"), ("charcoal", "dark grey", "anthracite")),
    "sage": NamedColour(_hex("9db08f"), ("sage", "sage green", "soft green")),
    "mint": NamedColour(_hex("a9dcc3"), ("mint", "mint green", "pale green")),
    "forest": NamedColour(_hex("2f5a43"), ("forest green", "dark green", "deep green")),
    "teal": NamedColour(_hex("1f7f86"), ("teal", "petrol")),
    "sky": NamedColour(_hex("9cc7e8"), ("sky blue", "light blue", "pale blue")),
    "navy": NamedColour(_hex("22315a"), ("navy", "navy blue", "dark blue")),
    "lavender": NamedColour(_hex("b8a7dd"), ("lavender", "lilac", "pale purple")),
    "blush": NamedColour(_hex("edbfc0"), ("blush", "blush pink", "pink", "soft pink")),
    "coral": NamedColour(_hex("ee7b66"), ("coral", "salmon")),
    "terracotta": NamedColour(_hex("bd6a48"), ("terracotta", "rust", "burnt orange")),
    "mustard": NamedColour(_hex("dba93a"), ("mustard", "mustard yellow", "yellow")),
    "burgundy": NamedColour(_hex("742a3a"), ("burgundy", "wine red", "dark red")),
    "peach": NamedColour(_hex("f3c6a0"), ("peach", "apricot", "pale orange")),
    "olive": NamedColour(_hex("7d7f45"), ("olive", "olive green")),
    "plum": NamedColour(_hex("7a4f7d"), ("plum", "purple", "mauve")),
    "chocolate": NamedColour(_hex("5b3a29"), ("chocolate brown", "brown", "dark brown")),
}
DARK_WALLS = frozenset({"charcoal", "navy", "forest", "burgundy", "chocolate", "plum"})

PRODUCT_COLOURS: dict[str, NamedColour] = {
    **{key: WALL_COLOURS[key] for key in ("white", "cream", "grey", "charcoal", "navy", "mustard", "teal")},
    "black": NamedColour(_hex("17181a"), ("black",)),
    "red": NamedColour(_hex("c8252c"), ("red",)),
    "blue": NamedColour(_hex("2257b8"), ("blue",)),
    "green": NamedColour(_hex("2d8a4e"), ("green",)),
    "orange": NamedColour(_hex("ee7a1f"), ("orange",)),
    "pink": NamedColour(_hex("e786a8"), ("pink",)),
    "purple": NamedColour(_hex("71409b"), ("purple",)),
    "brown": NamedColour(_hex("7a4a2b"), ("brown",)),
    "tan": NamedColour(_hex("c39a6b"), ("tan",)),
}


def jittered(
    rgb: tuple[float, float, float], rng: random.Random, amount: float = 0.04
) -> tuple[float, float, float]:
    """``rgb`` with hue, saturation and value moved a little, so that a name is a region and not a point."""
    h, s, v = colorsys.rgb_to_hsv(*rgb)
    h = (h + rng.uniform(-0.3, 0.3) * amount) % 1
    s = min(1, max(0, s * (1 + rng.uniform(-2, 2) * amount)))
    v = min(0.96, max(0.05, v * (1 + rng.uniform(-1.5, 1.5) * amount)))
    return colorsys.hsv_to_rgb(h, s, v)


def scaled(rgb: tuple[float, float, float], factor: float, lift: float = 0.0) -> tuple[float, float, float]:
    """``rgb`` times ``factor`` plus ``lift``, at most 1."""
    return (
        min(1.0, rgb[0] * factor + lift),
        min(1.0, rgb[1] * factor + lift),
        min(1.0, rgb[2] * factor + lift),
    )


def oklab(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
    """sRGB (0..1) to OKLab (Ottosson 2020): lightness 0..1 and the two opponent axes."""
    r, g, b, _ = linear(rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def harmonised(
    rgb: tuple[float, float, float], harmony: str, among: Iterable[str], rng: random.Random
) -> str:
    """A wall colour out of ``among`` that goes with a product of this colour.

    ``harmony`` is ``tone`` (the product's own hue, or neutrals for a neutral product, a little lighter or darker) or
    ``contrast`` (the opposite hue in OKLab; any clear colour for a neutral product).
    """
    lightness, a, b = oklab(rgb)
    neutral, hue = math.hypot(a, b) < 0.035, math.atan2(b, a)
    keys, weights = list(among), []
    for key in keys:
        wall_lightness, wall_a, wall_b = oklab(WALL_COLOURS[key].rgb)
        chroma = math.hypot(wall_a, wall_b)
        clear = min(1.0, chroma / 0.05) ** 2
        if neutral:
            weight = clear if harmony == "contrast" else 1.02 - clear
        else:
            away = math.remainder(math.atan2(wall_b, wall_a) - hue, 2 * math.pi)
            if harmony == "contrast":
                away = math.pi - abs(away)
            weight = clear * math.exp(-((away / math.radians(26)) ** 2))
        weights.append(weight * (0.25 + min(1.0, abs(wall_lightness - lightness) / 0.2)) + 1e-6)
    return rng.choices(keys, weights)[0]


def linear(rgb: tuple[float, float, float]) -> tuple[float, float, float, float]:
    """sRGB (0..1) to scene-linear RGBA, IEC 61966-2-1."""

    def channel(c: float) -> float:
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    return (channel(rgb[0]), channel(rgb[1]), channel(rgb[2]), 1.0)
