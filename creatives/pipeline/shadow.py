"""Shadows that a product throws on its backdrop, told from the product."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import Backdrop
from .blobs import reachable_from_border

Bool = NDArray[np.bool_]

DEPTH = 45.0
"""Deepest shadow, in L* below the backdrop."""

DEEPEST = 55.0
"""The same for what a network has already taken for shadow."""

PASSAGE = 0.02
"""Shadows reach the backdrop through gaps wider than this share of the photo's shorter side."""

MOST = 0.6
"""A shadow is at most this share of what is not backdrop; a larger one is the product itself."""

VIVID = 50.0
"""From this contrast (ΔE*ab) up, shaded holes are looked for: in paler products they would be parts of it."""

COLOURFUL = 18.0
"""From this distance in (a*, b*) up, grey beside a product's shadow is the shadow's foot and not the product."""

CONTACT_REACH = 0.03

CRISP_REACH, CRISP_SLOPE, CRISP_RATIO, CRISP_LENGTH = 17, 0.35, 2.5, 60
CRISP_DROP, CRISP_SHARE = 12.0, 0.0005
"""Deeper than this (L*) a region behind a crisp outline is the core of a shadow and not a pale part."""

PALE_DROP = 5.0
"""Up to this darkness below the backdrop, what the product has above and below it is a pale part of the product."""


def find_shadow(backdrop: Backdrop, outside: Bool, holes: Bool) -> tuple[Bool, Bool]:
    """The soft shadow next to `outside`, and what has its looks but is enclosed by the product.

    Shadow is darker than the backdrop, of about its hue, and changes slowly. It must connect to the outside through
    wide passages, so that a smooth spot on a pale product's outline does not let the flood in. `holes` are parts of
    `outside` that the product encloses.
    """
    none = np.zeros_like(outside)
    contrast = _contrast(backdrop, outside)
    alike, slope, drop = _lookalike(backdrop, contrast)
    most = MOST * float((~outside).sum())
    for steepest in np.clip(0.05 * contrast, 0.8, 2.0) * np.array([1.0, 0.5, 0.25]):
        lookalike = alike & (slope < steepest)
        shadow = _flooded(lookalike, outside, holes)
        shadow &= ~_pale_parts(shadow, lookalike, outside, holes, slope, drop)
        if 0 < float(shadow.sum()) <= most:
            break
    else:
        return none, none
    shadow |= _contact(backdrop, outside, shadow, holes)
    shadow &= ~(_between(~(outside | shadow)) & (drop < PALE_DROP))
    if contrast < VIVID or not shadow.any():
        return shadow, none
    low, high = np.percentile(drop[shadow], [2, 98])
    shaded = lookalike & ~outside & ~shadow & (drop >= low) & (drop <= high)
    opened = cv2.morphologyEx(shaded.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return shadow, np.asarray(opened, np.bool_)


def shadow_tones(backdrop: Backdrop, outside: Bool) -> Bool:
    """Pixels (H, W) of a tone and hue that a shadow on this backdrop could have, the product's own among them."""
    return _lookalike(backdrop, _contrast(backdrop, outside))[0]


def could_be_shadow(backdrop: Backdrop) -> Bool:
    """Pixels (H, W) no lighter than the backdrop, not black, and of about its hue: deep and tinted shadows too."""
    drop = backdrop.surface[..., 0] - backdrop.lab[..., 0]
    tinted = _tint(backdrop, backdrop.lab)
    return np.asarray(
        (drop > -4.0) & (drop < DEEPEST) & (tinted < 4.0 + 0.25 * np.maximum(drop, 0)), np.bool_
    )


def _contact(backdrop: Backdrop, outside: Bool, shadow: Bool, holes: Bool) -> Bool:
    """The steep dark foot of a shadow under a coloured product: grey, and next to shadow already found."""
    tint = _tint(backdrop, backdrop.lab)
    solid = ~(outside | shadow)
    colourful = float(np.percentile(tint[solid], 75)) if solid.any() else 0.0
    if colourful < COLOURFUL:
        return np.zeros_like(outside)
    drop = backdrop.surface[..., 0] - backdrop.lab[..., 0]
    grey = solid & (drop > 2.0) & (drop < DEPTH) & (tint < 0.15 * colourful + 2.0)
    reach = 2 * round(0.5 * CONTACT_REACH * min(outside.shape)) + 1
    near = cv2.dilate(shadow.astype(np.uint8), np.ones((max(3, reach),) * 2, np.uint8)) > 0
    region = (grey & near) | outside | shadow
    return np.asarray(reachable_from_border(region, holes) & grey & near, np.bool_)


def _between(solid: Bool) -> Bool:
    """What has product above and below it in the photo."""
    above = np.logical_or.accumulate(solid, axis=0)
    below = np.logical_or.accumulate(solid[::-1], axis=0)[::-1]
    return np.asarray(above & below & ~solid, np.bool_)


def _tint(backdrop: Backdrop, lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far (a*, b*) every pixel is from the backdrop's hue."""
    away = lab[..., 1:] - backdrop.surface[..., 1:]
    return np.asarray(np.hypot(away[..., 0], away[..., 1]), np.float32)


def _contrast(backdrop: Backdrop, outside: Bool) -> float:
    """ΔE*ab of a typical product pixel to the backdrop; the low percentiles may be shadow."""
    rest = backdrop.distance[~outside]
    return float(np.percentile(rest, 60)) if rest.size else 0.0


def _flooded(lookalike: Bool, outside: Bool, holes: Bool) -> Bool:
    side = 2 * round(0.5 * PASSAGE * min(outside.shape)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, side),) * 2)
    open_ground = cv2.erode((lookalike | outside).astype(np.uint8), kernel, borderValue=1)
    grown = cv2.dilate(reachable_from_border(open_ground > 0, holes).astype(np.uint8), kernel) > 0
    return np.asarray(grown & lookalike & ~outside, np.bool_)


