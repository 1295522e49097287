"""What stands in a scene: a pure, seeded sampler of scene descriptions that Blender then builds."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.palette import DARK_WALLS, PRODUCT_COLOURS, WALL_COLOURS, harmonised

SIZES: tuple[tuple[tuple[int, int], int], ...] = (
    ((256, 256), 7),
    ((320, 256), 4),
    ((256, 320), 4),
    ((320, 192), 3),
    ((192, 320), 2),
    ((384, 192), 3),
)
RENDER_SCALE = 1.5
PRODUCTS: tuple[str, ...] = (
    "bottle", "mug", "jar", "vase", "box", "soap", "lamp", "sneaker", "tote", "cap", "tshirt", "hoodie", "folded",
    "watch", "headphones", "speaker", "phone", "stool", "backpack", "tube", "perfume", "dropper", "handbag", "boot",
    "shirt", "dress", "towels", "laptop", "chair",
)  # fmt: skip
FLAT_PRODUCTS: tuple[str, ...] = (
    "tshirt", "hoodie", "folded", "phone", "soap", "box", "cap", "watch", "sneaker", "bottle", "tube", "perfume",
    "shirt", "dress", "towels", "handbag",
)  # fmt: skip
FURNITURE = frozenset({"stool", "chair"})
GARMENTS = frozenset({"tshirt", "hoodie", "shirt", "dress"})
ON_HANGERS = frozenset({"shirt", "dress"})
COLOURED_SURFACES = frozenset({"linen", "paper", "velvet", "satin", "tiles"})
COLOURED_BACKDROPS = frozenset({"wall", "window", "leaf shadow", "shelves", "room", "tile wall"})
COLOURED_PROPS = frozenset({"fabric", "petals", "candles", "podium", "block", "arch"})
FLOORS = frozenset({"oak", "walnut", "concrete", "stone", "slate", "tiles", "paper", "grass", "sand", "snow"})
# An open table shows its far edge; without one the ground runs up to the backdrop.
TABLES: Mapping[str, float] = {
    "oak": 3, "walnut": 2.5, "marble": 3, "black marble": 1.5, "concrete": 2, "linen": 2, "tiles": 2.4, "stone": 2,
    "slate": 1.6, "velvet": 1.8, "satin": 1.8, "glossy black": 1,
}  # fmt: skip
BEHIND_TABLES: Mapping[str, float] = {
    "wall": 8, "window": 3, "leaf shadow": 3, "foliage": 3.2, "bokeh": 3, "shelves": 3.4, "room": 3.8, "street": 2.8,
    "tile wall": 2,
}  # fmt: skip
LIGHTS_BY_BACKDROP: Mapping[str, Mapping[str, float]] = {
    "wall": {"soft": 6, "warm": 2, "sunny": 3, "moody": 1.3},
    "window": {"sunny": 1, "warm": 1},
    "leaf shadow": {"sunny": 1, "warm": 1},
    "foliage": {"soft": 3, "sunny": 3, "warm": 2},
    "bokeh": {"night": 1},
    "shelves": {"soft": 4, "warm": 3, "moody": 1},
    "room": {"soft": 4, "warm": 3, "sunny": 2},
    "street": {"soft": 2, "sunny": 3, "warm": 1},
    "tile wall": {"soft": 4, "sunny": 2, "warm": 1},
    "paper": {"soft": 3, "sunny": 2, "warm": 1},
    "none": {"soft": 3, "sunny": 2, "warm": 2},
    "sea": {"sunny": 3, "soft": 1},
    "sea sunset": {"warm": 1},
    "blue sky": {"sunny": 2, "soft": 1},
    "winter trees": {"soft": 2, "sunny": 1, "warm": 1},
}
TABLE_PROPS: Mapping[str, float] = {
    "none": 11, "podium": 3.4, "block": 1.6, "arch": 3.0, "plant": 1.4, "sprig": 1.5, "pebbles": 1.1, "petals": 1.4,
    "candles": 1.3, "oranges": 1.0, "lemons": 1.0, "fabric": 1.6,
}  # fmt: skip
TOP_PROPS: Mapping[str, float] = {
    "none": 5, "petals": 1.2, "sprig": 1.3, "pebbles": 1.2, "oranges": 1, "lemons": 1, "fabric": 1,
}  # fmt: skip


@dataclass(frozen=True)
class SceneSpec:
    """One scene. ``size`` is (width, height) in pixels; colours are keys of the palette or empty.

    ``harmony`` says how the scene's colours follow the product's: ``tone``, ``contrast`` or ``free`` (by chance).
    ``extra`` is a second, small decoration: ``petals``, ``pebbles``, ``sprig`` or ``none``.
    """

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
    prop_colour: str = ""
    extra: str = "none"
    harmony: str = "free"

    def as_dict(self) -> dict[str, Any]:
        """The description as JSON-ready values."""
        return asdict(self)


def _pick(rng: random.Random, weights: Mapping[str, float]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _place(rng: random.Random) -> tuple[str, str, str]:
    """Kind, surface and backdrop that occur together."""
    kind = rng.choices(
        ("interior", "paper", "beach", "grass", "snow", "pool", "flat lay"), (52, 14, 9, 7, 4, 3, 11)
    )[0]
    if kind == "interior":
        backdrop = _pick(rng, BEHIND_TABLES)
        if backdrop == "bokeh" and rng.random() < 0.25:
            return kind, "glossy black", backdrop
        return kind, _pick(rng, TABLES), backdrop
    if kind == "paper":
        return kind, "paper", "paper"
    if kind == "beach":
        return (
            kind,
            rng.choice(("sand", "sand", "shore")),
            rng.choice(("sea", "sea", "sea sunset", "blue sky")),
        )
    if kind == "grass":
        surface = rng.choice(("grass", "grass", "moss"))
        return (
            kind,
            surface,
            rng.choice(("foliage", "foliage", "blue sky")) if surface == "grass" else "foliage",
        )
    if kind == "snow":
        return kind, "snow", rng.choice(("winter trees", "winter trees", "blue sky", "wall"))
    if kind == "pool":
        return kind, "water", rng.choice(("wall", "wall", "sea", "foliage", "tile wall"))
    surfaces = (
        "oak",
        "walnut",
        "marble",
        "concrete",
        "linen",
        "paper",
        "paper",
        "sand",
        "moss",
        "stone",
        "tiles",
        "satin",
    )
    return kind, rng.choice(surfaces), "none"


def _prop(rng: random.Random, kind: str, surface: str, backdrop: str, product: str) -> tuple[str, str]:
    """The main prop and the small extra one."""
    if kind == "flat lay":
        return _pick(rng, TOP_PROPS), "none"
    if kind == "pool":
        return rng.choice(("podium", "block")), rng.choice(("none", "petals"))
    if kind in ("beach", "grass", "snow"):
        return rng.choices(("none", "pebbles", "podium", "block", "sprig"), (14, 2, 2, 1, 1))[0], "none"
    prop = _pick(rng, TABLE_PROPS)
    if prop == "arch" and backdrop not in ("wall", "paper"):
        prop = "podium"
    if prop == "fabric" and surface in ("velvet", "satin", "linen"):
        prop = "petals"
    if product in FURNITURE | GARMENTS and prop not in ("none", "plant", "arch"):
        prop = rng.choice(("none", "plant"))
    extra = (
        rng.choice(("petals", "pebbles", "sprig"))
        if prop in ("podium", "block", "arch") and rng.random() < 0.4
        else "none"
    )
    return prop, extra


def _product(rng: random.Random, kind: str, surface: str) -> str:
    if kind == "flat lay":
        return rng.choice(FLAT_PRODUCTS)
    unfit = frozenset() if surface in FLOORS else FURNITURE
    if kind not in ("interior", "paper"):
        unfit |= ON_HANGERS
    return rng.choice([product for product in PRODUCTS if product not in unfit])


def _colours(
    rng: random.Random, surface: str, backdrop: str, prop: str, product_colour: str, harmony: str
) -> dict[str, str]:
    """Colours of surface, backdrop and prop, empty where they have none."""
    rgb = PRODUCT_COLOURS[product_colour].rgb

    def choose(*, light_only: bool = False) -> str:
        keys = [key for key in WALL_COLOURS if not (light_only and key in DARK_WALLS)]
        return rng.choice(keys) if harmony == "free" else harmonised(rgb, harmony, keys, rng)

    on_surface = choose() if surface in COLOURED_SURFACES else ""
    behind = ""
    if backdrop == "paper":
        behind = on_surface
    elif backdrop in COLOURED_BACKDROPS:
        behind = choose(light_only=backdrop != "wall")
    standing = choose(light_only=prop == "petals") if prop in COLOURED_PROPS else ""
    if prop in ("podium", "block", "arch") and behind and rng.random() < 0.6:
        standing = behind
    return {"surface_colour": on_surface, "backdrop_colour": behind, "prop_colour": standing}


def smaller(size: tuple[int, int]) -> tuple[int, int]:
    """A scene's size at the smaller class."""
    return round(size[0] / RENDER_SCALE), round(size[1] / RENDER_SCALE)


