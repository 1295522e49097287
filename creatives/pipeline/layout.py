"""Step 2's geometry: where a product stands, in a form that every size of one bucket shares."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from .buckets import Size, alignment

ANCHORS = ("c", "n", "s", "e", "w", "ne", "nw", "se", "sw")
LEAST_ROOM: Final = 10
"""Per cent of the frame, along each side, that margin, safe zone and text area together must leave to the product."""
LARGEST_INSET: Final = 45

Ground = Literal["auto", "contact", "none"]
GROUNDS: Final[dict[str, Ground]] = {"": "auto", "c": "contact", "n": "none"}
_KEY = re.compile(
    r"s(\d{1,3})-(c|n|s|e|w|ne|nw|se|sw)-m(\d{1,2})"
    r"(?:-z(\d{1,2})\.(\d{1,2})\.(\d{1,2})\.(\d{1,2}))?(?:-t(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}))?(?:-g([cn]))?"
)


class Box(NamedTuple):
    """A rectangle in pixels, from the top left corner of its frame."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def meets(self, other: Box) -> bool:
        """Whether the two have some area in common, hairlines of rounding aside."""
        slack = 1e-6
        return (
            min(self.right, other.right) - max(self.x, other.x) > slack
            and min(self.bottom, other.bottom) - max(self.y, other.y) > slack
        )

    def rounded(self, frame: Size) -> tuple[int, int, int, int]:
        """(x, y, width, height) in whole pixels within this box and the frame; one pixel where it holds no whole one."""
        x, width = _whole(self.x, self.right, frame.width)
        y, height = _whole(self.y, self.bottom, frame.height)
        return x, y, width, height


def _whole(low: float, high: float, side: int) -> tuple[int, int]:
    start = min(max(0, math.ceil(low - 1e-6)), side - 1)
    return start, max(1, min(side, math.floor(high + 1e-6)) - start)


