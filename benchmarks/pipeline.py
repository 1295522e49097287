"""The pipeline on the demo photos: steps 1 to 3 and 5 alone, painting in a batch against one at a time.

What everything but the checkpoint costs is given as a share of painting; what caches and buckets save for the
common ad sizes is counted, not timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.__main__ import Result
from creatives.pipeline import (
    DEFAULT_PROFILE,
    MemoryCache,
    Painter,
    PaintJob,
    Prepared,
    Size,
    bucket_for,
    get_profile,
    prepare,
    render,
)

PHOTOS = Path(__file__).resolve().parent.parent / "creatives" / "demo" / "images"
BUCKET = Size(256, 256)
SIZE = Size(1080, 1080)
PROMPT = "on an oak wood table in front of a sage green wall, soft daylight"
COMMON_SIZES = (
    (300, 250), (336, 280), (250, 250), (728, 90), (970, 90), (970, 250), (468, 60), (320, 50), (160, 600),
    (120, 600), (300, 600), (1200, 628), (1080, 1080), (1080, 1350), (1080, 1920),
)  # fmt: skip


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Median of the rounds, after one that is not counted."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def run() -> list[Result]:
    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))[:4]]
    if not photos:
        raise FileNotFoundError("the demo catalogue has no photos")
    prepared = [prepare(photo, BUCKET) for photo in photos]
    return [*_around(photos, prepared), *_painting(prepared), _saved_by_buckets()]


def _around(photos: list[bytes], prepared: list[Prepared]) -> list[Result]:
    cache = MemoryCache()
    fresh = seconds(lambda: [prepare(photo, BUCKET) for photo in photos], 1) / len(photos)
    cached = seconds(lambda: [prepare(photo, BUCKET, cache=cache) for photo in photos]) / len(photos)
    painting = np.random.default_rng(0).integers(0, 256, (BUCKET.height, BUCKET.width, 3), np.uint8)
    rendered = seconds(lambda: render(prepared[0], painting, SIZE))
    return [
        {"name": "mask, place, edges: a new photo", "value": fresh * 1000, "unit": "ms"},
        {
            "name": "mask, place, edges: a photo seen before",
            "value": cached * 1000,
            "unit": "ms",
            "versus": "a new photo",
            "ratio": cached / fresh,
        },
        {"name": f"render at {SIZE}", "value": rendered * 1000, "unit": "ms"},
    ]


def _painting(prepared: list[Prepared]) -> list[Result]:
    profile = get_profile(DEFAULT_PROFILE)
    if profile.missing:
        raise FileNotFoundError(profile.missing)
    painter = Painter(profile)
    jobs = [PaintJob(item.edges, PROMPT, seed=index) for index, item in enumerate(prepared)]
    single = seconds(lambda: [painter.paint([job]) for job in jobs], 2) / len(jobs)
    batch = seconds(lambda: painter.paint(jobs), 2) / len(jobs)
    plain = seconds(lambda: _plain(painter, jobs), 2) / len(jobs)
    return [
        {
            "name": "paint, one at a time",
            "value": 1 / single,
            "unit": "creatives/s",
            "versus": "plain diffusers loop",
            "ratio": plain / single,
        },
        {
            "name": f"paint, a batch of {len(jobs)}",
            "value": 1 / batch,
            "unit": "creatives/s",
            "versus": "plain diffusers loop",
            "ratio": plain / batch,
        },
    ]


def _plain(painter: Painter, jobs: list[PaintJob]) -> None:
    """What a script over the diffusers pipeline would do with the same checkpoint."""
    import torch
    from PIL import Image

    pipe, profile = painter.pipe, painter.profile
    for job in jobs:
        pipe(
            job.prompt,
            image=Image.fromarray(job.edges).convert("RGB"),
            width=job.bucket.width,
            height=job.bucket.height,
            num_inference_steps=profile.steps,
            guidance_scale=profile.guidance_scale,
            controlnet_conditioning_scale=profile.conditioning_scale,
            generator=torch.Generator("cpu").manual_seed(job.seed),
        )


def _saved_by_buckets() -> Result:
    buckets = {bucket_for(*size) for size in COMMON_SIZES}
    return {
        "name": f"generations for {len(COMMON_SIZES)} common sizes",
        "value": len(buckets),
        "unit": "generations",
        "versus": "one per size",
        "ratio": len(buckets) / len(COMMON_SIZES),
    }
