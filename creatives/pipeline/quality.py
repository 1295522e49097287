"""Plain quality scores of a creative, and whether a person should look twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .edges import draw_edges

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

MIN_STRUCTURE = 0.25
MAX_EXPANSION = 0.45
MIN_SHARPNESS = 0.15
MIN_DISTINCTNESS = 6.0
MIN_MASK_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Quality:
    """structure: 0..1, share of the product's edges that the painting honours (before pasting).
    expansion: 0..1, share of the ring around the product that the painting gave the product's colours.
    sharpness: 0..1 of the painting's background. distinctness: ΔE*ab between the product's rim and what surrounds it.
    mask: 0..1, confidence of step 1. verdict: "pass" or "doubtful", with the reasons.
    """

    structure: float
    expansion: float
    sharpness: float
    distinctness: float
    mask: float
    verdict: str
    reasons: tuple[str, ...]

    @property
    def scores(self) -> dict[str, float]:
        """The numbers alone, JSON-able."""
        facts = asdict(self)
        return {name: facts[name] for name in ("structure", "expansion", "sharpness", "distinctness", "mask")}


def assess(generated: U8, edges: U8, placed: U8, composed: U8, *, mask_confidence: float) -> Quality:
    """Score one creative at its bucket's size.

    generated, composed: uint8 (H, W, 3), before and after pasting; edges: uint8 (H, W); placed: uint8 (H, W, 4).
    The thresholds are starting values, not yet calibrated on labelled creatives.
    """
    product = placed[..., 3] >= 128
    structure = structure_score(generated, edges)
    expansion = expansion_score(generated, product)
    sharpness = sharpness_score(generated, ~_grown(product, 3))
    distinctness = distinctness_score(composed, product)
    checks = (
        (structure < MIN_STRUCTURE, f"the painting ignores the product's shape (structure {structure:.2f})"),
        (
            expansion > MAX_EXPANSION,
            f"the painting continues the product beyond its outline (expansion {expansion:.2f})",
        ),
        (sharpness < MIN_SHARPNESS, f"the background is blurred (sharpness {sharpness:.2f})"),
        (
            distinctness < MIN_DISTINCTNESS,
            f"the product is hard to tell from the background (ΔE {distinctness:.1f})",
        ),
        (mask_confidence < MIN_MASK_CONFIDENCE, f"the mask is uncertain (confidence {mask_confidence:.2f})"),
    )
    reasons = tuple(reason for failed, reason in checks if failed)
    return Quality(
        structure=round(structure, 4),
        expansion=round(expansion, 4),
        sharpness=round(sharpness, 4),
        distinctness=round(distinctness, 4),
        mask=round(mask_confidence, 4),
        verdict="doubtful" if reasons else "pass",
        reasons=reasons,
    )


def structure_score(generated: U8, edges: U8) -> float:
    """Recall of the product's edges in the painting's own, two pixels of slack; 1 when there are none to honour."""
    wanted = edges > 0
    if not wanted.any():
        return 1.0
    return float(1.0 - missed_edges(generated, edges)[wanted].mean())


def missed_edges(generated: U8, edges: U8) -> Bool:
    """Edges of the product, bool (H, W), that the painting's own do not meet within two pixels."""
    everywhere = np.full(edges.shape, 255, np.uint8)
    found = draw_edges(generated, everywhere, contour=False, thresholds=(30.0, 90.0)) > 0
    return np.asarray((edges > 0) & ~_grown(found, 2), np.bool_)


def expansion_score(generated: U8, product: Bool) -> float:
    """Share of a ring around the product whose colour in the painting is the product's rather than the far background's.

    Median colours of product and background decide, pixel by pixel, in CIELAB.
    """
    ring, continued = continued_product(generated, product)
    return float(continued[ring].mean()) if ring.any() else 0.0


def continued_product(generated: U8, product: Bool) -> tuple[Bool, Bool]:
    """The ring around the product, and what of it has the product's colours; bool (H, W), empty without a background."""
    reach = max(3, round(0.08 * float(np.sqrt(product.sum()))))
    near = _grown(product, reach)
    ring, far = near & ~_grown(product, 2), ~_grown(product, 2 * reach)
    nothing = np.zeros(product.shape, np.bool_)
    if not (product.any() and ring.any() and far.any()):
        return nothing, nothing
    lab = _lab(generated)
    to_product = np.linalg.norm(lab - np.median(lab[product], axis=0), axis=2)
    to_far = np.linalg.norm(lab - np.median(lab[far], axis=0), axis=2)
    return ring, np.asarray(ring & (to_product + 4.0 < to_far), np.bool_)


def sharpness_score(picture: U8, region: Bool) -> float:
    """0..1 from the Laplacian's spread in `region`: 0 at 0.5 grey levels or less, 1 at 32 or more, logarithmic."""
    if not region.any():
        return 1.0
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    spread = float(cv2.Laplacian(grey, cv2.CV_32F)[region].std())
    return float(np.clip(np.log2(max(spread, 0.5) / 0.5) / 6.0, 0.0, 1.0))


def distinctness_score(composed: U8, product: Bool) -> float:
    """Mean ΔE*ab between each rim pixel of the product and the background blurred from just outside."""
    inner = product & ~_shrunk(product, 3)
    outer = _grown(product, 4) & ~_grown(product, 1)
    if not (inner.any() and outer.any()):
        return 100.0
    lab = _lab(composed)
    weight = cv2.GaussianBlur(outer.astype(np.float32), (0, 0), 4.0)
    around = (
        cv2.GaussianBlur(lab * outer[..., None].astype(np.float32), (0, 0), 4.0)
        / np.maximum(weight, 1e-4)[..., None]
    )
    usable = inner & (weight > 1e-3)
    return float(np.linalg.norm(lab - around, axis=2)[usable].mean()) if usable.any() else 100.0


def _lab(picture: U8) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)


def _grown(region: Bool, pixels: int) -> Bool:
    kernel = np.ones((2 * pixels + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(region.astype(np.uint8), kernel) > 0, np.bool_)


def _shrunk(region: Bool, pixels: int) -> Bool:
    kernel = np.ones((2 * pixels + 1,) * 2, np.uint8)
    return np.asarray(cv2.erode(region.astype(np.uint8), kernel) > 0, np.bool_)