class Insets(NamedTuple):
    """Strips along the frame's sides that the product stays out of, in whole per cents of height and width, 0..45."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0


NO_INSETS: Final = Insets()


class TextArea(NamedTuple):
    """A rectangle of the frame, in whole per cents, that is kept for a text or logo: the product never enters it."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """Placement of the product, as whole per cents.

    scale: the product's limiting side, 5..100, of the region that every final crop keeps; anchor: one of ANCHORS, "s"
    stands at the bottom centre; margin: clear space on every side and around the text area, of the region's shorter side,
    0..40. safe, text: of the final frame, whatever its crop. ground: whether a contact shadow lies under the product,
    "auto" as the prompt has it. Raises ValueError outside these, and where less than LEAST_ROOM is left.
    """

    scale: int = 72
    anchor: str = "s"
    margin: int = 6
    safe: Insets = NO_INSETS
    text: TextArea | None = None
    ground: Ground = "auto"

    def __post_init__(self) -> None:
        if not 5 <= self.scale <= 100:
            raise ValueError(f"layout scale is {self.scale} %; it must be 5 to 100")
        if self.anchor not in ANCHORS:
            raise ValueError(f"layout anchor is {self.anchor!r}; it must be one of {', '.join(ANCHORS)}")
        if not 0 <= self.margin <= 40:
            raise ValueError(f"layout margin is {self.margin} %; it must be 0 to 40")
        if self.ground not in GROUNDS.values():
            raise ValueError(
                f"layout ground is {self.ground!r}; it must be one of {', '.join(GROUNDS.values())}"
            )
        for side, inset in self.safe._asdict().items():
            if not 0 <= inset <= LARGEST_INSET:
                raise ValueError(
                    f"layout safe zone is {inset} % at the {side}; it must be 0 to {LARGEST_INSET}"
                )
        if self.text is not None:
            _check_text(self.text)
        self._check_room()

    def _check_room(self) -> None:
        safe, both = self.safe, 2 * self.margin
        for name, left in (
            ("width", 100 - safe.left - safe.right - both),
            ("height", 100 - safe.top - safe.bottom - both),
        ):
            if left < LEAST_ROOM:
                raise ValueError(
                    f"layout margin and safe zone leave {left} % of the {name}; the product needs {LEAST_ROOM} %"
                )
        if self.text is None:
            return
        left, top, width, height = self.text
        beside = max(
            left - safe.left,
            top - safe.top,
            100 - safe.right - left - width,
            100 - safe.bottom - top - height,
        )
        if beside - both < LEAST_ROOM:
            raise ValueError(
                f"layout text area leaves {max(0, beside - both)} % beside it; the product needs {LEAST_ROOM} %"
            )

    @property
    def key(self) -> str:
        """Canonical text, e.g. "s72-s-m6" or "s72-e-m6-z0.0.10.0-t0.0.45.100-gn"; equal layouts have equal keys."""
        parts = [f"s{self.scale}", self.anchor, f"m{self.margin}"]
        if any(self.safe):
            parts.append("z" + ".".join(map(str, self.safe)))
        if self.text is not None:
            parts.append("t" + ".".join(map(str, self.text)))
        if self.ground != "auto":
            parts.append(f"g{self.ground[0]}")
        return "-".join(parts)

    @classmethod
    def parse(cls, key: str) -> Layout:
        """The inverse of `key`. Raises ValueError when the text is not a layout."""
        found = _KEY.fullmatch(key)
        if found is None:
            raise ValueError(
                f"layout {key!r} is not of the form s72-s-m6-z0.0.10.0-t0.0.45.100-gn (scale, anchor, margin;"
                " safe zone, text area and ground may be missing)"
            )
        safe = Insets(*map(int, found.group(4, 5, 6, 7))) if found[4] else NO_INSETS
        text = TextArea(*map(int, found.group(8, 9, 10, 11))) if found[8] else None
        return cls(int(found[1]), found[2], int(found[3]), safe, text, GROUNDS[found[12] or ""])


def _check_text(text: TextArea) -> None:
    if text.left < 0 or text.top < 0:
        raise ValueError(
            f"layout text area begins at {text.left} % from the left and {text.top} % from the top; it must be 0 at least"
        )
    if text.width < 1 or text.height < 1 or text.left + text.width > 100 or text.top + text.height > 100:
        raise ValueError(
            f"layout text area is {text.width} % × {text.height} % and ends at {text.left + text.width} % from the left and"
            f" {text.top + text.height} % from the top; it must have some size and end at 100 % at most"
        )


def fitted(product: Size, room: Box, largest: tuple[float, float], sides: str) -> Box:
    """The product's box in `room`, its proportions kept, at most `largest` (width, height), pushed to `sides`."""
    factor = min(min(largest[0], room.width) / product.width, min(largest[1], room.height) / product.height)
    width, height = product.width * factor, product.height * factor
    across, down = alignment(sides)
    return Box(room.x + across * (room.width - width), room.y + down * (room.height - height), width, height)


class Crop(NamedTuple):
    """The window of a bucket that an exact size shows; `scale` is exact pixels per bucket pixel."""

    scale: float
    x: float
    y: float


def crop_for(bucket: Size, size: Size, hold: str = "") -> Crop:
    """The largest window of `bucket` with the aspect of `size`: centred, or at the sides that it must hold."""
    scale = max(size.width / bucket.width, size.height / bucket.height)
    across, down = alignment(hold)
    return Crop(
        scale, (bucket.width - size.width / scale) * across, (bucket.height - size.height / scale) * down
    )


def to_exact(box: Box, bucket: Size, size: Size, hold: str = "") -> Box:
    """A box of the bucket's frame in the frame of `size`, after the crop."""
    crop = crop_for(bucket, size, hold)
    return Box(
        (box.x - crop.x) * crop.scale,
        (box.y - crop.y) * crop.scale,
        box.width * crop.scale,
        box.height * crop.scale,
    )