def _lookalike(backdrop: Backdrop, contrast: float) -> tuple[Bool, NDArray[Any], NDArray[np.float32]]:
    """Pixels of a shadow's tone and hue, the steepness (L* per pixel), and how much darker than the backdrop.

    Limits follow the product's own contrast: a vivid product tints its shadow.
    """
    lab = np.asarray(cv2.GaussianBlur(backdrop.lab, (0, 0), 1.0), np.float32)
    light = np.ascontiguousarray(lab[..., 0])
    drop = backdrop.surface[..., 0] - light
    tint = _tint(backdrop, lab)
    slope = cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8.0
    dark = (drop > -4.0) & (drop < np.clip(0.8 * contrast, 30.0, DEPTH))
    neutral = tint < np.maximum(2.0 + 0.12 * np.maximum(drop, 0), 0.16 * contrast)
    return np.asarray(dark & neutral, np.bool_), slope, drop


def _pale_parts(
    shadow: Bool, lookalike: Bool, outside: Bool, holes: Bool, slope: NDArray[Any], drop: NDArray[np.float32]
) -> Bool:
    """White labels and caps that the flood took: they lie behind a crisp outline and are hardly darker than backdrop."""
    within = _flooded(lookalike & ~_crisp(slope), outside, holes)
    count, labels = cv2.connectedComponents((shadow & ~within).astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    depth = np.bincount(labels.ravel(), weights=drop.ravel(), minlength=count) / np.maximum(areas, 1)
    pale = (depth < CRISP_DROP) & (areas >= CRISP_SHARE * shadow.size)
    pale[0] = False
    return np.asarray(pale[labels], np.bool_)


def _crisp(slope: NDArray[Any]) -> Bool:
    """Outlines of things, however faint: steeper than their surroundings, as a shadow's broad rim never is."""
    around = cv2.blur(slope, (CRISP_REACH, CRISP_REACH))
    steep = (slope > CRISP_SLOPE) & (slope > CRISP_RATIO * around)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(steep.astype(np.uint8), connectivity=8)
    long = stats[:, cv2.CC_STAT_AREA] >= CRISP_LENGTH  # a JPEG's block borders come in short pieces
    long[0] = False
    return np.asarray(long[labels], np.bool_)
