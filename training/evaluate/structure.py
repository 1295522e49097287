"""Does the painting keep the product's shape? What a segmenter finds in step 4's raw picture, against the mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from creatives.pipeline.expansion import expansion, object_region, overlap
from creatives.pipeline.image_io import ImageError, from_array
from creatives.pipeline.quality import structure_score
from creatives.pipeline.segmenter import Segmenter
from training.evaluate.estimates import Estimate, mean, share
from training.evaluate.finder import Finder
from training.evaluate.painting import Shot, pasted

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

GOAL = 0.85


class Structure(TypedDict):
    """iou: finder's mask against the product's; reached: share of pictures at the goal; pipeline_iou: step 1's mask
    of the same pictures; expansion: area that the finder adds to the product, as a share of the product's, before and
    after pasting; ring: the quality gate's own expansion score; edges: share of the edges found again.
    """

    iou: Estimate
    reached: Estimate
    pipeline_iou: Estimate
    expansion: Estimate
    expansion_pasted: Estimate
    ring: Estimate
    edges: Estimate


def measure(finder: Finder, segmenter: Segmenter, shots: Sequence[Shot], pictures: Sequence[U8]) -> Structure:
    """All figures of one way of painting. pictures: step 4's raw output for each shot."""
    products: list[Bool] = [shot.alpha >= 128 for shot in shots]
    found, after = (
        finder.find(pictures),
        finder.find([pasted(s, p) for s, p in zip(shots, pictures, strict=True)]),
    )
    overlaps = [overlap(f, p) for f, p in zip(found, products, strict=True)]
    return {
        "iou": mean(overlaps),
        "reached": share(sum(value >= GOAL for value in overlaps), len(overlaps)),
        "pipeline_iou": mean(
            [overlap(pipeline_mask(segmenter, p), m) for p, m in zip(pictures, products, strict=True)]
        ),
        "expansion": mean([expansion(f, p) for f, p in zip(found, products, strict=True)]),
        "expansion_pasted": mean([expansion(f, p) for f, p in zip(after, products, strict=True)]),
        "ring": mean([expansion(object_region(p, m), m) for p, m in zip(pictures, products, strict=True)]),
        "edges": mean([structure_score(p, s.edges) for p, s in zip(pictures, shots, strict=True)]),
    }


def pipeline_mask(segmenter: Segmenter, picture: U8) -> Bool:
    """Step 1's mask of a picture, as if it were a product photo; empty where it finds nothing."""
    try:
        return np.asarray(segmenter.segment(from_array(picture)).alpha >= 128, np.bool_)
    except ImageError:
        return np.zeros(picture.shape[:2], np.bool_)
