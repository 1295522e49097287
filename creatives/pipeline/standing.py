"""Where a product stands in a bucket, so that every crop to a final size keeps to its layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .buckets import BUCKETS, Size, alignment, narrowest_crop, safe_region
from .layout import Box, Insets, Layout, TextArea, fitted

U8 = NDArray[np.uint8]

SIDES: Final = {"n": "top", "s": "bottom", "w": "left", "e": "right"}
PAIRS: Final = ("ns", "we")
CUT_SHARE: Final = 0.06
"""A product that meets a border of the photo along this share of its own extent there, or more, is cut by it."""
CUT_PIXELS: Final = 4

LEAST_SIDE: Final = 0.04
"""Beside a text area a product needs room of this share of the frame's width and height."""
SMALL_SHARE: Final = 0.02
"""A product whose box is below this share of the frame is pointed out."""


class LayoutError(ValueError):
    """A layout that leaves the product no room in a bucket."""


@dataclass(frozen=True)
class Standing:
    """box: the product in the bucket's frame. hold: the sides of the frame ("n", "e", "s", "w") that it is snapped to, which
    crops must keep (`crop_for`). notes: what a reviewer should know of it.
    """

    box: Box
    hold: str
    notes: tuple[str, ...]


def cut_sides(alpha: U8) -> str:
    """The borders that a photo cuts its product at, of "nswe", that of the longest cut first. alpha: uint8 (H, W).

    A product that meets all four borders was trimmed to its outline, and is not cut.
    """
    solid = alpha >= 128
    if not solid.any():
        return ""
    width, height = int(solid.any(axis=0).sum()), int(solid.any(axis=1).sum())
    rims = {
        "n": (solid[0], width),
        "s": (solid[-1], width),
        "w": (solid[:, 0], height),
        "e": (solid[:, -1], height),
    }
    met = {side: int(rim.sum()) for side, (rim, _) in rims.items()}
    if all(met.values()):
        return ""
    cut = [side for side in met if met[side] >= max(CUT_PIXELS, CUT_SHARE * rims[side][1])]
    return "".join(sorted(cut, key=lambda side: -met[side]))


def stand(
    product: Size, bucket: Size, layout: Layout, *, buckets: Sequence[Size] = BUCKETS, cut: str = ""
) -> Standing:
    """Where a product of the given pixel size stands in `bucket`, one of `buckets`.

    At whatever size of the bucket, the product stays out of the layout's text area; it stays out of the safe zone and
    within the frame but for the sides that it is snapped to. cut: as `cut_sides` has it; a product cut at two opposite
    borders fills the frame between them where it can, and is cut there again by crops; else it is snapped to the first.
    Raises LayoutError when the text area leaves no room in this bucket.
    """
    for hold in _holds(cut):
        box = _box(product, _Frame.of(bucket, buckets, hold), layout, hold)
        if box is not None:
            return Standing(box, hold, tuple(_notes(box, bucket, hold, cut)))
    raise LayoutError(
        f"the text area of layout {layout.key} leaves no room for the product in bucket {bucket}"
    )


def _holds(cut: str) -> Iterator[str]:
    """What to snap to, the best first: all cut sides, one of each pair, single ones, none."""
    single = "".join(
        side for side in cut if not any(side in pair and _before(cut, side, pair) for pair in PAIRS)
    )
    yield from dict.fromkeys([cut, single, *single, ""])


def _before(cut: str, side: str, pair: str) -> bool:
    """Whether the other side of the pair has the longer cut."""
    other = pair.replace(side, "")
    return other in cut and cut.index(other) < cut.index(side)


class _Frame(NamedTuple):
    """A bucket with its crops: their least width and height, and where they are aligned."""

    bucket: Size
    region: Box
    least: tuple[float, float]
    align: tuple[float, float]

    @classmethod
    def of(cls, bucket: Size, buckets: Sequence[Size], hold: str) -> _Frame:
        return cls(
            bucket, Box(*safe_region(bucket, buckets, hold)), narrowest_crop(bucket, buckets), alignment(hold)
        )

    def span(self, axis: int, share: float) -> tuple[float, float]:
        """Least and largest place (bucket pixels) along an axis of what lies at a share of the final frame, in any crop."""
        full, least, align = self.bucket[axis], self.least[axis], self.align[axis]
        places = [full * align + (share - align) * side for side in (least, full)]
        return min(places), max(places)


