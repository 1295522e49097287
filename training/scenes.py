"""What stands in a scene: a pure, seeded sampler of scene descriptions that Blender then builds."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

from training.palette import PRODUCT_COLOURS, WALL_COLOURS

SIZES: tuple[tuple[tuple[int, int], int], ...] = (
    ((256, 256), 7),
    ((320, 256), 4),
    ((256, 320), 4),
    ((320, 192), 3),
    ((192, 320), 2),
    ((384, 192), 3),
)
PRODUCTS: tuple[str, ...] = (
    "bottle", "mug", "jar", "vase", "box", "soap", "lamp", "sneaker", "tote", "cap", "tshirt", "hoodie", "folded",
    "watch", "headphones", "speaker", "phone", "stool", "backpack", "tube",
)  # fmt: skip
FLAT_PRODUCTS: tuple[str, ...] = (
    "tshirt",
    "hoodie",
    "folded",
    "phone",
    "soap",
    "box",
    "cap",
    "watch",
    "sneaker",
)
HARD_SURFACES = ("oak", "walnut", "marble", "black marble", "concrete", "linen", "glossy black")
LIGHTS = ("soft", "warm", "sunny", "moody")


@dataclass(frozen=True)
class SceneSpec:
    """One scene. ``size`` is (width, height) in pixels; colours are keys of the palette or empty."""

    index: int
    seed: int
    size: tuple[int, int]
    kind: str
    surface: str
    surface_colour: str
    backdrop: str
    backdrop_colour: str
    light: str
    prop: str
    product: str
    product_colour: str
    accent_colour: str
    view: str
    height_share: float
    shift: float

    def as_dict(self) -> dict[str, Any]:
        """The description as JSON-ready values."""
        return asdict(self)


def _interior(rng: random.Random) -> dict[str, str]:
    surface = rng.choice(HARD_SURFACES)
    backdrop = rng.choices(("wall", "window", "leaf shadow", "foliage", "bokeh"), (9, 3, 3, 3, 4))[0]
    if surface == "glossy black":
        backdrop = rng.choice(("bokeh", "bokeh", "wall"))
    light = "night" if backdrop == "bokeh" else rng.choices(LIGHTS, (6, 2, 3, 1))[0]
    if backdrop in ("window", "leaf shadow"):
        light = rng.choice(("sunny", "warm"))
    return {"surface": surface, "backdrop": backdrop, "light": light}


def _kind(rng: random.Random) -> dict[str, str]:
    kind = rng.choices(("interior", "paper", "beach", "grass", "flat lay"), (46, 16, 12, 11, 15))[0]
    if kind == "interior":
        return {"kind": kind, "view": "front", **_interior(rng)}
    if kind == "paper":
        return {
            "kind": kind,
            "view": "front",
            "surface": "paper",
            "backdrop": "paper",
            "light": rng.choice(("soft", "soft", "sunny")),
        }
    if kind == "beach":
        backdrop = rng.choice(("sea", "sea", "sea sunset"))
        return {
            "kind": kind,
            "view": "front",
            "surface": "sand",
            "backdrop": backdrop,
            "light": "warm" if "sunset" in backdrop else "sunny",
        }
    if kind == "grass":
        surface = rng.choice(("grass", "grass", "moss"))
        backdrop = rng.choice(("foliage", "foliage", "blue sky")) if surface == "grass" else "foliage"
        return {
            "kind": kind,
            "view": "front",
            "surface": surface,
            "backdrop": backdrop,
            "light": rng.choice(("soft", "sunny", "warm")),
        }
    surface = rng.choice(("oak", "walnut", "marble", "concrete", "linen", "paper", "paper", "sand", "moss"))
    return {
        "kind": kind,
        "view": "top",
        "surface": surface,
        "backdrop": "none",
        "light": rng.choice(("soft", "sunny", "warm")),
    }


def sample_scene(seed: int, index: int) -> SceneSpec:
    """The scene number ``index`` of the series ``seed``; the same pair always gives the same scene."""
    rng = random.Random(f"studio-tiny:{seed}:{index}")
    parts = _kind(rng)
    colours = list(WALL_COLOURS)
    surface_colour = rng.choice(colours) if parts["surface"] in ("linen", "paper") else ""
    if parts["backdrop"] == "paper":
        backdrop_colour = surface_colour
    elif parts["backdrop"] in ("window", "leaf shadow"):
        backdrop_colour = rng.choice(
            [c for c in colours if c not in ("charcoal", "navy", "forest", "burgundy")]
        )
    else:
        backdrop_colour = rng.choice(colours) if parts["backdrop"] == "wall" else ""
    products = FLAT_PRODUCTS if parts["view"] == "top" else PRODUCTS
    tones = list(PRODUCT_COLOURS)
    prop = "none"
    if parts["view"] == "front" and parts["surface"] not in ("sand", "grass", "moss"):
        prop = rng.choices(("none", "podium", "plant", "pebbles"), (14, 2, 2, 1))[0]
    return SceneSpec(
        index=index,
        seed=seed,
        size=rng.choices([s for s, _ in SIZES], [w for _, w in SIZES])[0],
        surface_colour=surface_colour,
        backdrop_colour=backdrop_colour,
        prop=prop,
        product=rng.choice(products),
        product_colour=rng.choice(tones),
        accent_colour=rng.choice(tones),
        height_share=rng.uniform(0.34, 0.72),
        shift=rng.choice((0.0, 0.0, rng.uniform(-0.26, 0.26))),
        **parts,
    )
