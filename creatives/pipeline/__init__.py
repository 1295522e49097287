"""The five steps from a product photo to a creative: arrays in, arrays out, no Django.

Names are loaded when first used, so importing this package pulls in neither torch nor OpenCV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .buckets import BUCKETS, Size, bucket_for, checked_size
    from .cache import FolderCache, MemoryCache, StageCache
    from .cutout import Cutout
    from .image_io import ImageError, Limits, SourceImage, encode_jpeg, encode_png, encode_webp, open_image
    from .layout import Layout
    from .light import Light, light_for
    from .painter import Painter, PaintJob, paint, paint_job
    from .profiles import (
        DEFAULT_PROFILE,
        CheckpointError,
        CheckpointProfile,
        ProfileError,
        get_profile,
        profile_names,
    )
    from .quality import Quality
    from .run import CreativeResult, make_creative
    from .runtime import Runtime
    from .segmenter import Segmenter
    from .stages import Prepared, Rendition, judge, positioned, prepare, render
    from .version import PIPELINE_VERSION, pipeline_version

_HOME = {
    "buckets": ("BUCKETS", "Size", "bucket_for", "checked_size"),
    "cache": ("FolderCache", "MemoryCache", "StageCache"),
    "cutout": ("Cutout",),
    "image_io": (
        "ImageError",
        "Limits",
        "SourceImage",
        "encode_jpeg",
        "encode_png",
        "encode_webp",
        "open_image",
    ),
    "layout": ("Layout",),
    "light": ("Light", "light_for"),
    "painter": ("PaintJob", "Painter", "paint", "paint_job"),
    "profiles": (
        "DEFAULT_PROFILE",
        "CheckpointError",
        "CheckpointProfile",
        "ProfileError",
        "get_profile",
        "profile_names",
    ),
    "quality": ("Quality",),
    "runtime": ("Runtime",),
    "segmenter": ("Segmenter",),
    "run": ("CreativeResult", "make_creative"),
    "stages": ("Prepared", "Rendition", "judge", "positioned", "prepare", "render"),
    "version": ("PIPELINE_VERSION", "pipeline_version"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [  # noqa: RUF022 - grouped as above
    "BUCKETS", "Size", "bucket_for", "checked_size",
    "FolderCache", "MemoryCache", "StageCache",
    "Cutout",
    "ImageError", "Limits", "SourceImage", "encode_jpeg", "encode_png", "encode_webp", "open_image",
    "Layout",
    "Light", "light_for",
    "PaintJob", "Painter", "paint", "paint_job",
    "DEFAULT_PROFILE", "CheckpointError", "CheckpointProfile", "ProfileError", "get_profile", "profile_names",
    "Quality",
    "Runtime",
    "Segmenter",
    "CreativeResult", "make_creative",
    "Prepared", "Rendition", "judge", "positioned", "prepare", "render",
    "PIPELINE_VERSION", "pipeline_version",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
