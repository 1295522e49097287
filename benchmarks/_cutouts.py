"""Product cut-outs with known alpha, and the photos made of them: drawn here, or read from a folder of PNGs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class CutOut:
    """rgb: uint8 (H, W, 3), straight colours; alpha: uint8 (H, W), the truth."""

    name: str
    rgb: U8
    alpha: U8


def cut_outs(folder: Path | None) -> Iterator[CutOut]:
    """Every picture of the folder that has alpha, by name; four drawn products without a folder."""
    if folder is None:
        yield from _drawn()
        return
    paths = sorted(path for path in folder.rglob("*.png"))
    found = False
    for path in paths:
        rgba = np.asarray(Image.open(path).convert("RGBA"), np.uint8)
        if rgba[..., 3].min() < 255:
            found = True
            yield CutOut(path.stem, np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3]))
    if not found:
        raise FileNotFoundError(f"{folder} holds no PNG with alpha")


def _drawn() -> Iterator[CutOut]:
    """A mug with an open handle, a ring, a shirt with a white print, a pair of bottles; drawn at four times their size."""
    for name, colour in (
        ("mug", (176, 52, 40)),
        ("ring", (60, 62, 70)),
        ("shirt", (40, 70, 140)),
        ("pair", (205, 203, 198)),
    ):
        big = np.zeros((1920, 1920), np.uint8)
        white = np.zeros_like(big)
        _SHAPES[name](big, white)
        alpha = np.asarray(cv2.resize(big, (480, 480), interpolation=cv2.INTER_AREA), np.uint8)
        print_ = cv2.resize(white, (480, 480), interpolation=cv2.INTER_AREA)[..., None] / 255.0
        shade = np.linspace(1.15, 0.75, 480, dtype=np.float32)[None, :, None]
        rgb = np.array(colour, np.float32) * shade * (1 - print_) + 245.0 * print_
        yield CutOut(
            name, np.rint(np.clip(np.broadcast_to(rgb, (480, 480, 3)), 0, 255)).astype(np.uint8), alpha
        )


def _mug(big: U8, white: U8) -> None:
    cv2.rectangle(big, (520, 560), (1160, 1440), 255, -1)
    cv2.ellipse(big, (1160, 1000), (330, 300), 0, -90, 90, 255, 110)


def _ring(big: U8, white: U8) -> None:
    cv2.circle(big, (960, 960), 560, 255, 120)


def _shirt(big: U8, white: U8) -> None:
    outline = [
        (620, 420),
        (1300, 420),
        (1720, 760),
        (1500, 980),
        (1320, 860),
        (1320, 1600),
        (600, 1600),
        (600, 860),
        (420, 980),
        (200, 760),
    ]
    cv2.fillPoly(big, [np.array(outline, np.int32)], 255)
    cv2.circle(white, (960, 860), 190, 255, -1)


def _pair(big: U8, white: U8) -> None:
    for left in (480, 1080):
        cv2.rectangle(big, (left, 620), (left + 360, 1560), 255, -1)
        cv2.rectangle(big, (left + 110, 420), (left + 250, 620), 255, -1)


_SHAPES: dict[str, Callable[[U8, U8], None]] = {"mug": _mug, "ring": _ring, "shirt": _shirt, "pair": _pair}


def white(height: int, width: int, seed: int) -> F32:
    return np.full((height, width, 3), 255.0, np.float32)


def dark(height: int, width: int, seed: int) -> F32:
    return np.broadcast_to(np.array((30, 30, 34), np.float32), (height, width, 3))


def grey_gradient(height: int, width: int, seed: int) -> F32:
    down, right = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.repeat((235 - 70 * (0.6 * down + 0.4 * right))[..., None], 3, axis=2).astype(np.float32)


def soft_clutter(height: int, width: int, seed: int) -> F32:
    """Blurred patches of every colour."""
    random = np.random.default_rng(seed)
    cells = int(random.integers(6, 20))
    patches = random.integers(0, 256, (cells, cells, 3)).astype(np.float32)
    return np.clip(cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255)


def fine_clutter(height: int, width: int, seed: int) -> F32:
    """Coloured noise of five scales."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((4, 60), (12, 45), (40, 30), (160, 20), (600, 12)):
        layer = random.standard_normal((cells, cells, 3)).astype(np.float32)
        picture += strength * cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + random.integers(60, 200, 3), 0, 255)


def object_clutter(height: int, width: int, seed: int) -> F32:
    """Sixty crisp boxes, discs and lines, any of which might be a product."""
    random = np.random.default_rng(seed)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = random.integers(0, 256, 3)
    for _ in range(60):
        colour = tuple(float(value) for value in random.integers(0, 256, 3))
        kind, at = random.integers(3), (int(random.integers(width)), int(random.integers(height)))
        if kind == 0:
            to = (at[0] + int(random.integers(20, 400)), at[1] + int(random.integers(20, 400)))
            cv2.rectangle(picture, at, to, colour, -1)
        elif kind == 1:
            axes = (int(random.integers(10, 220)), int(random.integers(10, 220)))
            cv2.ellipse(picture, at, axes, float(random.integers(180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            to = (int(random.integers(width)), int(random.integers(height)))
            cv2.line(picture, at, to, colour, int(random.integers(2, 30)), cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1), np.float32)


def photo_of(cut_out: CutOut, name: str, backdrop: Callable[[int, int, int], F32]) -> U8:
    """uint8 (H, W, 3): the cut-out on a backdrop, mixed in sRGB codes, as retouchers' programs do."""
    height, width = cut_out.alpha.shape
    seed = int(hashlib.sha256(f"{cut_out.name}/{name}".encode()).hexdigest()[:6], 16)
    share = cut_out.alpha[..., None] / 255.0
    return np.rint(cut_out.rgb * share + backdrop(height, width, seed) * (1.0 - share)).astype(np.uint8)


def with_cast_shadow(cut_out: CutOut, backdrop: F32) -> F32:
    """A backdrop with the product's soft shadow on it, to the lower right, densest where it is near."""
    cover = cut_out.alpha.astype(np.float32) / 255.0
    scale = min(cut_out.alpha.shape) / 1190.0
    near = cv2.GaussianBlur(np.roll(cover, (round(14 * scale), round(10 * scale)), (0, 1)), (0, 0), 8 * scale)
    far = cv2.GaussianBlur(np.roll(cover, (round(50 * scale), round(36 * scale)), (0, 1)), (0, 0), 28 * scale)
    return np.asarray(backdrop * (1.0 - np.maximum(0.35 * near, 0.25 * far))[..., None], np.float32)
