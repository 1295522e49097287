"""Does the setting go with the product? Palette of the background against the product's, contrast along the outline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from creatives.pipeline.quality import distinctness_score
from training.evaluate.estimates import Estimate, mean, paired
from training.evaluate.painting import Shot, pasted

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]
F32 = NDArray[np.float32]

BINS = 24
GROW = 4


class Palette(TypedDict):
    """delta: ΔE*ab between the mean colours of background and product; hue: distance of their hues in degrees;
    outline: mean ΔE*ab along the product's rim.
    """

    delta: Estimate
    hue: Estimate
    outline: Estimate


def mean_distance(lab: F32, product: Bool, background: Bool) -> float:
    """ΔE*ab (CIE 1976) between the mean colours of two regions of a CIELAB picture (H, W, 3)."""
    return float(np.linalg.norm(lab[product].mean(axis=0) - lab[background].mean(axis=0)))


def hue_histogram(lab: F32, region: Bool) -> NDArray[np.float64]:
    """``BINS`` shares of hue in a region, each pixel weighted by its chroma; even where there is no chroma."""
    a, b = lab[region][:, 1], lab[region][:, 2]
    chroma = np.hypot(a, b).astype(np.float64)
    place = ((np.arctan2(b, a) / (2 * np.pi) % 1) * BINS).astype(int) % BINS
    weight = np.bincount(place, chroma, BINS) + 1e-3
    return np.asarray(weight / weight.sum())


def circular_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Earth mover's distance of two histograms around a circle, in degrees, 0..180 (Rabin et al. 2011)."""
    gap = np.cumsum(first - second)
    return float(np.abs(gap - np.median(gap)).sum() * 360 / len(first))


def scores(shot: Shot, picture: U8) -> tuple[float, float, float]:
    """ΔE, hue distance and outline contrast of one raw picture; the product itself is taken from the shot."""
    product = shot.alpha >= 250
    grown = cv2.dilate((shot.alpha > 8).astype(np.uint8), np.ones((2 * GROW + 1,) * 2, np.uint8)) > 0
    final = pasted(shot, picture)
    lab = np.asarray(cv2.cvtColor(final.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    background = ~grown
    if not (product.any() and background.any()):
        raise ValueError(f"{shot.source}: the product covers none or all of the picture")
    return (
        mean_distance(lab, product, background),
        circular_distance(hue_histogram(lab, product), hue_histogram(lab, background)),
        distinctness_score(final, shot.alpha >= 128),
    )


def measure(shots: Sequence[Shot], pictures: Sequence[U8]) -> Palette:
    """The figures of one way of painting."""
    delta, hue, outline = zip(*(scores(s, p) for s, p in zip(shots, pictures, strict=True)), strict=True)
    return {"delta": mean(delta), "hue": mean(hue), "outline": mean(outline)}


def change(shots: Sequence[Shot], pictures: Sequence[U8], without: Sequence[U8]) -> Palette:
    """What conditioning changes in the same shots, pictures − without; below 0 is nearer to the product."""
    treated = list(zip(*(scores(s, p) for s, p in zip(shots, pictures, strict=True)), strict=True))
    control = list(zip(*(scores(s, p) for s, p in zip(shots, without, strict=True)), strict=True))
    delta, hue, outline = (paired(a, b) for a, b in zip(treated, control, strict=True))
    return {"delta": delta, "hue": hue, "outline": outline}
