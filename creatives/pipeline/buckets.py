"""Size buckets: the few sizes that are painted, for the many sizes that placements ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

_SIZE = re.compile(r"(\d{1,5})[x×](\d{1,5})")

LARGEST_SIDE = 4096
EDGE_STRETCH = 1.25
"""How far (as an aspect ratio) a size may lie beyond the narrowest and the widest bucket."""
UPSCALE_LIMIT = 1.5
"""A painting is enlarged more than this many times only where no larger bucket of its aspect exists."""


class Size(NamedTuple):
    """Width and height in pixels; its text is "320x256"."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def aspect(self) -> float:
        return self.width / self.height

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read "1200x628". Raises ValueError for other text and for sides outside 16..4096 pixels."""
        found = _SIZE.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(f"size {text!r} is not of the form WIDTHxHEIGHT, e.g. 1200x628")
        return checked_size(int(found[1]), int(found[2]))


def checked_size(width: int, height: int) -> Size:
    """A Size with both sides within 16..4096 pixels, else ValueError."""
    for name, value in (("width", width), ("height", height)):
        if not 16 <= value <= LARGEST_SIDE:
            raise ValueError(f"{name} is {value} pixels; it must be 16 to {LARGEST_SIDE}")
    return Size(int(width), int(height))


_LANDSCAPE = ((320, 256), (320, 192), (384, 192), (384, 128), (512, 128), (384, 64), (512, 64), (704, 64))
_PORTRAIT = ((256, 320), (192, 320), (192, 384), (128, 384), (128, 512), (128, 640))

BUCKETS: tuple[Size, ...] = tuple(Size(*pair) for pair in ((256, 256), *_LANDSCAPE, *_PORTRAIT))
"""For checkpoints of the 256-pixel class: multiples of 64, about 256² pixels but for thin banners."""


def scaled_buckets(factor: float, buckets: Sequence[Size] = BUCKETS) -> tuple[Size, ...]:
    """The same aspects at another size: factor 2 for checkpoints of the 512-pixel class, 4 for the 1024-pixel class.

    Raises ValueError when a side does not come out as a whole number of pixels.
    """
    if any(side * factor % 1 for bucket in buckets for side in bucket):
        raise ValueError(f"factor {factor} makes fractions of pixels")
    return tuple(Size(int(bucket.width * factor), int(bucket.height * factor)) for bucket in buckets)


def bucket_for(width: int, height: int, buckets: Sequence[Size] = BUCKETS) -> Size:
    """The bucket that paints a size: the one of the smallest |log aspect ratio difference|; of equals, the first.

    Of several buckets of that aspect it is the smallest that is enlarged at most UPSCALE_LIMIT times, else the
    largest. Raises ValueError when the size is narrower or wider than any bucket can be cropped to.
    """
    size = checked_size(width, height)
    low, high = aspect_limits(buckets)
    if not low <= size.aspect <= high:
        raise ValueError(
            f"size {size} has an aspect ratio of {size.aspect:.3f}; the checkpoint paints {low:.3f} to {high:.3f}"
        )
    nearest = min(buckets, key=lambda bucket: abs(math.log(size.aspect / bucket.aspect)))
    rungs = sorted(bucket for bucket in buckets if bucket.aspect == nearest.aspect)
    return next((bucket for bucket in rungs if enlargement(bucket, size) <= UPSCALE_LIMIT), rungs[-1])


def enlargement(bucket: Size, size: Size) -> float:
    """Pixels of `size` per pixel of the bucket, along a side, when the bucket's painting is cropped to `size`."""
    return max(size.width / bucket.width, size.height / bucket.height)


def aspect_limits(buckets: Sequence[Size]) -> tuple[float, float]:
    """Narrowest and widest aspect ratio (width / height) that these buckets serve."""
    aspects = [bucket.aspect for bucket in buckets]
    return min(aspects) / EDGE_STRETCH, max(aspects) * EDGE_STRETCH


def aspect_range(bucket: Size, buckets: Sequence[Size] = BUCKETS) -> tuple[float, float]:
    """The aspect ratios that `bucket_for` sends to this bucket: half way (in logarithm) to its neighbours."""
    if bucket not in buckets:
        raise ValueError(f"bucket {bucket} is not one of {', '.join(map(str, buckets))}")
    low, high = aspect_limits(buckets)
    narrower = [other.aspect for other in buckets if other.aspect < bucket.aspect]
    wider = [other.aspect for other in buckets if other.aspect > bucket.aspect]
    return (
        math.sqrt(max(narrower) * bucket.aspect) if narrower else low,
        math.sqrt(min(wider) * bucket.aspect) if wider else high,
    )


def safe_region(
    bucket: Size, buckets: Sequence[Size] = BUCKETS, hold: str = ""
) -> tuple[float, float, float, float]:
    """(x, y, width, height) of the part of the bucket that survives the crop to every size it serves.

    hold: sides of the frame ("n", "e", "s", "w") that crops keep; without any, crops are centred.
    """
    width, height = narrowest_crop(bucket, buckets)
    across, down = alignment(hold)
    return (bucket.width - width) * across, (bucket.height - height) * down, width, height


def narrowest_crop(bucket: Size, buckets: Sequence[Size] = BUCKETS) -> tuple[float, float]:
    """Width of the narrowest and height of the flattest crop of the bucket, in its pixels."""
    low, high = aspect_range(bucket, buckets)
    return bucket.width * min(1.0, low / bucket.aspect), bucket.height * min(1.0, bucket.aspect / high)


def alignment(sides: str) -> tuple[float, float]:
    """How far to the right and down "e" and "s" push, 0 to 1; 0.5 where no side or both of a pair are named."""
    return _along(sides, "w", "e"), _along(sides, "n", "s")


def _along(sides: str, low: str, high: str) -> float:
    return 0.5 + 0.5 * ((high in sides) - (low in sides))
