"""Photos as studios take them, put together of rendered products, drawn backdrops and drawn shadows, with exact coverage."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

CLOSE = 1.08, 1.3
"""Sides of a close view, in longer sides of the product."""

PALE, MATCHED, GREYED = 0.4, 0.15, 0.15
"""Shares of products that are made pale, given the backdrop's own tone, and made grey: what is hard to tell from shadow."""


def studio_photo(rgb: U8, alpha: U8, side: int, rng: np.random.Generator) -> tuple[U8, U8]:
    """A photo uint8 (side, side, 3) of a product that was rendered in some scene, and its coverage, uint8 (side, side)."""
    product, cover = _framed(rgb, alpha, side, rng)
    backdrop = _backdrop(side, rng)
    product = _toned(product, backdrop, cover, rng)
    ground = backdrop * (1 - _shadow(cover, rng))[..., None]
    share = cover[..., None]
    photo = np.clip(product * share + ground * (1 - share), 0, 1)
    codes = 255 * photo + rng.normal(0, rng.uniform(0, 2.0), photo.shape)
    return _compressed(np.clip(codes + 0.5, 0, 255).astype(np.uint8), rng), (255 * cover + 0.5).astype(
        np.uint8
    )


def retaken(rgb: U8, alpha: U8, side: int, rng: np.random.Generator) -> tuple[U8, U8]:
    """A studio photo, uint8 (S, S, 3), with its coverage, as another photographer would have it: framing, exposure, cast.

    Half of them are as close as a mask's second look.
    """
    own = len(rgb)
    x, y, width, height = cv2.boundingRect((alpha > 8).astype(np.uint8))
    if rng.random() < 0.5 and max(width, height):
        window = max(width, height) * rng.uniform(*CLOSE)
        left, top = (
            start + (length - window) / 2 + rng.normal(0, 0.02) * window
            for start, length in ((x, width), (y, height))
        )
    else:
        window = own * rng.uniform(0.8, 1.15)
        left, top = (rng.uniform(min(0, own - window), max(0, own - window)) for _ in range(2))
    across = (-1 if rng.random() < 0.5 else 1) * side / window
    matrix = np.array([[across, 0, -left * across + (side if across < 0 else 0)],
                       [0, side / window, -top * side / window]])  # fmt: skip
    picture, cover = (
        cv2.warpAffine(each, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for each in (rgb, alpha)
    )
    brightest = max(30.0, float(np.percentile(picture, 90)))
    exposure = rng.uniform(0.75, 1.0) * 255 / brightest if rng.random() < 0.7 else 1.0
    exposed = picture.astype(np.float32) * exposure * rng.uniform(0.97, 1.03, 3).astype(np.float32)
    if rng.random() < 0.4:  # products and their light in other hues
        grey = exposed.mean(2, keepdims=True)
        exposed = grey + (exposed - grey)[..., rng.permutation(3)] * np.float32(rng.uniform(0.3, 1.2))
    codes = exposed + rng.normal(0, rng.uniform(0, 2.0), exposed.shape)
    return _compressed(np.clip(codes + 0.5, 0, 255).astype(np.uint8), rng), np.asarray(cover, np.uint8)


def _framed(rgb: U8, alpha: U8, side: int, rng: np.random.Generator) -> tuple[F32, F32]:
    """The product at 25 to 92 % of the frame, mirrored or not, turned a little; colours 0..1 and coverage 0..1."""
    rows, columns = np.flatnonzero(alpha.max(1) > 8), np.flatnonzero(alpha.max(0) > 8)
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    scale = side * rng.uniform(0.4, 0.92) / max(height, width)
    across = scale * rng.uniform(0.85, 1.18) * rng.choice((-1, 1))
    turn = np.deg2rad(rng.normal(0, 4))
    matrix = np.array([[across * np.cos(turn), -scale * np.sin(turn)],
                       [across * np.sin(turn), scale * np.cos(turn)]])  # fmt: skip
    middle = np.array([columns[0] + width / 2, rows[0] + height / 2])
    room = max(0.0, (side - scale * max(height, width)) / 2)
    place = side / 2 + rng.uniform(-room, room, 2) - matrix @ middle
    whole = np.column_stack((matrix, place))
    premultiplied = rgb.astype(np.float32) / 255 * (alpha[..., None].astype(np.float32) / 255)
    cover = cv2.warpAffine(alpha.astype(np.float32) / 255, whole, (side, side), flags=cv2.INTER_LINEAR)
    colours = cv2.warpAffine(premultiplied, whole, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(colours / np.maximum(cover, 1e-3)[..., None], np.float32), np.asarray(cover, np.float32)


def _backdrop(side: int, rng: np.random.Generator) -> F32:
    """White, grey or tinted paper, with light that falls off smoothly."""
    tone = rng.choice((1.0, rng.uniform(0.85, 0.99), rng.uniform(0.35, 0.9)), p=(0.35, 0.45, 0.2))
    tint = 1 + rng.normal(0, 0.012 if rng.random() < 0.8 else 0.08, 3)
    y, x = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side), indexing="ij")
    a, b, c, d = rng.normal(0, rng.choice((0.0, 0.02, 0.06)), 4)
    light = 1 + a * x + b * y + c * x * x + d * y * y
    return np.clip(tone * light[..., None] * tint, 0, 1).astype(np.float32)