def _box(product: Size, frame: _Frame, layout: Layout, hold: str) -> Box | None:
    """The product's box, or None when `hold` cannot be had, or with no room for the product at all."""
    margin = layout.margin / 100 * min(frame.region.width, frame.region.height)
    room = _room(frame, layout.safe, margin, hold)
    largest = layout.scale / 100 * frame.region.width, layout.scale / 100 * frame.region.height
    sides = _pushed(layout.anchor, hold)
    if any(set(pair) <= set(hold) for pair in PAIRS):
        box = _spanning(product, room, hold, sides)
        clear = layout.text is None or not (box and box.meets(_blocked(frame, layout.text, margin)))
        return box if clear else None
    box = fitted(product, room, largest, sides)
    if layout.text is None:
        return box
    blocked = _blocked(frame, layout.text, margin)
    if not box.meets(blocked):
        return box
    free = [part for part in _beside(room, blocked) if _is_roomy(part, frame) and _reaches(part, room, hold)]
    boxes = [fitted(product, part, largest, sides) for part in free]
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2])

    def preference(found: Box) -> tuple[float, float]:
        away = np.hypot(*(np.array([found.x + found.width / 2, found.y + found.height / 2]) - centre))
        return round(found.width / box.width, 2), -float(away)

    return max(boxes, key=preference, default=None)


def _room(frame: _Frame, safe: Insets, margin: float, hold: str) -> Box:
    """What margin and safe zone leave; up to the bucket's border on held sides."""
    left, top = frame.span(0, safe.left / 100)[1] + margin, frame.span(1, safe.top / 100)[1] + margin
    right, bottom = (
        frame.span(0, 1 - safe.right / 100)[0] - margin,
        frame.span(1, 1 - safe.bottom / 100)[0] - margin,
    )
    left, top = 0.0 if "w" in hold else left, 0.0 if "n" in hold else top
    right = float(frame.bucket.width) if "e" in hold else right
    bottom = float(frame.bucket.height) if "s" in hold else bottom
    return Box(left, top, right - left, bottom - top)


def _pushed(anchor: str, hold: str) -> str:
    """The anchor, but for the axes along which a side is held."""
    kept = "".join(
        side for side in anchor if not any(side in pair and set(pair) & set(hold) for pair in PAIRS)
    )
    return kept + hold


def _spanning(product: Size, room: Box, hold: str, sides: str) -> Box | None:
    """The product from border to border, pushed to `sides` along the other axis; None when it does not fit that way."""
    factor = max(
        room.height / product.height if {"n", "s"} <= set(hold) else 0.0,
        room.width / product.width if {"w", "e"} <= set(hold) else 0.0,
    )
    width, height = product.width * factor, product.height * factor
    if width > room.width * (1 + 1e-9) or height > room.height * (1 + 1e-9):
        return None
    return fitted(product, room, (width, height), sides)


def _blocked(frame: _Frame, text: TextArea, margin: float) -> Box:
    """All that the text area covers in any crop, and the margin around it."""
    left, top = frame.span(0, text.left / 100)[0] - margin, frame.span(1, text.top / 100)[0] - margin
    right = frame.span(0, (text.left + text.width) / 100)[1] + margin
    bottom = frame.span(1, (text.top + text.height) / 100)[1] + margin
    return Box(left, top, right - left, bottom - top)


def _beside(room: Box, blocked: Box) -> Iterator[Box]:
    """The four largest parts of the room that the blocked rectangle leaves; some may be empty."""
    left, right = max(room.x, blocked.right), min(room.right, blocked.x)
    top, bottom = max(room.y, blocked.bottom), min(room.bottom, blocked.y)
    yield Box(room.x, room.y, right - room.x, room.height)
    yield Box(left, room.y, room.right - left, room.height)
    yield Box(room.x, room.y, room.width, bottom - room.y)
    yield Box(room.x, top, room.width, room.bottom - top)


def _is_roomy(part: Box, frame: _Frame) -> bool:
    return part.width >= LEAST_SIDE * frame.region.width and part.height >= LEAST_SIDE * frame.region.height


def _reaches(part: Box, room: Box, hold: str) -> bool:
    ends = {
        "n": part.y <= room.y, "s": part.bottom >= room.bottom, "w": part.x <= room.x, "e": part.right >= room.right,
    }  # fmt: skip
    return all(ends[side] for side in hold)


def _notes(box: Box, bucket: Size, hold: str, cut: str) -> Iterator[str]:
    if loose := [SIDES[side] for side in cut if side not in hold]:
        yield f"the photo cuts the product at the {' and '.join(loose)}, and that cut shows in this format"
    share = box.width * box.height / (bucket.width * bucket.height)
    if share < SMALL_SHARE:
        yield f"the product is small: its box is {share:.1%} of the picture; below {SMALL_SHARE:.0%} is pointed out"
