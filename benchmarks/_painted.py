"""Creatives of the labelled set that the shipped checkpoint paints: as it should be done, and in two ways that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks._gate import GOOD, PAINTED, PHOTOS, Case
from creatives.pipeline import DEFAULT_PROFILE, MemoryCache, Prepared, Size, get_profile, prepare
from creatives.pipeline.segmenter import AUTO, Segmenter
from training.evaluate.painting import BLANK, NAIVE, OURS, Shot, Studio, Way

BUCKET = Size(256, 256)
PROMPTS = (
    "on an oak wood table in front of a sage green wall, soft daylight",
    "on a white marble top in a bright kitchen, morning light",
    "on a sandy beach by the sea, sunset",
    "on a grey concrete floor in front of a terracotta wall",
)
WAYS = {GOOD: OURS, "shape ignored, painted": BLANK, "naive inpainting": NAIVE}


def as_it_should_be(count: int) -> list[Case]:
    """The first `count` products of the demo, painted with their edges. Raises CheckpointError without the checkpoint."""
    return _painted(count, {GOOD: OURS})


def painted_cases(count: int) -> list[Case]:
    """The same, painted in each of WAYS."""
    return _painted(count, WAYS)


def _painted(count: int, ways: Mapping[str, Way]) -> list[Case]:
    from creatives.pipeline import Painter

    paths = sorted(PHOTOS.glob("*.jpg"))[:count]
    profile, cache = get_profile(DEFAULT_PROFILE), MemoryCache()
    segmenter = Segmenter(AUTO)
    ready = [
        prepare(path, BUCKET, cache=cache, buckets=profile.buckets, segmenter=segmenter) for path in paths
    ]
    studio = Studio(Painter(profile, cache=cache))
    shots = [
        Shot(PROMPTS[number % len(PROMPTS)], one.placed, one.edges, seed=number, source=path.stem)
        for number, (path, one) in enumerate(zip(paths, ready, strict=True))
    ]
    found: list[Case] = []
    for label, way in ways.items():
        found += _as_cases(label, shots, studio.paint(shots, way), ready)
    return found


def _as_cases(
    label: str, shots: Sequence[Shot], pictures: Sequence[np.ndarray], ready: Sequence[Prepared]
) -> list[Case]:
    found = []
    for shot, picture, one in zip(shots, pictures, ready, strict=True):
        photo = np.ascontiguousarray(one.placed[..., :3])
        white = np.where(one.placed[..., 3:] > 0, photo, 255).astype(np.uint8)
        found.append(Case(label, shot.source, PAINTED, picture, one.placed, white, shot.alpha))
    return found