def _toned(product: F32, backdrop: F32, cover: F32, rng: np.random.Generator) -> F32:
    """The product in other colours; often pale, or as grey as its backdrop."""
    grey = product.mean(2, keepdims=True)
    toned = grey + (product - grey)[..., rng.permutation(3)] * rng.uniform(0.5, 1.3)
    toned = toned * rng.uniform(0.7, 1.5)
    chance = rng.random()
    if chance < PALE:
        strength = rng.uniform(0.08, 0.5)
        toned = 1 - (1 - np.clip(toned, 0, 1)) * strength
    elif chance < PALE + MATCHED:
        own = backdrop[cover > 0.5].mean(0) if (cover > 0.5).any() else backdrop.mean((0, 1))
        toned = own * (
            1 + rng.uniform(0.2, 0.8) * (grey - grey[cover > 0.5].mean() if (cover > 0.5).any() else 0)
        )
    elif chance < PALE + MATCHED + GREYED:
        toned = grey * np.ones(3, np.float32)
    return np.clip(toned, 0, 1).astype(np.float32)


def _shadow(cover: F32, rng: np.random.Generator) -> F32:
    """0..1, how much light is taken: where it stands, beside it, and, hung before a wall, behind it."""
    taken = np.zeros_like(cover)
    if rng.random() < 0.12:
        return taken
    side = len(cover)
    if rng.random() < 0.3:
        taken += _thrown_on_a_wall(cover, side, rng)
    else:
        taken += _thrown_on_the_ground(cover, side, rng)
    if rng.random() < 0.7:
        around = cv2.GaussianBlur(cover, (0, 0), side * rng.uniform(0.02, 0.1))
        taken += rng.uniform(0.0, 0.25) * around
    return np.clip(taken, 0, 0.9).astype(np.float32)


def _thrown_on_a_wall(cover: F32, side: int, rng: np.random.Generator) -> F32:
    right, down = rng.normal(0, 0.03, 2) * side
    moved = cv2.warpAffine(cover, np.array([[1, 0, right], [0, 1, abs(down)]]), (side, side))
    return np.asarray(
        rng.uniform(0.08, 0.5) * cv2.GaussianBlur(moved, (0, 0), side * rng.uniform(0.006, 0.04)), np.float32
    )


def _thrown_on_the_ground(cover: F32, side: int, rng: np.random.Generator) -> F32:
    """The silhouette laid down behind or before its foot, the softer the further from it; and the dark of the contact."""
    rows = np.flatnonzero(cover.max(1) > 0.3)
    foot = float(rows[-1]) if len(rows) else side * 0.8
    lean, flat = rng.uniform(-1.6, 1.6), rng.choice((-1, 1), p=(0.35, 0.65)) * rng.uniform(0.08, 0.45)
    foot -= rng.uniform(0, 0.05) * side
    laid = np.array([[1, -lean * abs(flat), lean * abs(flat) * foot], [0, flat, foot * (1 - flat)]])
    thrown = cv2.warpAffine(cover, laid, (side, side), flags=cv2.INTER_LINEAR)
    near = cv2.GaussianBlur(thrown, (0, 0), side * rng.uniform(0.003, 0.012))
    far = cv2.GaussianBlur(thrown, (0, 0), side * rng.uniform(0.015, 0.06))
    reach = np.abs(np.arange(side, dtype=np.float32) - foot)[:, None] / (rng.uniform(0.05, 0.3) * side)
    softer = np.clip(reach, 0, 1)
    cast = rng.uniform(0.1, 0.65) * (near * (1 - softer) + far * softer) * (1 - 0.5 * softer)
    down = rng.uniform(0.002, 0.02) * side
    moved = cv2.warpAffine(cover, np.array([[1, 0, rng.normal(0, 0.01) * side], [0, 1, down]]), (side, side))
    contact = cv2.GaussianBlur(moved, (0, 0), side * rng.uniform(0.003, 0.015))
    low = np.clip((np.arange(side, dtype=np.float32)[:, None] - foot) / (0.1 * side) + 1, 0, 1)
    return np.asarray(cast + rng.uniform(0, 0.7) * contact * low, np.float32)


def _compressed(photo: U8, rng: np.random.Generator) -> U8:
    if rng.random() < 0.3:
        return photo
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR), np.uint8)
