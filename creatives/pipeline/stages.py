"""The steps as workers use them: prepare a photo for a bucket, render a painting at an exact size."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .buckets import BUCKETS, Size, bucket_for, checked_size, narrowest_crop
from .cache import StageCache, pack, stage_key, unpack
from .compose import compose, crop_painting, on_white, place
from .cutout import Cutout, Picture, cut_out
from .edges import draw_edges
from .gate import LIMITS, Limit
from .image_io import decode_png, encode_png
from .layout import Box, Layout, to_exact
from .light import Light
from .quality import Quality, assess
from .rim import without_rim
from .segmenter import Segmenter
from .standing import Standing, cut_sides, stand

U8 = NDArray[np.uint8]

PLACE_VERSION = "3"
"""Part of every cache key of steps 2 and 3."""

ENLARGEMENT_LIMIT = 1.5
"""A product photo resampled to more than this many times its size is flagged."""

UNSAFE = "the checkpoint's safety checker takes the painting for unsafe"
"""Reason of the verdict "fail" that no score can outweigh."""


@dataclass(frozen=True)
class Prepared:
    """Steps 1 to 3 for one photo in one bucket.

    standing: where the product is in the bucket's frame; cut: the borders of the photo that cut it, as `cut_sides` has them;
    placed: uint8 (H, W, 4) and edges: uint8 (H, W) of the bucket's size; milliseconds: per step, near 0 for what came from
    a cache; encoded: placed and edges as PNGs, where a cache has them.
    """

    cutout: Cutout
    bucket: Size
    layout: Layout
    standing: Standing
    cut: str
    placed: U8
    edges: U8
    milliseconds: dict[str, float]
    encoded: Mapping[str, bytes] = field(default_factory=dict)

    def pngs(self, edges: U8 | None = None) -> dict[str, bytes]:
        """The pictures of steps 1 to 3 as files: "mask", "placed" and "edges", the latter as they were painted from."""
        placed, own = self.encoded.get("placed"), self.encoded.get("edges")
        same = edges is None or edges is self.edges
        return {
            "mask": self.cutout.png(),
            "placed": placed or encode_png(self.placed),
            "edges": (same and own) or encode_png(self.edges if edges is None else edges),
        }

    @property
    def box(self) -> Box:
        """The product in the bucket's frame."""
        return self.standing.box

    @property
    def mask(self) -> U8:
        """The product's matte, uint8 (H, W) of the photo's size."""
        return self.cutout.alpha


@dataclass(frozen=True)
class Rendition:
    """A creative at an exact size.

    final: uint8 (H, W, 3); placed: uint8 (H, W, 4); box: the product's (x, y, width, height) in them;
    enlargement: pixels of the picture per pixel of the photo, along a side; setting: uint8 (h, w, 3), the painting at its
    own size without the painted product's rim, None where nothing was painted.
    """

    final: U8
    placed: U8
    box: tuple[int, int, int, int]
    enlargement: float
    warnings: tuple[str, ...]
    setting: U8 | None = None


def prepare(
    image: Picture,
    bucket: Size,
    layout: Layout | None = None,
    *,
    cache: StageCache | None = None,
    buckets: Sequence[Size] = BUCKETS,
    contour: bool = True,
    segmenter: Segmenter | None = None,
    matte: bytes | None = None,
    cut: str | None = None,
) -> Prepared:
    """Steps 1 to 3. `buckets` are those that `bucket` was chosen from: they decide which part every crop keeps.

    segmenter and matte: see `cut_out`; a matte is an encoded mask that takes the segmenter's place. cut: the borders of the
    photo that cut the product, found in its mask unless given. Raises ImageError for an unusable photo, LayoutError for a
    layout without room for the product, and ValueError for a bucket that is not one of `buckets`.
    """
    layout = layout or Layout()
    started = time.perf_counter()
    cutout = cut_out(image, cache, segmenter=segmenter, matte=matte)
    masked = time.perf_counter()
    cut = cut_sides(cutout.alpha) if cut is None else cut
    standing = stand(_size_of(cutout), bucket, layout, buckets=buckets, cut=cut)
    key = stage_key(
        "placed", version=PLACE_VERSION, cutout=cutout.key, bucket=str(bucket), layout=layout.key, cut=cut,
        region=",".join(f"{side:.4f}" for side in narrowest_crop(bucket, buckets)), contour=str(contour),
    )  # fmt: skip
    stored = cache.get(key) if cache is not None else None
    encoded: dict[str, bytes] = {}
    if stored is not None:
        encoded = {name: array.tobytes() for name, array in unpack(stored)[1].items()}
        placed, edges = decode_png(encoded["placed"]), decode_png(encoded["edges"])
        placed_at = time.perf_counter()
    else:
        placed = place(cutout.product, standing.box, bucket)
        placed_at = time.perf_counter()
        edges = draw_edges(
            np.ascontiguousarray(placed[..., :3]), np.ascontiguousarray(placed[..., 3]), contour=contour
        )
        if cache is not None:
            encoded = {"placed": encode_png(placed), "edges": encode_png(edges)}
            cache.put(key, pack({}, {name: np.frombuffer(file, np.uint8) for name, file in encoded.items()}))
    took = {"mask": masked - started, "placed": placed_at - masked, "edges": time.perf_counter() - placed_at}
    milliseconds = {step: round(seconds * 1000, 2) for step, seconds in took.items()}
    return Prepared(cutout, bucket, layout, standing, cut, placed, edges, milliseconds, encoded)


