"""Where the quality gate sees trouble, as a picture to lay over the creative."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from .expansion import object_region
from .gate import LIMITS, Limit
from .grounding import around_the_foot, floating
from .horizon import BESIDE
from .leaks import leaked_edges, painted_edges, seam
from .measures import grown, shrunk
from .quality import distinctness_score, missed_edges

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

MISSED = (255, 32, 96, 255)
"""Edges of the product that the painting ignores: pink, as no product shot is."""

CONTINUED = (255, 170, 0, 150)
"""Ground that the painting gave the product's colours: amber, half transparent."""

SECOND = (0, 190, 255, 255)
"""A second outline beside the product: cyan."""

SUSPECT = (170, 60, 255, 150)
"""A seam, the surroundings of a foot that hangs in the air, a rim that cannot be told from its surroundings: violet."""


def draw_findings(
    generated: U8, edges: U8, placed: U8, composed: U8 | None = None, limits: Mapping[str, Limit] = LIMITS
) -> U8:
    """RGBA of the creative's size: what the gate found in colour, the rest transparent.

    Missed edges, continued product and second outlines are always shown; seams, floating and indistinct rims where they
    are doubtful by `limits`. generated: uint8 (H, W, 3), the painting before the product is cut back in; composed: after;
    edges: uint8 (H, W), as they were painted from, with lines of the setting among them; placed: uint8 (H, W, 4). Raises
    ValueError when the shapes do not match.
    """
    shapes = {part.shape[:2] for part in (generated, edges, placed, composed) if part is not None}
    if len(shapes) > 1:
        raise ValueError(
            f"painting {generated.shape}, edges {edges.shape} and product {placed.shape} differ in size"
        )
    picture = np.zeros((*edges.shape, 4), np.uint8)
    product = np.asarray(placed[..., 3] >= 128, np.bool_)
    for region in _suspects(generated, composed, product, limits):
        picture[region] = SUSPECT
    picture[object_region(generated, product) & ~grown(product, 1)] = CONTINUED
    drawn = painted_edges(generated)
    picture[grown(leaked_edges(generated, product, drawn), 1) & ~grown(product, 1)] = SECOND
    own = np.where(grown(product, BESIDE - 1), edges, 0).astype(
        np.uint8
    )  # lines of the setting are not asked for
    missed = missed_edges(generated, own, drawn).astype(np.uint8)
    picture[cv2.dilate(missed, np.ones((2, 2), np.uint8)) > 0] = MISSED
    return picture


def _suspects(generated: U8, composed: U8 | None, product: Bool, limits: Mapping[str, Limit]) -> list[Bool]:
    found = []
    if "seam" in limits and limits["seam"].is_doubtful((step := seam(generated, product)).strength):
        line = np.zeros_like(product)
        line[:, step.column] = True
        found.append(grown(line, 1) & ~product)
    if composed is None:
        return found
    if "floating" in limits and limits["floating"].is_doubtful(floating(composed, product)):
        found.append(around_the_foot(product))
    if "distinctness" in limits and limits["distinctness"].is_doubtful(distinctness_score(composed, product)):
        found.append(product & ~shrunk(product, 3))
    return found
