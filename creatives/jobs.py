"""Jobs: take a key, call a service. Running one twice, or for nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from creatives.pipeline.profiles import CheckpointProfile
from creatives.services import comparisons, masks
from creatives.services.painting import paint_bucket
from creatives.services.profiles import painter_of, profile_in_use
from creatives.services.renditions import position_missing, render_missing
from creatives.worker import current_studio


def generate(key: str) -> int:
    """Paint a batch of a bucket ("version:bucket") with the worker's painter."""
    studio = current_studio.get()
    painter = studio.painter  # loaded at its first use, which takes a while:
    studio.on_step()  # the worker may have been asked to stop meanwhile
    return paint_bucket(painter, key, studio.cache, studio.on_step, studio.segmenter)


def render(key: str) -> int:
    """Render the sizes of request ``key`` that were asked for after it was painted."""
    return render_missing(int(key), current_studio.get().cache)


def position(key: str) -> bool:
    """Render the product on white with id ``key``."""
    studio = current_studio.get()
    return position_missing(int(key), studio.cache, studio.segmenter)


def mask(key: str) -> bool:
    """Find the mask of the product picture with id ``key``."""
    studio = current_studio.get()
    return masks.find(int(key), studio.cache, studio.segmenter)


def compare(key: str) -> bool:
    """Paint the comparison entry with id ``key``: with the worker's painter, or one that is let go again."""
    studio = current_studio.get()

    @contextmanager
    def lend(profile: CheckpointProfile) -> Iterator[comparisons.Painter]:
        if profile == profile_in_use():
            yield cast(comparisons.Painter, studio.painter)
            return
        painter = painter_of(profile, studio.cache)
        try:
            yield painter
        finally:
            painter.close()

    return comparisons.paint_entry(int(key), lend, studio.cache, studio.on_step, studio.segmenter)
