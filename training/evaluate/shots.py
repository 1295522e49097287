"""What is painted for the measurements: the catalogue's prompts around its products, and held-out scenes anew."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from creatives.pipeline import CheckpointProfile, MemoryCache, Size, bucket_for, prepare
from creatives.pipeline.edges import draw_edges
from training.captions import caption
from training.catalogue import PROMPTS
from training.dataset import Scene, held_out, load_scene, scene_names
from training.evaluate.labels import NOT_NAMED, judged, labels_named
from training.evaluate.painting import Shot

U8 = NDArray[np.uint8]

DEMO = Path(__file__).resolve().parents[2] / "creatives" / "demo"
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
OPEN_PROMPTS: tuple[str, ...] = (
    "on seamless paper, soft studio light", "on a concrete surface in front of a wall, soft daylight",
    "on linen, leaf shadows on a wall, sunlight", "on a wooden table in front of a wall, soft daylight",
)  # fmt: skip
"""Prompts that leave the colours open, so that the product may decide them."""


@dataclass(frozen=True)
class Product:
    """A product photo with the prompts of its category."""

    name: str
    photo: Path
    prompts: tuple[str, ...]


def demo_products() -> list[Product]:
    """The demo catalogue's products, in an order that alternates between categories."""
    rows = list(csv.DictReader((DEMO / "products.tsv").open(encoding="utf-8"), delimiter="\t"))
    groups: dict[str, list[Product]] = {category: [] for category in PROMPTS}
    for row in rows:
        category = row["google_product_category"].split(" > ")[0]
        prompts = tuple(text for _, text in PROMPTS[category])
        groups[category].append(Product(row["id"].lower(), DEMO / "images" / row["image_link"], prompts))
    longest = max(len(group) for group in groups.values())
    return [group[k % len(group)] for k in range(longest) for group in groups.values() if k < len(group)]


def folder_products(folder: Path) -> list[Product]:
    """The pictures of a folder, for any of the catalogue's prompts. Raises ValueError when there is none."""
    everything = tuple(text for pool in PROMPTS.values() for _, text in pool)
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise ValueError(f"{folder} holds no product pictures ({', '.join(PICTURES)})")
    return [Product(path.stem, path, everything) for path in found]


def product_shots(
    products: Sequence[Product], buckets: Sequence[Size], count: int, seed: int, prompts: Sequence[str] = ()
) -> list[Shot]:
    """``count`` shots: products in turn, each time the next prompt (of ``prompts``, else of the product) and bucket."""
    cache = MemoryCache(256 * 1024 * 1024)
    shots = []
    for place in range(count):
        product = products[place % len(products)]
        own = prompts or product.prompts
        turn, within = divmod(place, len(products))
        text = own[(turn + within // len(PROMPTS)) % len(own)]
        ready = prepare(product.photo, buckets[place % len(buckets)], cache=cache, buckets=buckets)
        shots.append(Shot(text, ready.placed, ready.edges, seed + place, product.name, labels_named(text)))
    return shots


def bucket_class(profile: CheckpointProfile, *, larger: bool = False) -> tuple[Size, ...]:
    """Of the profile's buckets one for each aspect ratio: the smallest, or the largest."""
    chosen: dict[float, Size] = {}
    for bucket in sorted(profile.buckets, reverse=not larger):
        chosen[bucket.aspect] = bucket
    return tuple(bucket for bucket in profile.buckets if bucket in chosen.values())


def at_bucket(scene: Scene, buckets: Sequence[Size]) -> Scene:
    """The scene at the size of the bucket that has its aspect ratio."""
    bucket = bucket_for(*scene.size, buckets)
    rgb, alpha = _resized(scene.rgb, bucket), _resized(scene.alpha, bucket)
    return Scene(scene.name, scene.spec, rgb, alpha)


def held_out_scenes(folder: Path, buckets: Sequence[Size]) -> list[Scene]:
    """The scenes that the model has not seen, at their buckets' sizes. Raises ValueError when there are none."""
    names = [name for name in scene_names(folder) if held_out(name)]
    if not names:
        raise ValueError(f"no held-out scenes in {folder}: run `python -m training render` first")
    return [at_bucket(load_scene(folder, name), buckets) for name in names]


def held_out_shots(scenes: Sequence[Scene], count: int, seed: int) -> list[Shot]:
    """``count`` shots of the scenes in turn: their product where it stood, a caption drawn anew each time."""
    rng = random.Random(seed)
    shots = []
    for place in range(count):
        scene = scenes[place % len(scenes)]
        text = caption(scene.spec, rng)
        edges = draw_edges(scene.rgb, scene.alpha)
        named = labels_named(text) if judged(scene.spec) else NOT_NAMED
        shots.append(Shot(text, np.dstack([scene.rgb, scene.alpha]), edges, seed + place, scene.name, named))
    return shots


def _resized(picture: U8, bucket: Size) -> U8:
    if (picture.shape[1], picture.shape[0]) == tuple(bucket):
        return picture
    return np.asarray(cv2.resize(picture, tuple(bucket), interpolation=cv2.INTER_AREA), np.uint8)
