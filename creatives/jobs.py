"""Jobs: take a key, call a service. Running one twice, or for nothing, changes nothing."""

from __future__ import annotations

from creatives.services import masks
from creatives.services.painting import paint_bucket
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
