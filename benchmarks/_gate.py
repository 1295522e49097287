"""The labelled set of the quality gate: good creatives, and failures of every class made on purpose.

With a folder of rendered scenes (picture, exact coverage of the product, description) good ones are the
scenes themselves, and failures are made of them. The products of the demo catalogue, in settings that are generated here,
are always part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from creatives.pipeline.colour import resize_rgba
from creatives.pipeline.compose import compose
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.edges import draw_edges
from creatives.pipeline.horizon import find_horizon
from creatives.pipeline.measures import lab
from creatives.pipeline.rim import without_rim

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

GOOD, PAINTED = "good", "painted"
PHOTOS = Path(__file__).resolve().parent.parent / "creatives" / "demo" / "images"
SIDE = 256


@dataclass(frozen=True)
class Case:
    """One creative with its label. label: GOOD or the class of the failure; item: what it was made of.

    generated: uint8 (H, W, 3); placed: uint8 (H, W, 4); photo and matte: what the mask was found in, and the mask.
    """

    label: str
    item: str
    source: str
    generated: U8
    placed: U8
    photo: U8
    matte: U8

    @cached_property
    def edges(self) -> U8:
        rgb = np.ascontiguousarray(self.placed[..., :3])
        return draw_edges(rgb, np.ascontiguousarray(self.placed[..., 3]))

    @cached_property
    def composed(self) -> U8:
        return compose(self.placed, without_rim(self.generated, self.placed[..., 3]))

    @property
    def calibrates(self) -> bool:
        """Which half: thresholds are set on the one, figures reported on the other. All cases of an item share it."""
        return hashlib.sha256(self.item.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True)
class Scene:
    """A product in a setting. rgb: uint8 (H, W, 3); alpha: uint8 (H, W), the product's exact coverage; stands: whether it is
    seen from the side, on something.
    """

    name: str
    source: str
    rgb: U8
    alpha: U8
    stands: bool = True

    @property
    def product(self) -> Bool:
        return np.asarray(self.alpha >= 128, np.bool_)

    @cached_property
    def placed(self) -> U8:
        return np.dstack([np.where(self.alpha[..., None] > 0, self.rgb, 0).astype(np.uint8), self.alpha])

    @cached_property
    def plate(self) -> U8:
        """The setting without the product."""
        hole = cv2.dilate(self.alpha, np.ones((9, 9), np.uint8))
        small = cv2.inpaint(self.rgb, hole, 5, cv2.INPAINT_TELEA)
        noise = np.random.default_rng(_seed(self.name)).normal(0, 3.0, small.shape)
        grained = np.clip(small + noise, 0, 255).astype(np.uint8)
        return np.where(hole[..., None] > 0, grained, self.rgb).astype(np.uint8)

    def case(self, label: str, generated: U8, placed: U8 | None = None, matte: U8 | None = None) -> Case:
        shown = self.placed if placed is None else placed
        mask = self.alpha if matte is None else matte
        return Case(label, self.name, self.source, generated, shown, self.rgb, mask)


def cases(folder: Path | None, limit: int = 10_000) -> Iterator[Case]:
    """Good creatives: every fourth scene of a folder and the products of the demo, at most 5 and 1 times `limit`. Of the
    first `limit` of each, failures of every class.
    """
    rendered, drawn = _rendered(folder, 5 * limit), _generated(limit)
    for scene in [*rendered, *drawn]:
        yield scene.case(GOOD, scene.rgb)
    for scene in [*rendered[:limit], *drawn]:
        for label, spoil in FAILURES.items():
            case = spoil(scene, np.random.default_rng(_seed(f"{scene.name}/{label}")))
            if case is not None:
                yield replace(case, label=label)


def _rendered(folder: Path | None, limit: int) -> list[Scene]:
    """Every fourth scene, those among them that no checkpoint was trained on first."""
    if folder is None:
        return []
    from training.dataset import held_out, load_scene, scene_names

    fourth = [name for name in scene_names(folder) if int(name.rsplit("-", 1)[-1]) % 4 == 3]
    names = sorted(fourth, key=lambda name: not held_out(name))[:limit]
    loaded = [load_scene(folder, name) for name in names]
    found = [Scene(one.name, "scenes", one.rgb, one.alpha, one.spec.get("view") == "front") for one in loaded]
    return [scene for scene in found if 0.01 <= scene.product.mean() <= 0.6]


def _generated(limit: int) -> list[Scene]:
    """The demo's products on a table before a wall, both with a grain of their own."""
    return [_on_a_table(path) for path in sorted(PHOTOS.glob("*.jpg"))[:limit]]


def _on_a_table(path: Path) -> Scene:
    random = np.random.default_rng(_seed(path.stem))
    cut = cut_out(path).product
    factor = min(0.6 * SIDE / cut.shape[0], 0.6 * SIDE / cut.shape[1])
    size = (max(8, round(cut.shape[1] * factor)), max(8, round(cut.shape[0] * factor)))
    small = resize_rgba(cut, *size)
    placed = np.zeros((SIDE, SIDE, 4), np.uint8)
    foot, left = round(0.86 * SIDE), (SIDE - size[0]) // 2 + int(random.integers(-20, 21))
    placed[foot - size[1] : foot, left : left + size[0]] = small
    setting = _setting(random, placed)
    return Scene(path.stem, "table", compose(placed, setting), np.ascontiguousarray(placed[..., 3]))


