"""Step 1: the product's mask, by the plainest means that the photo allows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import Backdrop, fit_backdrop
from .blobs import drop_orphans, enclosed_holes, reachable_from_border
from .image_io import ImageError, SourceImage
from .matte import soft_matte
from .shadow import find_shadow

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

SEGMENT_VERSION = "1"
"""Part of every cache key of a mask; raise it when a change alters masks."""

WORK_SIDE = 1600
"""Longest side at which masks are searched; larger photos are reduced and their matte enlarged again."""

MIN_COVER, MAX_COVER = 0.002, 0.97
"""A product covers at least and at most this share of the photo, else its mask is not to be trusted."""


@dataclass(frozen=True)
class Mask:
    """The product's matte. alpha: uint8 (H, W) of the photo's size; confidence: 0..1, 1 is certain."""

    alpha: U8
    method: str
    confidence: float
    warnings: tuple[str, ...] = ()


def segment(image: SourceImage) -> Mask:
    """Cut the product out: its own alpha, else the plain backdrop behind it, else GrabCut in the middle.

    Raises ImageError when nothing is left of the product.
    """
    if image.alpha is not None:
        return _checked(_from_alpha(image.alpha))
    rgb = _reduced(image.rgb)
    backdrop = fit_backdrop(rgb)
    mask = _from_backdrop(rgb, backdrop) if backdrop.is_plain else _from_grabcut(rgb)
    return _checked(_enlarged(mask, image.width, image.height))


def _from_alpha(alpha: U8) -> Mask:
    kept = drop_orphans(alpha >= 128, alpha > 0)
    return Mask(np.where(kept, alpha, 0).astype(np.uint8), "alpha", 1.0)


def _from_backdrop(rgb: U8, backdrop: Backdrop) -> Mask:
    alike = backdrop.matches()
    ground = reachable_from_border(alike)
    shadow, shaded = find_shadow(backdrop, ground, np.zeros_like(ground))
    outside = ground | shadow
    holes, doubtful = enclosed_holes(backdrop.matches_closely() & ~outside, outside, backdrop.looks_the_same)
    holes |= enclosed_holes(shaded, outside)[0]
    if holes.any():  # what floods a hole is its backdrop and shadow, like outside
        ground = reachable_from_border(alike, holes) | holes
        outside |= ground | find_shadow(backdrop, ground, holes)[0]
    product = drop_orphans(~outside)
    warnings = (
        ("a region inside the product has the backdrop's colour; it may be a hole",) if doubtful else ()
    )
    alpha = soft_matte(rgb, product, backdrop.colours)
    confidence = backdrop.confidence * backdrop.separation(product) * (0.8 if doubtful else 1.0)
    return Mask(alpha, "backdrop", round(confidence, 3), warnings)


def _from_grabcut(rgb: U8) -> Mask:
    """GrabCut (Rother et al. 2004) from a central prior, at 384 pixels a side: a guess until a person looks."""
    height, width = rgb.shape[:2]
    factor = min(1.0, 384 / max(height, width))
    small = cv2.resize(
        rgb, (max(16, round(width * factor)), max(16, round(height * factor))), interpolation=cv2.INTER_AREA
    )
    rows, columns = small.shape[:2]
    labels = np.full((rows, columns), cv2.GC_BGD, np.uint8)
    inset_y, inset_x = max(1, rows // 20), max(1, columns // 20)
    labels[inset_y:-inset_y, inset_x:-inset_x] = cv2.GC_PR_BGD
    labels[rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)] = cv2.GC_PR_FGD
    bgr = np.ascontiguousarray(small[..., ::-1])
    cv2.setRNGSeed(0)
    cv2.grabCut(bgr, labels, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    product = drop_orphans((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    found = bool(product.any())
    if not found:  # colours tell nothing apart: the middle itself is the guess
        product[rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)] = True
    soft = cv2.GaussianBlur(product.astype(np.float32), (0, 0), 0.8)
    alpha = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    warning = "the photo has no plain backdrop: the mask is a guess (GrabCut); check it or give a cut-out"
    return Mask(np.rint(alpha * 255).astype(np.uint8), "grabcut", 0.3 if found else 0.1, (warning,))


def _reduced(rgb: U8) -> U8:
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
    return Mask(alpha, mask.method, mask.confidence, mask.warnings)


def _checked(mask: Mask) -> Mask:
    cover = float((mask.alpha >= 128).mean())
    if cover == 0.0:
        raise ImageError(
            f"no product found in the photo ({mask.method}): its mask is empty, it must cover at least"
            f" {MIN_COVER:.1%} of the photo"
        )
    if MIN_COVER <= cover <= MAX_COVER:
        return mask
    warning = f"the mask covers {cover:.1%} of the photo; {MIN_COVER:.1%} to {MAX_COVER:.0%} is usual"
    return Mask(mask.alpha, mask.method, min(mask.confidence, 0.4), (*mask.warnings, warning))
