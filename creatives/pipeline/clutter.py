"""The product in a cluttered photo: what a network calls the object, checked against the photo's own colours."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from .blobs import drop_orphans, enclosed_holes, reachable_from_border, regions
from .histogram import colour_codes, density
from .matte import local_backdrop, soft_matte
from .measures import Window
from .network import Network

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]
Code = TypeVar("Code", np.uint8, np.float32)

SURE_IN, SURE_OUT = 0.9, 0.1
BINS = (25, 44, 44)
"""Of L*, a* and b*: 4, 5 and 5 units each."""
SIGMA = 1.0
TAPS = 0.58, 0.21
"""A Gaussian of 0.7 bins, which three taps hold."""

HOLE_PIXELS, HOLE_LIKENESS = 12, 0.33
"""From this likeness to the surroundings up an enclosed region is a hole; below it is a print, a lining, a label."""

THIN_LIKENESS = 0.15
"""So much is enough inside a handle or a ring, of which the network is sure that it is not the product."""

PART_AREA = 0.0005
"""Share of the photo from which on a part that the looks disagree on is judged by itself."""

PART_LIKENESS = 0.5
PART_JOIN, CERTAIN_JOIN = 0.4, 0.15
"""Unlike the surroundings, and with so much of its outline on what both looks saw, such a part is the product's; less of
it is enough where the one look was certain."""

DOUBT = 0.1
"""Unsure pixels, as a share of the product's, from which on looks leave doubts."""

FAR, MUTED = 0.25, 0.4
"""What a look from afar has around the photo on each side, as a share of it, and how much of its chroma is left."""

CERTAIN = 0.95
WIDE_BAND = 4


class Found(NamedTuple):
    """alpha: uint8 (H, W); confidence: 0..1; doubts: what a person should look at."""

    alpha: U8
    confidence: float
    doubts: tuple[str, ...]


def cut_from_clutter(rgb: U8, network: Network) -> Found:
    """Two looks of the network, at uint8 (H, W, 3) and at its mirror image, and one product made of them.

    Where the two disagree, and where they see holes, the photo's colours decide: what is truly a hole shows the
    surroundings, and what is truly product does not. Two looks that leave doubts count as one, and a third is taken from
    further away and with muted colours: many a busy photo is clear then.
    """
    looks = (network.predict(rgb), _mirrored(network.predict(_mirrored(rgb))))
    sure = _mean(looks)
    if _unsure(looks, sure >= 0.5) > DOUBT:
        looks = (sure, _from_afar(rgb, network))
    return combine(rgb, looks)


def _from_afar(rgb: U8, network: Network) -> F32:
    """A look at the photo with its own reflection around it, in muted colours."""
    height, width = rgb.shape[:2]
    above, beside = round(height * FAR), round(width * FAR)
    tones = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    tones[..., 1:] = 128 + (tones[..., 1:] - 128) * MUTED
    muted = cv2.cvtColor(np.rint(tones).astype(np.uint8), cv2.COLOR_LAB2RGB)
    wide = cv2.copyMakeBorder(muted, above, above, beside, beside, cv2.BORDER_REFLECT_101)
    look = network.predict(np.asarray(wide, np.uint8))
    return np.ascontiguousarray(look[above : above + height, beside : beside + width])


def combine(rgb: U8, looks: tuple[F32, F32]) -> Found:
    """One product from two looks, float32 (H, W) 0..1 each."""
    sure = _mean(looks)
    product = sure >= 0.5
    if not product.any():
        return Found(np.zeros(sure.shape, np.uint8), 0.0, ())
    surroundings = Surroundings(rgb, looks)
    product = _with_parts(product, looks, surroundings)
    holes = _holes(product, sure, surroundings)
    product = drop_orphans((product | _enclosed(product)) & ~holes)
    matte = soft_matte(rgb, product, local_backdrop(rgb, product))
    alpha = _with_wisps(matte, sure, product)
    unsure = _unsure(looks, product)
    separable = surroundings.separable(product)
    confidence = float(np.clip(1.0 - 5.0 * unsure, 0.1, 1.0) * (0.6 + 0.4 * separable))
    doubts = ("the network was not sure of parts of the product",) if unsure > DOUBT else ()
    return Found(alpha, round(confidence, 3), doubts)