def _setting(random: np.random.Generator, placed: U8) -> U8:
    """A wall and a table in colours that are not the product's."""
    own = np.median(placed[placed[..., 3] > 128][:, :3], axis=0)
    picture = np.zeros((SIDE, SIDE, 3), np.float32)
    horizon = int(random.integers(round(0.55 * SIDE), round(0.75 * SIDE)))
    colours: list[F32] = []
    while len(colours) < 2:
        colour = random.integers(40, 226, 3).astype(np.float32)
        if np.abs(colour - own).max() > 70 and all(np.abs(colour - other).max() > 50 for other in colours):
            colours.append(colour)
    picture[:horizon], picture[horizon:] = colours
    for cells, strength in ((6, 10), (40, 6), (128, 5)):
        grain = random.standard_normal((cells, cells, 1)).astype(np.float32)
        picture += strength * cv2.resize(grain, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)[..., None]
    planks = 8.0 * np.sin(np.arange(SIDE, dtype=np.float32) / float(random.uniform(2, 5)))
    picture[horizon:] += planks[None, :, None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _extended(scene: Scene, random: np.random.Generator) -> Case | None:
    """The painting goes on where the product ends: its colours near the outline, drawn out to one or both sides.

    The outermost pixels are left out: the setting shines through them, and what they are drawn out to looks like glass.
    """
    product = scene.product
    side = float(np.sqrt(product.sum()))
    shift = side * random.uniform(0.15, 0.3)
    angle = random.uniform(0, 2 * np.pi)
    moved = product.astype(np.uint8)
    for share in np.linspace(0, 1, 12):
        matrix = np.array(
            [[1, 0, share * shift * np.cos(angle)], [0, 1, share * shift * np.sin(angle)]], np.float32
        )
        moved |= np.asarray(cv2.warpAffine(product.astype(np.uint8), matrix, product.shape[::-1]), np.uint8)
    grown = moved > 0
    core = cv2.erode(np.where(scene.alpha > 250, 1, 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not core.any():
        return None
    _, labels = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.flatnonzero(core)
    nearest = np.zeros(int(labels.max()) + 1, np.int64)
    nearest[labels.ravel()[places]] = places
    colours = cv2.GaussianBlur(scene.rgb.reshape(-1, 3)[nearest[labels]], (0, 0), 1.5)
    painted = np.where((grown & ~product)[..., None], colours, scene.rgb).astype(np.uint8)
    return scene.case("", painted) if (grown & ~product).sum() > 0.08 * product.sum() else None


def _ignored(scene: Scene, random: np.random.Generator) -> Case | None:
    """A setting painted without having been told of the product."""
    return scene.case("", scene.plate)


def _spoilt_mask(scene: Scene, matte: U8) -> Case | None:
    """A creative made with a wrong mask: the painting keeps to what it was told."""
    if (matte >= 128).sum() < 64:
        return None
    placed = np.dstack([np.where(matte[..., None] > 0, scene.rgb, 0).astype(np.uint8), matte])
    return scene.case("", compose(placed, scene.plate, shadow=0.0), placed, matte)


def _eroded(scene: Scene, random: np.random.Generator) -> Case | None:
    pixels = max(3, round(0.05 * np.sqrt(scene.product.sum())))
    return _spoilt_mask(
        scene, np.asarray(cv2.erode(scene.alpha, np.ones((2 * pixels + 1,) * 2, np.uint8)), np.uint8)
    )


def _dilated(scene: Scene, random: np.random.Generator) -> Case | None:
    pixels = max(4, round(0.06 * np.sqrt(scene.product.sum())))
    return _spoilt_mask(
        scene, np.asarray(cv2.dilate(scene.alpha, np.ones((2 * pixels + 1,) * 2, np.uint8)), np.uint8)
    )


def _missing(scene: Scene, random: np.random.Generator) -> Case | None:
    """A third of the product is cut off along a straight line."""
    rows, columns = np.nonzero(scene.product)
    angle = random.uniform(0, 2 * np.pi)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    y, x = np.indices(scene.alpha.shape)
    off = x * np.cos(angle) + y * np.sin(angle) > np.quantile(along, 0.67)
    return _spoilt_mask(scene, np.where(off, 0, scene.alpha).astype(np.uint8))


def _blob(scene: Scene, random: np.random.Generator) -> Case | None:
    """A part of the backdrop, a fifth of the product or more, counts as product."""
    rows, columns = np.nonzero(scene.product)
    side = float(np.sqrt(scene.product.sum()))
    pick = int(random.integers(len(rows)))
    matte = scene.alpha.copy()
    centre = (
        int(columns[pick] + random.choice([-1, 1]) * side * 0.6),
        int(rows[pick] - 0.1 * side),
    )
    cv2.ellipse(matte, centre, (round(0.32 * side), round(0.26 * side)), 0, 0, 360, 255, -1, cv2.LINE_AA)
    added = ((matte >= 128) & ~scene.product).sum()
    return _spoilt_mask(scene, matte) if added > 0.08 * scene.product.sum() else None


def _floating(scene: Scene, random: np.random.Generator) -> Case | None:
    """The product lifted until its foot is well above the horizon, and painted there faithfully.

    Lifted by chance, every other one still stood on its ground, further away, or before a sweep of paper that has none.
    """
    row = find_horizon(lab(scene.plate), np.ones(scene.alpha.shape, np.bool_)) if scene.stands else None
    if row is None:
        return None
    height, rows = len(scene.alpha), np.flatnonzero(scene.product.any(axis=1))
    lift = int(rows[-1]) - (row - int(random.uniform(0.06, 0.2) * height))
    if lift < 0.05 * height:
        return None
    if rows[0] - lift < 2:  # too tall to be lifted: made smaller first
        return _floating(_smaller(scene), random) if rows[-1] - rows[0] > 0.25 * height else None
    placed = np.roll(scene.placed, -lift, axis=0)
    return scene.case("", compose(placed, scene.plate, shadow=0.0), placed)


def _smaller(scene: Scene) -> Scene:
    height, width = scene.alpha.shape
    rows = np.flatnonzero(scene.product.any(axis=1))
    matrix = np.array([[0.5, 0, 0.25 * width], [0, 0.5, 0.5 * rows[-1]]], np.float32)
    placed = np.asarray(cv2.warpAffine(scene.placed, matrix, (width, height), flags=cv2.INTER_AREA), np.uint8)
    plate = scene.plate
    smaller = Scene(
        scene.name, scene.source, compose(placed, plate, shadow=0.0), np.ascontiguousarray(placed[..., 3])
    )
    smaller.__dict__["plate"], smaller.__dict__["placed"] = plate, placed
    return smaller


def _indistinct(scene: Scene, random: np.random.Generator) -> Case | None:
    """The product in the colours of what is behind it."""
    plate = cv2.GaussianBlur(scene.plate, (0, 0), 2.0).astype(np.float32)
    detail = scene.rgb.astype(np.float32) - cv2.GaussianBlur(scene.rgb, (0, 0), 8.0)
    faint = np.clip(plate + 0.15 * detail + random.uniform(-3, 3), 0, 255).astype(np.uint8)
    placed = np.dstack([np.where(scene.alpha[..., None] > 0, faint, 0).astype(np.uint8), scene.alpha])
    return scene.case("", compose(placed, scene.plate, shadow=0.0), placed)


def _seams(scene: Scene, random: np.random.Generator) -> Case | None:
    """The painting is made of two that do not match, side by side."""
    at = int(random.uniform(0.2, 0.8) * scene.rgb.shape[1])
    shift = random.choice([-1, 1]) * random.uniform(14, 40)
    painted = scene.rgb.astype(np.float32)
    painted[:, at:] += shift
    return scene.case("", np.clip(painted, 0, 255).astype(np.uint8))


def _blurred(scene: Scene, random: np.random.Generator) -> Case | None:
    blurred = cv2.GaussianBlur(scene.rgb, (0, 0), float(random.uniform(3.5, 6.0)))
    return scene.case("", np.asarray(blurred, np.uint8))


def _leaking(scene: Scene, random: np.random.Generator) -> Case | None:
    """A second outline beside the product, as where the edges of a wrong mask were painted too."""
    pixels = int(random.integers(4, 8))
    wide = cv2.dilate(scene.alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1,) * 2))
    line = cv2.morphologyEx(wide, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    soft = cv2.GaussianBlur(line, (0, 0), 0.6)[..., None] / 255.0
    dark = float(scene.rgb[wide > 0].mean()) > 110
    ink = np.array([25, 25, 25] if dark else [235, 235, 235], np.float32)
    painted = scene.rgb * (1 - soft) + ink * soft
    inside = (cv2.dilate(scene.alpha, np.ones((3, 3), np.uint8)) > 0)[..., None]
    return scene.case("", np.where(inside, scene.rgb, np.clip(painted, 0, 255)).astype(np.uint8))


FAILURES: dict[str, Callable[[Scene, np.random.Generator], Case | None]] = {
    "extended": _extended,
    "shape ignored": _ignored,
    "mask eroded": _eroded,
    "mask dilated": _dilated,
    "part missing": _missing,
    "foreign part": _blob,
    "floating": _floating,
    "indistinct": _indistinct,
    "seam": _seams,
    "blurred": _blurred,
    "second outline": _leaking,
}


def _seed(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def sheet(chosen: list[Case], columns: int) -> U8:
    """Composed pictures in a grid, for people to look at."""
    side = 160
    tiles = [np.asarray(Image.fromarray(case.composed).resize((side, side)), np.uint8) for case in chosen]
    while len(tiles) % columns:
        tiles.append(np.full((side, side, 3), 255, np.uint8))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)
