"""Step 2's geometry: where a product stands, in a form that every size of one bucket shares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from .buckets import Size

ANCHORS = ("c", "n", "s", "e", "w", "ne", "nw", "se", "sw")
_KEY = re.compile(r"s(\d{1,3})-(c|n|s|e|w|ne|nw|se|sw)-m(\d{1,2})")


class Box(NamedTuple):
    """A rectangle in pixels, from the top left corner of its frame."""

    x: float
    y: float
    width: float
    height: float

    def rounded(self, frame: Size) -> tuple[int, int, int, int]:
        """(x, y, width, height) in whole pixels, at least 1×1, wholly inside the frame."""
        width = min(frame.width, max(1, round(self.width)))
        height = min(frame.height, max(1, round(self.height)))
        x = min(max(0, round(self.x)), frame.width - width)
        y = min(max(0, round(self.y)), frame.height - height)
        return x, y, width, height


@dataclass(frozen=True)
class Layout:
    """Placement of the product, as whole per cents of the region that every final crop keeps.

    scale: the product's limiting side, 5..100; anchor: one of ANCHORS, "s" stands at the bottom centre;
    margin: clear space on every side, of the region's shorter side, 0..40. Raises ValueError outside these.
    """

    scale: int = 72
    anchor: str = "s"
    margin: int = 6

    def __post_init__(self) -> None:
        if not 5 <= self.scale <= 100:
            raise ValueError(f"layout scale is {self.scale} %; it must be 5 to 100")
        if self.anchor not in ANCHORS:
            raise ValueError(f"layout anchor is {self.anchor!r}; it must be one of {', '.join(ANCHORS)}")
        if not 0 <= self.margin <= 40:
            raise ValueError(f"layout margin is {self.margin} %; it must be 0 to 40")

    @property
    def key(self) -> str:
        """Canonical text, e.g. "s72-s-m6"; equal layouts have equal keys."""
        return f"s{self.scale}-{self.anchor}-m{self.margin}"

    @classmethod
    def parse(cls, key: str) -> Layout:
        """The inverse of `key`. Raises ValueError when the text is not a layout."""
        found = _KEY.fullmatch(key)
        if found is None:
            raise ValueError(f"layout {key!r} is not of the form s72-s-m6 (scale, anchor, margin)")
        return cls(int(found[1]), found[2], int(found[3]))


def product_box(product: Size, region: Box, layout: Layout) -> Box:
    """Box of a product of the given pixel size inside `region`, its proportions kept."""
    margin = layout.margin / 100 * min(region.width, region.height)
    room_x, room_y = region.width - 2 * margin, region.height - 2 * margin
    factor = min(
        min(layout.scale / 100 * region.width, room_x) / product.width,
        min(layout.scale / 100 * region.height, room_y) / product.height,
    )
    width, height = product.width * factor, product.height * factor
    along_x = 0.0 if "w" in layout.anchor else 1.0 if "e" in layout.anchor else 0.5
    along_y = 0.0 if "n" in layout.anchor else 1.0 if "s" in layout.anchor else 0.5
    x = region.x + margin + along_x * (room_x - width)
    y = region.y + margin + along_y * (room_y - height)
    return Box(x, y, width, height)


class Crop(NamedTuple):
    """The centred window of a bucket that an exact size shows; `scale` is exact pixels per bucket pixel."""

    scale: float
    x: float
    y: float


def crop_for(bucket: Size, size: Size) -> Crop:
    """The largest centred window of `bucket` with the aspect of `size`."""
    scale = max(size.width / bucket.width, size.height / bucket.height)
    return Crop(scale, (bucket.width - size.width / scale) / 2, (bucket.height - size.height / scale) / 2)


def to_exact(box: Box, bucket: Size, size: Size) -> Box:
    """A box of the bucket's frame in the frame of `size`, after the crop."""
    crop = crop_for(bucket, size)
    return Box(
        (box.x - crop.x) * crop.scale,
        (box.y - crop.y) * crop.scale,
        box.width * crop.scale,
        box.height * crop.scale,
    )
