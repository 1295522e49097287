"""A network's second opinion on what the flood of a plain backdrop took for shadow, and on what it left that may be one."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .blobs import enclosed_holes, regions
from .snake import snapped

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

CONTESTED_SHARE = 0.004
"""Share of the photo from which on contested pixels are worth a look of the network."""

PART_SHARE = 0.0005
PRODUCT, SHADOW, HOLE = 0.75, 0.1, 0.05
"""What the network must say of a part to change the flood's mind."""

OURS_PRODUCT, OURS_SHADOW = 0.7, 0.3
"""The same of our own network, which sees coarsely and is asked about nothing else."""

REACH, FLATNESS = 0.015, 4.0
"""How far, as a share of the photo's mean side, a coarse look is drawn to the photo's outlines; steps of L* below the
latter are none.
"""

SURE = 0.15
"""Below this a look is sure of the backdrop."""

EVEN_REACH, EVEN = 0.008, 3.0
"""ΔE*ab by which even parts change over this share of the photo's longer side, at most."""

HANDLE_SHARE = 0.03
"""Of the product: what the network does not see inside thin walls is a hole up to this size; larger ones are prints."""

JOINED = 0.04
"""Share of a part's surroundings that is backdrop already: enclosed parts are prints and linings, not shadow."""


class Contested(NamedTuple):
    """All bool (H, W): what was taken for shadow or a hole; what is left in the product and has a shadow's tone; what is
    left and goes over into the backdrop without an outline (`adjoining`).
    """

    taken: Bool
    left: Bool
    paper: Bool

    @property
    def is_worth_a_look(self) -> bool:
        return float((self.taken | self.left | self.paper).mean()) >= CONTESTED_SHARE


def adjoining(even: Bool, product: Bool) -> Bool:
    """Even parts of the product (H, W) with no outline between them and the backdrop, as where paper bends from floor to
    wall.
    """
    found, outside = np.zeros_like(product), ~product
    for window, part in regions(_opened(even & product), _least(product)):
        around = (cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~part
        if float(outside[window][around].mean()) >= JOINED:
            found[window] |= part
    return found


def _least(product: Bool) -> int:
    return max(12, int(PART_SHARE * product.size))


def settle(product: Bool, contested: Contested, look: F32) -> Bool:
    """The product (H, W) with contested parts given back or taken out, as the network's look (H, W), 0..1, has it.

    A pale hand or a white print that went with the shadow is given back; a shadow too crisp or too dark for the flood is
    taken out where it lies beside the backdrop, or in a handle; so is what has no outline towards the backdrop.
    """
    least = _least(product)
    settled = product & ~_opened(contested.paper & (look < SHADOW))
    for window, part in regions(_opened(contested.taken & (look >= PRODUCT)), least):
        settled[window] |= part
    outside, unseen = ~settled, _opened(contested.left & (look < SHADOW))
    handles = enclosed_holes(unseen & (look < HOLE), outside)[0]
    for window, part in regions(unseen, least):
        around = (cv2.dilate(part.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & ~part
        if float(outside[window][around].mean()) >= JOINED or _is_small(handles[window] & part, product):
            settled[window] &= ~part
    return settled


def settle_closely(product: Bool, shadowy: Bool, look: F32, lightness: F32) -> Bool:
    """The product (H, W) as our own network's coarse look (H, W), 0..1, has it where that is sure.

    The look is drawn to the outlines of the photo's L* (H, W) first. What it is sure of is product; what
    it does not see and could be shadow, bool (H, W), is taken out where it lies beside the backdrop.
    """
    least = max(12, int(PART_SHARE * product.size) // 4)
    close = guided(lightness, look)
    settled = product | _opened(close >= OURS_PRODUCT)
    outside = ~settled
    for window, part in regions(_opened(shadowy & settled & (close < OURS_SHADOW)), least):
        around = (cv2.dilate(part.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0) & ~part
        if float(outside[window][around].mean()) >= JOINED:
            settled[window] &= ~part
    return settled


def settle_freely(product: Bool, backdroplike: Bool, look: F32, rgb: U8) -> Bool:
    """The product (H, W) as our own network sees it, its outline drawn to those of the photo, uint8 (H, W, 3) (`snapped`).

    Of what the flood of the backdrop has left, all that is not ``backdroplike`` stays, unless the network is sure.
    """
    return np.asarray(snapped(look, rgb) | _opened(product & ~backdroplike & (look > SURE)), np.bool_)


def is_even(colours: F32) -> Bool:
    """Pixels (H, W) around which CIELAB (H, W, 3) changes slowly: paper under uneven light, no outline of a thing."""
    height, width = colours.shape[:2]
    reach = EVEN_REACH * max(height, width)
    smooth = cv2.GaussianBlur(colours, (0, 0), 1.0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    change = np.sqrt((across**2 + down**2).sum(axis=2)) / 8.0
    return np.asarray(change * reach < EVEN, np.bool_)


def guided(guide: F32, values: F32) -> F32:
    """`values` (H, W) drawn to the outlines of `guide` (H, W), 0..100: the guided filter (He, Sun and Tang 2010)."""
    radius = max(2, round(REACH * float(np.sqrt(guide.size))))
    size = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_values = cv2.blur(guide, size), cv2.blur(values, size)
    covariance = cv2.blur(guide * values, size) - mean_guide * mean_values
    variance = cv2.blur(guide * guide, size) - mean_guide * mean_guide
    slope = covariance / (variance + FLATNESS)
    offset = mean_values - slope * mean_guide
    return np.asarray(cv2.blur(slope, size) * guide + cv2.blur(offset, size), np.float32)


def _is_small(handle: Bool, product: Bool) -> bool:
    return 0 < int(handle.sum()) <= HANDLE_SHARE * int(product.sum())


def _opened(region: Bool) -> Bool:
    return cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