class Surroundings:
    """How much the colours of a region are those of what surrounds the product."""

    def __init__(self, rgb: U8, looks: tuple[F32, F32]) -> None:
        highest, lowest = np.maximum(*looks), np.minimum(*looks)
        self._codes = colour_codes(rgb, BINS, SIGMA)
        self._outside = (highest < SURE_OUT) & reachable_from_border(highest < 0.5)
        around, within = (
            density(self._codes[region], BINS, TAPS) for region in (self._outside, lowest > SURE_IN)
        )
        self._around, self._share = around, around / (around + within + 1e-9)
        # What nine tenths of the surroundings reach under their own model counts as common there.
        common = np.percentile(around[self._codes[self._outside]], 10) if self._outside.any() else np.inf
        self._common = around >= common

    def likeness(self, window: Window, region: Bool) -> float:
        """0..1 for a region of a window: its share of colours common around, times how little those are the product's."""
        codes = self._codes[window][region]
        return float(self._common[codes].mean() * self._share[codes].mean()) if codes.size else 0.0

    def separable(self, product: Bool) -> float:
        """0..1: how little the product's colours (H, W) are those of its surroundings."""
        return 1.0 - self.likeness((slice(None), slice(None)), product)


def _mirrored(picture: NDArray[Code]) -> NDArray[Code]:
    return np.ascontiguousarray(picture[:, ::-1])


def _enclosed(product: Bool) -> Bool:
    return ~product & ~reachable_from_border(~product)


def _holes(product: Bool, sure: F32, surroundings: Surroundings) -> Bool:
    """The enclosed regions that show the surroundings.

    What shows through a handle may be a colour that is rare elsewhere in the photo: there, the network's word counts too.
    """
    holes, enclosed = np.zeros_like(product), _enclosed(product)
    thin = enclosed_holes(enclosed, ~product & ~enclosed)[0]
    for window, region in regions(enclosed, HOLE_PIXELS):
        is_handle = thin[window][region].any() and float(sure[window][region].mean()) < SURE_OUT
        if surroundings.likeness(window, region) >= (THIN_LIKENESS if is_handle else HOLE_LIKENESS):
            holes[window] |= region
    return holes


def _with_parts(product: Bool, looks: tuple[F32, F32], surroundings: Surroundings) -> Bool:
    """Every sizeable part that only one look saw is kept when it is joined to the product and unlike the surroundings."""
    one = (looks[0] >= 0.5) ^ (looks[1] >= 0.5)
    both, highest = product & ~one, np.maximum(*looks)
    kept = product.copy()
    for window, region in regions(one, max(HOLE_PIXELS, int(PART_AREA * product.size))):
        ring = (cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~region
        is_certain = float(highest[window][region].mean()) >= CERTAIN
        is_joined = float(both[window][ring].mean()) >= (CERTAIN_JOIN if is_certain else PART_JOIN)
        belongs = is_joined and surroundings.likeness(window, region) < PART_LIKENESS
        kept[window] = np.where(region, belongs, kept[window])
    return kept


def _with_wisps(matte: U8, sure: F32, product: Bool) -> U8:
    """The network's own soft values where they spread further than an outline does: hair, fur, fringes."""
    kernel = np.ones((2 * WIDE_BAND + 1,) * 2, np.uint8)
    solid = product.astype(np.uint8)
    narrow = (cv2.dilate(solid, kernel) > 0) & (cv2.erode(solid, kernel) == 0)
    soft = (sure > 0.05) & (sure < 0.95)
    wide = cv2.morphologyEx(soft.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    rim = narrow & wide
    return np.where(rim, np.rint(sure * 255), matte).astype(np.uint8)


def _mean(looks: tuple[F32, F32]) -> F32:
    return np.asarray((looks[0] + looks[1]) / 2.0, np.float32)


def _unsure(looks: tuple[F32, F32], product: Bool) -> float:
    """Pixels that a look was not sure of or that the looks disagree on, as a share of the product's."""
    vague = [((look > SURE_OUT) & (look < SURE_IN)).sum() for look in looks]
    disagreed = (np.abs(looks[0] - looks[1]) > 0.4).sum()
    return float((sum(vague) / 2 + disagreed) / max(int(product.sum()), 1))
