"""Step 1: the product's mask, by the plainest means that the photo allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .alpha import HAZE_SHARE, haze, present_from, product_alpha
from .backdrop import Backdrop, fit_backdrop
from .blobs import drop_orphans, enclosed_holes, reachable_from_border
from .clutter import cut_from_clutter
from .expansion import overlap
from .grabcut import CENTRE, Selection, grab_cut
from .image_io import ImageError, SourceImage
from .matte import local_backdrop, soft_matte
from .network import Network, Remembering
from .opinion import Contested, adjoining, is_even, settle, settle_closely, settle_freely
from .shadow import could_be_shadow, find_shadow, shadow_tones
from .support import confidence_of, outline_support
from .weights import WeightsError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

Opinions = tuple[Callable[[], Network], Callable[[], Network]]
"""Whom to ask: a downloaded network, and our own small one."""

SEGMENT_VERSION = "7"
"""Part of every cache key of a mask; raise it when a change alters masks."""

WORK_SIDE = 1600
"""Longest side at which masks are searched; larger photos are reduced and their matte enlarged again."""

MIN_COVER, MAX_COVER = 0.002, 0.97
"""A product covers at least and at most this share of the photo, else its mask is not to be trusted."""

DOUBTFUL = 0.5
"""Below this confidence a person should look at the mask."""

SEEN_SHARE = 0.5
"""How much of a mask's worth is agreement with a network."""

CLEAR_BORDER, AGREED = 0.97, 0.6
"""Where less of the border than this is backdrop, a network is asked too; below this intersection over union with what it
sees, the photo was no product on a plain backdrop.
"""

NO_PRODUCT = "no product found in the photo"
UNEVEN = "the backdrop is unevenly lit: the mask is what our network for studio photos sees; check it"
PAPER = 0.7
"""Confidence in a mask that rests on our own network alone."""

GUESS = "the photo has no plain backdrop: the mask is a guess (GrabCut); check it or give a cut-out"


@dataclass(frozen=True)
class Mask:
    """The product's matte. alpha: uint8 (H, W) of the photo's size; confidence: 0..1, 1 is certain."""

    alpha: U8
    method: str
    confidence: float
    warnings: tuple[str, ...] = ()


def without_network() -> Network:
    """The answer of an installation that has no network. Raises WeightsError."""
    raise WeightsError("no segmentation network is chosen")


def segment(
    image: SourceImage,
    find_network: Callable[[], Network] = without_network,
    find_studio: Callable[[], Network] = without_network,
) -> Mask:
    """Cut the product out: its own alpha, else the plain backdrop behind it, else what a network calls the object.

    find_network is asked for cluttered photos, and both for plain ones where shadow and product look alike. When it raises
    WeightsError, find_studio is asked for paper that is lit unevenly, and cluttered photos get GrabCut from the middle, at
    low confidence, and the reason is among the mask's warnings. Raises ImageError when nothing is left of the product.
    """
    if image.alpha is not None:
        return _checked(_from_alpha(image.rgb, image.alpha))
    rgb = reduced(image.rgb)
    backdrop = fit_backdrop(rgb)
    find_once = cache(lambda: Remembering(find_network()))
    mask = _from_backdrop(rgb, backdrop, (find_once, find_studio)) if backdrop.is_plain else None
    if mask is None or _is_scenery(rgb, backdrop, mask, find_once):
        mask = _from_clutter(rgb, backdrop, find_once, find_studio)
    mask = replace(mask, confidence=round(min(mask.confidence, supported(rgb, mask.alpha)), 3))
    return _checked(_enlarged(mask, image.width, image.height))


def supported(rgb: U8, alpha: U8) -> float:
    """What a mask's confidence is at most: how much of its outline is an outline of the photo (see `support`)."""
    return confidence_of(outline_support(rgb, alpha))


def mask_in_box(image: SourceImage, box: Selection) -> Mask:
    """What GrabCut finds in a box that a person drew around the product.

    Raises ImageError when colours tell nothing apart in it, and ValueError for a box that is not in the photo.
    """
    rgb = reduced(image.rgb)
    product = grab_cut(rgb, box, sure_outside=True)
    if not product.any():
        raise ImageError("nothing in the box stands out by its colour; draw a larger one, or paint the mask")
    matte = soft_matte(rgb, product, local_backdrop(rgb, product))
    return _enlarged(Mask(matte, "box", 1.0), image.width, image.height)


def _from_alpha(rgb: U8, alpha: U8) -> Mask:
    own, separated = product_alpha(rgb, alpha)
    warnings = ("a shadow baked into the photo's alpha was taken out",) if separated else ()
    if haze(own) <= HAZE_SHARE:
        return Mask(own, "alpha", 1.0, warnings)
    doubt = "large parts of the product are half-transparent; they may be a shadow"
    return Mask(own, "alpha", 0.7, (*warnings, doubt))


def _from_backdrop(rgb: U8, backdrop: Backdrop, opinions: Opinions) -> Mask:
    alike = backdrop.matches()
    ground = reachable_from_border(alike)
    shadow, shaded = find_shadow(backdrop, ground, np.zeros_like(ground))
    outside = ground | shadow
    holes, doubtful = enclosed_holes(backdrop.matches_closely() & ~outside, outside, backdrop.looks_the_same)
    shaded_holes = enclosed_holes(shaded, outside)[0]
    holes |= shaded_holes
    if holes.any():  # what floods a hole is its backdrop and shadow, like outside
        ground = reachable_from_border(alike, holes) | holes
        outside |= ground | find_shadow(backdrop, ground, holes)[0]
    product = drop_orphans(~outside)
    contested = Contested(
        taken=~product & (~ground | shaded_holes),
        left=product & shadow_tones(backdrop, ground),
        paper=adjoining(is_even(backdrop.lab), product),
    )
    product, is_settled = _second_opinion(rgb, product, contested, backdrop, opinions)
    warnings = (
        ("a region inside the product has the backdrop's colour; it may be a hole",)
        if doubtful and not is_settled
        else ()
    )
    alpha = soft_matte(rgb, product, backdrop.colours)
    confidence = backdrop.confidence * backdrop.separation(product) * (0.8 if warnings else 1.0)
    return Mask(alpha, "backdrop", round(confidence, 3), warnings)


