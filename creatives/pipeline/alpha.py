"""A photo that brings its own alpha: what of it is product, and what is a shadow baked in beneath."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .blobs import drop_orphans, reachable_from_border
from .measures import lab
from .nearest import nearest_values

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SOLID = 250
"""From this alpha up a pixel is opaque product."""

DARK, GREY = 45.0, 12.0
"""A baked shadow is at most this light (L*) and this colourful (C*ab)."""

CRISP_STEP = 40.0
"""A step of alpha over three pixels that no soft shadow makes; a product's antialiased outline does."""

SAME_COLOUR = 6.0
"""ΔE*ab within which half-transparent parts that the product encloses are taken for the shadow around it."""

LEAST_SHARE, LEAST_REACH = 0.002, 4.0
"""A shadow has at least this share of the product's area and reaches this many pixels away from it."""

STAIN_PIXELS, STAIN_LEVELS = 200, 6.0
"""A stain is looked for in at least so many rim pixels, and shifts them by more than so many levels on average."""

HAZE_SHARE = 0.04
"""More half-transparent product than this, and a person should look: glass and veils are rare, leftover shadow is not."""


def separate_shadow(rgb: U8, alpha: U8) -> tuple[U8, bool]:
    """The product's own alpha, uint8 (H, W), and whether a baked shadow was taken out of it.

    A shadow is dark, grey, half-transparent, fades to nothing without an outline of its own, and reaches away from the
    opaque product. Where the product's antialiased outline lies over it, the observed alpha is a = p + s·(1 − p), with s
    the shadow's alpha just outside, so p = (a − s) / (1 − s).
    """
    shadow = _shadow(rgb, alpha)
    if not shadow.any():
        return alpha, False
    strength = _strength_beside(alpha, shadow)
    own = (alpha.astype(np.float32) - strength) / np.maximum(255.0 - strength, 1.0) * 255.0
    beside = cv2.dilate(shadow.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    rim = beside & ~shadow & (alpha < 255)
    cleaned = np.where(rim, np.clip(np.rint(own), 0, 255), alpha)
    cleaned[shadow] = 0
    return cleaned.astype(np.uint8), True


def haze(alpha: U8) -> float:
    """Share of the product's pixels that are half-transparent away from any outline, 0..1."""
    present = (alpha > 0).astype(np.uint8)
    inner = cv2.erode(present, np.ones((9, 9), np.uint8)) > 0
    cover = int(present.sum())
    return float((inner & (alpha < 230)).sum() / cover) if cover else 0.0


def stain(rgb: U8, alpha: U8) -> F32 | None:
    """The backdrop's colour (float32 (3,), 0..255) that colours under partial alpha still hold, as after a careless cut-out.

    Straight alpha keeps the product's own colours out to the rim: then there is none. In a stained picture a rim pixel is
    C = F + (1 − α)(B − F), F being the colour further in and B one for all, and that explains the rim better than F alone.
    """
    core = alpha >= SOLID
    near = (alpha > 25) & (alpha < 230) & (cv2.dilate(core.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0)
    if near.sum() < STAIN_PIXELS:
        return None
    inner = nearest_values(rgb, core)[0][near]
    share = 1.0 - alpha[near].astype(np.float32)[:, None] / 255.0
    away = rgb[near].astype(np.float32) - inner
    backdrop = np.clip(((away + share * inner) * share).sum(axis=0) / (share**2).sum(), 0, 255)
    left = away - share * (backdrop - inner)
    found = np.abs(away).mean() > STAIN_LEVELS and np.abs(left).mean() < 0.5 * np.abs(away).mean()
    return np.asarray(backdrop, np.float32) if found else None


def unstained(rgb: U8, alpha: U8, backdrop: F32) -> U8:
    """uint8 (H, W, 3): the colours under partial alpha without the backdrop's share, F = (C − (1 − α)B) / α.

    Where too little of the product is in a pixel for that, it gets the colour further in. Pixels of alpha 255 keep theirs.
    """
    share = alpha.astype(np.float32)[..., None] / 255.0
    own = (rgb - (1.0 - share) * backdrop) / np.maximum(share, 1e-3)
    sure = alpha >= 96
    inner, _ = nearest_values(own, sure) if sure.any() else (own, None)
    cleaned = np.clip(np.where(sure[..., None], own, inner), 0, 255)
    return np.where(((alpha > 0) & (alpha < 255))[..., None], np.rint(cleaned), rgb).astype(np.uint8)


def _shadow(rgb: U8, alpha: U8) -> Bool:
    solid = alpha >= SOLID
    if not solid.any():  # a product of glass is no shadow
        return solid
    colours = lab(rgb)
    shady = (colours[..., 0] <= DARK) & (np.hypot(colours[..., 1], colours[..., 2]) <= GREY)
    step = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    soft = (alpha > 0) & ~solid & shady & (step < CRISP_STEP)
    fading = reachable_from_border(_padded(soft | (alpha == 0)))[1:-1, 1:-1] & soft
    count, labels = cv2.connectedComponents(fading.astype(np.uint8), connectivity=8)
    to_product = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 5)
    areas = np.bincount(labels.ravel(), minlength=count)
    reach = np.zeros(count, np.float32)
    np.maximum.at(reach, np.asarray(labels, np.intp).ravel(), to_product.ravel())
    keep = (areas >= LEAST_SHARE * float(solid.sum())) & (reach >= LEAST_REACH)
    keep[0] = False
    outer = np.asarray(keep[labels], np.bool_)
    return outer | _enclosed(outer, soft & ~fading, colours, alpha) if outer.any() else outer


def _enclosed(outer: Bool, soft: Bool, colours: F32, alpha: U8) -> Bool:
    """The same shadow seen through handles and rings: of its colour, and hardly denser than it is outside."""
    colour = np.median(colours[outer], axis=0)
    densest = 1.2 * float(np.percentile(alpha[outer], 99))
    alike = soft & (np.linalg.norm(colours - colour, axis=2) < SAME_COLOUR) & (alpha <= densest)
    return cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0


def _padded(region: Bool) -> Bool:
    """With a frame of True: a shadow cut by the picture's border fades out beyond it."""
    return np.pad(region, 1, constant_values=True)


def _strength_beside(alpha: U8, shadow: Bool) -> F32:
    """float32 (H, W): alpha of the nearest shadow pixel that is clear of the product's outline."""
    clear = cv2.erode(shadow.astype(np.uint8), np.ones((3, 3), np.uint8))
    source = clear if clear.any() else shadow.astype(np.uint8)
    return nearest_values(alpha[..., None], source > 0)[0][..., 0]


def present_from(alpha: U8) -> int:
    """The alpha from which on a pixel counts as covered: 128, or half of the highest where nothing is opaque (glass)."""
    return min(128, max(1, int(alpha.max()) // 2))


def product_alpha(rgb: U8, alpha: U8) -> tuple[U8, bool]:
    """`separate_shadow`, and specks below 1 % of the largest part dropped."""
    own, separated = separate_shadow(rgb, alpha)
    kept = drop_orphans(own >= present_from(own), own > 0)
    return np.where(kept, own, 0).astype(np.uint8), separated