def rare(spec: SceneSpec) -> bool:
    """Whether a scene belongs to the series that fills up what chance shows too seldom, mostly light on walls and marble.

    Of those with a large prop, which hides the setting, fewer are kept.
    """
    if spec.backdrop == "window":
        share = 1.0
    elif spec.backdrop == "wall":
        share = {"marble": 1.0, "linen": 0.7, "oak": 0.45, "walnut": 0.45}.get(spec.surface, 0.0)
    elif spec.backdrop == "leaf shadow":
        share = 0.5
    else:
        share = 0.3 if (spec.surface, spec.view) == ("marble", "top") else 0.0
    hidden = spec.prop in ("podium", "block", "arch") and random.Random(f"p{spec.index}").random() < 0.6
    return not hidden and random.Random(f"aim{spec.index}").random() < share


def sample_scene(seed: int, index: int) -> SceneSpec:
    """The scene number ``index`` of the series ``seed``; the same pair always gives the same scene."""
    rng = random.Random(f"studio-tiny:{seed}:{index}")
    kind, surface, backdrop = _place(rng)
    view = "top" if kind == "flat lay" else "front"
    product = _product(rng, kind, surface)
    prop, extra = _prop(rng, kind, surface, backdrop, product)
    product_colour = rng.choice(list(PRODUCT_COLOURS))
    coloured = surface in COLOURED_SURFACES or backdrop in COLOURED_BACKDROPS or prop in COLOURED_PROPS
    harmony = rng.choices(("free", "tone", "contrast"), (50, 28, 22))[0] if coloured else "free"
    width, height = rng.choices([s for s, _ in SIZES], [w for _, w in SIZES])[0]
    beside = prop not in ("none", "podium", "block", "arch", "fabric")
    return SceneSpec(
        index=index,
        seed=seed,
        size=(round(width * RENDER_SCALE), round(height * RENDER_SCALE)),
        kind=kind,
        surface=surface,
        backdrop=backdrop,
        light=_pick(rng, LIGHTS_BY_BACKDROP[backdrop]),
        prop=prop,
        extra=extra,
        product=product,
        product_colour=product_colour,
        accent_colour=rng.choice(list(PRODUCT_COLOURS)),
        view=view,
        height_share=rng.uniform(0.34, 0.56 if beside else 0.7),
        shift=rng.choice((0.0, 0.0, rng.uniform(-0.26, 0.26))),
        harmony=harmony,
        **_colours(rng, surface, backdrop, prop, product_colour, harmony),
    )
