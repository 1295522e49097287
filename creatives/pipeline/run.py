"""One creative from end to end: five steps, their pictures, and a record of how it came about."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buckets import bucket_for, checked_size
from .cache import StageCache
from .cutout import Picture
from .layout import Layout
from .light import light_for
from .painter import Painter, PaintJob, paint_job
from .profiles import DEFAULT_PROFILE, get_profile
from .quality import Quality
from .segmenter import Segmenter
from .stages import Prepared, Rendition, judge, prepare, render
from .version import pipeline_version

U8 = NDArray[np.uint8]

STEP_NAMES = ("1_mask", "2_placed", "3_edges", "4_generated", "5_final")


@dataclass(frozen=True)
class CreativeResult:
    """final: uint8 (H, W, 3) of the size asked for; steps: a picture per name of STEP_NAMES; record: JSON-able."""

    final: U8
    steps: dict[str, U8]
    record: dict[str, Any]


def make_creative(
    image: Picture,
    prompt: str,
    size: tuple[int, int],
    profile: str | None = None,
    seed: int = 0,
    layout: Layout | str | None = None,
    negative_prompt: str = "",
    painter: Painter | None = None,
    cache: StageCache | None = None,
    segmenter: Segmenter | None = None,
    matte: bytes | None = None,
) -> CreativeResult:
    """Photo in, creative out. size: (width, height) in pixels; seed: 0..2**63 - 1, the same seed paints the same.

    A `painter` keeps its checkpoint between calls; without one the profile (default: studio-tiny) is loaded for
    this call. `segmenter` brings a network for cluttered photos, `matte` a mask made by hand (see `cut_out`).
    Raises ImageError for the photo or the matte, ProfileError or ValueError for the other arguments, CheckpointError when
    the profile's checkpoint is not here.
    """
    painter = painter or Painter(get_profile(profile or DEFAULT_PROFILE), cache=cache)
    if profile is not None and painter.profile.name != profile:
        raise ValueError(f"profile is {profile!r}, but the painter's is {painter.profile.name!r}")
    exact = checked_size(*size)
    chosen = Layout.parse(layout) if isinstance(layout, str) else layout or Layout()
    settings = painter.profile
    bucket = bucket_for(exact.width, exact.height, settings.buckets)
    prepared = prepare(
        image, bucket, chosen, cache=cache, buckets=settings.buckets, contour=settings.contour,
        segmenter=segmenter, matte=matte,
    )  # fmt: skip
    light = light_for(settings, prompt, chosen)
    job = paint_job(prepared, settings, prompt, negative_prompt, seed, light)
    painter.warm()
    started = time.perf_counter()
    generated = painter.paint([job])[0]
    painted = time.perf_counter()
    rendition = render(prepared, generated, exact, light)
    finished = time.perf_counter()
    took = {"generated": round((painted - started) * 1000, 2), "final": round((finished - painted) * 1000, 2)}
    pictures = (prepared.mask, rendition.placed, job.edges, generated, rendition.final)
    record = _record(
        painter,
        job,
        prepared,
        rendition,
        judge(
            prepared,
            generated,
            rendition.final if exact == bucket else None,
            unsafe=painter.unsafe([generated])[0],
            light=light,
            limits=settings.limits,
        ),
        took,
    )
    return CreativeResult(rendition.final, dict(zip(STEP_NAMES, pictures, strict=True)), record)


def _record(
    painter: Painter,
    job: PaintJob,
    prepared: Prepared,
    rendition: Rendition,
    quality: Quality,
    took: dict[str, float],
) -> dict[str, Any]:
    height, width = rendition.final.shape[:2]
    return {
        "seed": job.seed,
        "profile": painter.profile.name,
        "pipeline_version": pipeline_version(painter.profile),
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "size": [width, height],
        "bucket": str(prepared.bucket),
        "layout": prepared.layout.key,
        "box": list(rendition.box),
        "cut": prepared.cut,
        "enlargement": rendition.enlargement,
        "image_sha256": prepared.cutout.sha256,
        "mask": {"method": prepared.cutout.method, "confidence": prepared.cutout.confidence},
        "milliseconds": prepared.milliseconds | took,
        "quality": quality.facts,
        "verdict": quality.verdict,
        "reasons": list(quality.reasons),
        "warnings": list(rendition.warnings),
    }