def render(
    prepared: Prepared,
    generated: U8,
    size: tuple[int, int],
    light: Light | None = None,
    *,
    setting: U8 | None = None,
) -> Rendition:
    """Step 5: the painting cropped and enlarged to `size` (width, height), the product placed over it, lit as `light` says.

    generated: uint8 (H, W, 3) of the bucket's size; setting: that of another rendition of it, where there is one. Raises
    ValueError when the painting is of another size.
    """
    exact = checked_size(*size)
    if generated.shape != (prepared.bucket.height, prepared.bucket.width, 3):
        raise ValueError(
            f"the painting is {generated.shape}; bucket {prepared.bucket} needs a picture of its own size"
        )
    light, standing = light or Light(), prepared.standing
    placed, box = prepared.placed, standing.box
    if exact != prepared.bucket:
        placed, box = _placed_at(prepared.cutout, standing, prepared.bucket, exact)
    setting = without_rim(generated, prepared.placed[..., 3]) if setting is None else setting
    painting = crop_painting(setting, exact, standing.hold)
    final = compose(placed, painting, shadow=light.shadow, harmony=light.harmony)
    return replace(_rendition(final, placed, box, prepared.cutout, standing), setting=setting)


def positioned(
    image: Picture | Cutout,
    size: tuple[int, int],
    layout: Layout | None = None,
    *,
    cache: StageCache | None = None,
    buckets: Sequence[Size] = BUCKETS,
    segmenter: Segmenter | None = None,
    matte: bytes | None = None,
) -> Rendition:
    """Step 2 on plain white at `size` (width, height), without painting: what is served while a creative is made.

    The product stands where the finished creative will have it.
    """
    exact = checked_size(*size)
    layout = layout or Layout()
    cutout = image if isinstance(image, Cutout) else cut_out(image, cache, segmenter=segmenter, matte=matte)
    bucket = bucket_for(exact.width, exact.height, buckets)
    standing = stand(_size_of(cutout), bucket, layout, buckets=buckets, cut=cut_sides(cutout.alpha))
    placed, box = _placed_at(cutout, standing, bucket, exact)
    return _rendition(on_white(placed), placed, box, cutout, standing)


def judge(
    prepared: Prepared,
    generated: U8,
    composed: U8 | None = None,
    *,
    unsafe: bool = False,
    light: Light | None = None,
    limits: Mapping[str, Limit] = LIMITS,
) -> Quality:
    """Quality of a painting with the product pasted, at the bucket's size: one verdict for all its renditions.

    composed: that picture, where it was rendered with the same light already. unsafe: what the painter's safety checker
    says of the painting; it fails whatever its scores are. limits: the profile's; what throws no contact shadow may float.
    """
    light = light or Light()
    if composed is None:
        composed = render(prepared, generated, prepared.bucket, light).final
    if light.shadow == 0.0:
        limits = {name: limit for name, limit in limits.items() if name != "floating"}
    quality = assess(
        generated, prepared.edges, prepared.placed, composed,
        mask_confidence=prepared.cutout.confidence, limits=limits,
    )  # fmt: skip
    return replace(quality, verdict="fail", reasons=(UNSAFE, *quality.reasons)) if unsafe else quality


def _size_of(cutout: Cutout) -> Size:
    return Size(cutout.product.shape[1], cutout.product.shape[0])


def _placed_at(cutout: Cutout, standing: Standing, bucket: Size, exact: Size) -> tuple[U8, Box]:
    exact_box = to_exact(standing.box, bucket, exact, standing.hold)
    return place(cutout.product, exact_box, exact), exact_box


def _rendition(final: U8, placed: U8, box: Box, cutout: Cutout, standing: Standing) -> Rendition:
    enlargement = box.width / cutout.product.shape[1]
    frame = Size(placed.shape[1], placed.shape[0])
    warnings = (*cutout.warnings, *standing.notes)
    if enlargement > ENLARGEMENT_LIMIT:
        note = f"the product's photo is enlarged {enlargement:.1f} times at {frame}; the limit is {ENLARGEMENT_LIMIT}"
        warnings = (*warnings, note)
    return Rendition(final, placed, box.rounded(frame), round(enlargement, 4), warnings)