def _is_scenery(rgb: U8, backdrop: Backdrop, mask: Mask, find_network: Callable[[], Network]) -> bool:
    """Whether what was cut out of a plain backdrop meets the border and is another thing than a network sees."""
    if backdrop.share >= CLEAR_BORDER:
        return False
    try:
        seen = find_network().predict(rgb) >= 0.5
    except WeightsError:
        return False
    return bool(seen.any()) and overlap(seen, mask.alpha >= 128) < AGREED


def _second_opinion(
    rgb: U8, product: Bool, contested: Contested, backdrop: Backdrop, opinions: Opinions
) -> tuple[Bool, bool]:
    """The product, and whether what was contested is settled: a downloaded network says so, our own does not speak of holes.

    Of the words there are, the flood's or what a network makes of it and our own network's, the one counts whose outline
    lies most on outlines of the photo; but shadows have outlines too, so what a network sees counts as well.
    """
    if not contested.is_worth_a_look:
        return product, False
    look, own = (_asked(rgb, find) for find in opinions)
    settled = None if look is None else drop_orphans(settle(product, contested, look))
    word = product if settled is None else settled
    if own is not None:
        seen = np.asarray((own if look is None else look) >= 0.5, np.bool_)
        words = (word, *_own_words(rgb, word, backdrop, own))
        word = max(words, key=lambda each: _worth(rgb, each, seen))
    return word, word is settled


def _asked(rgb: U8, find: Callable[[], Network]) -> F32 | None:
    try:
        return find().predict(rgb)
    except WeightsError:
        return None


def _own_words(rgb: U8, product: Bool, backdrop: Backdrop, look: F32) -> list[Bool]:
    """What our own network's look makes of the product as it was found: corrected by it, and drawn anew after it."""
    lightness = np.ascontiguousarray(backdrop.lab[..., 0])
    backdroplike = could_be_shadow(backdrop) | is_even(backdrop.lab)
    return [
        drop_orphans(settle_closely(product, backdroplike, look, lightness)),
        drop_orphans(settle_freely(product, backdroplike, look, rgb)),
    ]


def _worth(rgb: U8, word: Bool, seen: Bool) -> float:
    return _support(rgb, word) * (1 - SEEN_SHARE * (1 - overlap(word, seen)))


def _support(rgb: U8, product: Bool) -> float:
    return outline_support(rgb, product.astype(np.uint8) * 255)


def _from_clutter(
    rgb: U8, backdrop: Backdrop, find_network: Callable[[], Network], find_studio: Callable[[], Network]
) -> Mask:
    try:
        network = find_network()
    except WeightsError as error:
        return _from_paper(rgb, backdrop, find_studio) or _guessed(rgb, str(error))
    found = cut_from_clutter(rgb, network)
    if found.alpha.any():
        return Mask(found.alpha, network.name, found.confidence, found.doubts)
    return _guessed(rgb, f"{network.name} sees no product in the photo")


def _from_paper(rgb: U8, backdrop: Backdrop, find_studio: Callable[[], Network]) -> Mask | None:
    """What our own network sees before a backdrop that is plain but for its light; None where it is not, or where
    the photo does not bear out what is seen.
    """
    if not backdrop.may_be_paper:
        return None
    try:
        network = find_studio()
    except WeightsError:
        return None
    look = network.predict(rgb)
    product = drop_orphans(
        settle_freely(np.zeros(look.shape, np.bool_), np.ones(look.shape, np.bool_), look, rgb)
    )
    if not product.any() or confidence_of(_support(rgb, product)) < DOUBTFUL:
        return None
    return Mask(soft_matte(rgb, product, local_backdrop(rgb, product)), network.name, PAPER, (UNEVEN,))


def _guessed(rgb: U8, why: str) -> Mask:
    product = grab_cut(rgb, CENTRE, sure_outside=False)
    found = bool(product.any())
    if not found:  # colours tell nothing apart: the middle itself is the guess
        rows, columns = product.shape
        product[rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)] = True
    alpha = soft_matte(rgb, product, local_backdrop(rgb, product))
    return Mask(alpha, "grabcut", 0.3 if found else 0.1, (GUESS, why))


def reduced(rgb: U8) -> U8:
    """uint8 (H, W, 3) at most WORK_SIDE pixels long."""
    height, width = rgb.shape[:2]
    factor = WORK_SIDE / max(height, width)
    if factor >= 1:
        return rgb
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(mask: Mask, width: int, height: int) -> Mask:
    if mask.alpha.shape == (height, width):
        return mask
    alpha = np.asarray(cv2.resize(mask.alpha, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return replace(mask, alpha=alpha)


def _checked(mask: Mask) -> Mask:
    cover = float((mask.alpha >= present_from(mask.alpha)).mean())
    if cover == 0.0:
        raise ImageError(
            f"{NO_PRODUCT} ({mask.method}): its mask is empty, it must cover at least"
            f" {MIN_COVER:.1%} of the photo"
        )
    if MIN_COVER <= cover <= MAX_COVER:
        return mask
    warning = f"the mask covers {cover:.1%} of the photo; {MIN_COVER:.1%} to {MAX_COVER:.0%} is usual"
    return replace(mask, confidence=min(mask.confidence, 0.4), warnings=(*mask.warnings, warning))
