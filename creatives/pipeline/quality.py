"""Plain quality scores of a creative, and whether a person should look twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .expansion import expansion, object_region, overlap
from .gate import LIMITS, Limit
from .grounding import floating
from .leaks import leakage, painted_edges, seam
from .measures import grown, lab, reach, shrunk, window_around

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SURROUNDINGS = 26
"""Pixels around the product that scores of its outline look at, at least: their widest blur ends there."""

PASSED, DOUBTFUL, FAILED = "pass", "doubtful", "fail"

REASONS = {
    "structure": "the painting ignores the product's edges (structure {:.2f})",
    "agreement": "what was painted has another shape than the product (agreement {:.2f})",
    "expansion": "the painting continues the product beyond its outline (expansion {:.2f})",
    "expansion_after": "the product seems to go on beside its outline (expansion after pasting {:.2f})",
    "leakage": "a second outline runs beside the product (leakage {:.2f})",
    "floating": "the product seems to float (floating {:.2f})",
    "seam": "a straight seam runs through the setting (seam {:.1f})",
    "sharpness": "the background is blurred (sharpness {:.2f})",
    "distinctness": "the product is hard to tell from the background (ΔE {:.1f})",
    "mask": "the mask is uncertain (confidence {:.2f})",
}


@dataclass(frozen=True)
class Quality:
    """scores: by name, as `LIMITS` has them; risk: 0 is as good as usual, above 1 a person should look; verdict: "pass",
    "doubtful" or "fail", with the reasons, the worst first.

    structure: 0..1, share of the product's edges that the painting honours. agreement: 0..1, intersection over union of
    the painted object and the product. expansion: area that the painted object adds to the product, in products; the same
    after pasting. leakage: 0..1, share of the outline with a second one beside it. floating: 0..1. seam: strength of a
    straight step, 1 is usual in a picture. sharpness: 0..1 of the setting. distinctness: ΔE*ab along the rim. mask: 0..1.
    """

    scores: dict[str, float]
    risk: float
    verdict: str
    reasons: tuple[str, ...]

    @property
    def facts(self) -> dict[str, float]:
        """All numbers, the risk first: JSON-able, for a creative's record."""
        return {"risk": self.risk, **self.scores}


def assess(
    generated: U8,
    edges: U8,
    placed: U8,
    composed: U8,
    *,
    mask_confidence: float,
    limits: Mapping[str, Limit] = LIMITS,
) -> Quality:
    """Score one creative at its bucket's size.

    generated, composed: uint8 (H, W, 3), before and after pasting; edges: uint8 (H, W); placed: uint8 (H, W, 4).
    limits: of a profile; scores without a limit are measured and do not count.
    """
    return decide(measure(generated, edges, placed, composed, mask_confidence=mask_confidence), limits)


def decide(scores: Mapping[str, float], limits: Mapping[str, Limit] = LIMITS) -> Quality:
    """The verdict on a creative's scores."""
    bad = {name: limit.badness(scores[name]) for name, limit in limits.items()}
    doubts = sorted((name for name, much in bad.items() if much > 1.0), key=lambda name: -bad[name])
    failed = any(limits[name].has_failed(scores[name]) for name in doubts)
    return Quality(
        scores=dict(scores),
        risk=round(max(bad.values(), default=0.0), 4),
        verdict=FAILED if failed else DOUBTFUL if doubts else PASSED,
        reasons=tuple(REASONS[name].format(scores[name]) for name in doubts),
    )


def measure(
    generated: U8, edges: U8, placed: U8, composed: U8, *, mask_confidence: float
) -> dict[str, float]:
    """All scores of a creative by name; see `assess` and `Quality`."""
    product = np.asarray(placed[..., 3] >= 128, np.bool_)
    painted, drawn, colours = object_region(generated, product), painted_edges(generated), lab(composed)
    near = window_around(product, max(SURROUNDINGS, 3 * reach(product) + 2))
    found = {
        "structure": structure_score(generated, edges, drawn),
        "agreement": overlap(painted, product),
        "expansion": expansion(painted, product),
        "expansion_after": expansion(object_region(composed, product), product),
        "leakage": leakage(generated[near], product[near], drawn[near]),
        "floating": floating(composed, product, colours),
        "seam": seam(generated, product).strength,
        "sharpness": sharpness_score(generated, ~grown(product, 3)),
        "distinctness": distinctness_score(composed[near], product[near], colours[near]),
        "mask": mask_confidence,
    }
    return {name: round(value, 4) for name, value in found.items()}


def structure_score(generated: U8, edges: U8, drawn: Bool | None = None) -> float:
    """Recall of the product's edges in the painting's own, two pixels of slack; 1 when there are none to honour."""
    wanted = edges > 0
    if not wanted.any():
        return 1.0
    return float(1.0 - missed_edges(generated, edges, drawn)[wanted].mean())


def missed_edges(generated: U8, edges: U8, drawn: Bool | None = None) -> Bool:
    """Edges of the product, bool (H, W), that the painting's own (`drawn`, if known) do not meet within two pixels."""
    drawn = painted_edges(generated) if drawn is None else drawn
    return np.asarray((edges > 0) & ~grown(drawn, 2), np.bool_)


def sharpness_score(picture: U8, region: Bool) -> float:
    """0..1 from the Laplacian's spread in `region`: 0 at 0.5 grey levels or less, 1 at 32 or more, logarithmic."""
    if not region.any():
        return 1.0
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    spread = float(cv2.Laplacian(grey, cv2.CV_32F)[region].std())
    return float(np.clip(np.log2(max(spread, 0.5) / 0.5) / 6.0, 0.0, 1.0))


def distinctness_score(composed: U8, product: Bool, colours: F32 | None = None) -> float:
    """Mean ΔE*ab between each rim pixel of the product and the background blurred from just outside.

    colours: the picture's in CIELAB (`lab`), where they are known already.
    """
    inner = product & ~shrunk(product, 3)
    outer = grown(product, 4) & ~grown(product, 1)
    if not (inner.any() and outer.any()):
        return 100.0
    colours = lab(composed) if colours is None else colours
    share = outer.astype(np.float32)
    weight = cv2.GaussianBlur(share, (0, 0), 4.0)
    usable = inner & (weight > 1e-3)
    if not usable.any():
        return 100.0
    around = cv2.GaussianBlur(colours * share[..., None], (0, 0), 4.0)[usable] / weight[usable][:, None]
    return float(np.linalg.norm(colours[usable] - around, axis=1).mean())
