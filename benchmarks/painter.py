"""Painting with the shipped checkpoint: against a plain loop over diffusers, by catalogue size, and what is saved.

The plain loop is what a script does with the same folder: the stock pipeline in float32, one picture a call, the prompt as
text each time. Both sides take turns, so that other work on the machine meets both; besides the wall clock the processor's
time is given, which other work moves less. ``--rounds N`` (default 3), ``--photos N`` (default 8).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.__main__ import Result
from creatives.pipeline import (
    DEFAULT_PROFILE,
    MemoryCache,
    Painter,
    PaintJob,
    Prepared,
    Rendition,
    Size,
    bucket_for,
    encode_png,
    get_profile,
    judge,
    paint_job,
    prepare,
    render,
)
from creatives.pipeline.painter import sampling

PHOTOS = Path(__file__).resolve().parent.parent / "creatives" / "demo" / "images"
SIZE = Size(300, 250)
PROMPT = "on an oak wood table in front of a sage green wall, soft daylight"
BATCH = 4
COMMON_SIZES = (
    (300, 250), (336, 280), (250, 250), (728, 90), (970, 90), (970, 250), (468, 60), (320, 50), (160, 600),
    (120, 600), (300, 600), (1200, 628), (1080, 1080), (1080, 1350), (1080, 1920),
)  # fmt: skip
NETWORKS = ("unet", "controlnet", "decoder")


@dataclass
class Took:
    """Seconds of one kind of work, a value a round: by the wall clock, and of all processors."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @contextmanager
    def timed(self, count: int) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.wall.append((time.perf_counter() - wall) / count)
        self.processor.append((time.process_time() - processor) / count)


def run() -> list[Result]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks painter")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=8)
    options, _ = parser.parse_known_args(sys.argv[2:])
    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))[: options.photos]]
    if len(photos) < BATCH:
        raise FileNotFoundError(f"the demo catalogue has {len(photos)} photos; at least {BATCH} are needed")
    painter = Painter(get_profile(DEFAULT_PROFILE), cache=MemoryCache())
    painter.warm()
    profile = painter.profile
    bucket = bucket_for(*SIZE, profile.buckets)
    prepared = [prepare(photo, bucket, cache=painter.cache, buckets=profile.buckets) for photo in photos]
    jobs = [paint_job(item, profile, PROMPT, seed=index) for index, item in enumerate(prepared)]
    return [
        *_against_plain(painter, jobs[:BATCH], options.rounds),
        *_around(painter, photos, jobs),
        *_by_catalogue(painter, photos),
        *_by_sizes(painter),
    ]


def _against_plain(painter: Painter, jobs: list[PaintJob], rounds: int) -> list[Result]:
    plain = _plain_loop(painter)
    single, batch, stock = Took(), Took(), Took()
    painter.paint(jobs)
    plain(jobs[0])
    for _ in range(rounds):
        with single.timed(len(jobs)):
            for job in jobs:
                painter.paint([job])
        with batch.timed(len(jobs)):
            painter.paint(jobs)
        with stock.timed(2):
            for job in jobs[:2]:
                plain(job)
    found: list[Result] = []
    for name, took in (("one at a time", single), (f"in batches of {len(jobs)}", batch)):
        wall, ours = statistics.median(took.wall), statistics.median(took.processor)
        found += [
            {
                "name": f"paint at {jobs[0].bucket}, {name}",
                "value": 1 / wall,
                "unit": "creatives/s",
                "versus": "plain diffusers loop",
                "ratio": statistics.median(stock.wall) / wall,
            },
            {
                "name": f"processor's time of that, {name}",
                "value": ours,
                "unit": "s/creative",
                "versus": "plain diffusers loop",
                "ratio": ours / statistics.median(stock.processor),
            },
        ]
    return found


def _plain_loop(painter: Painter) -> Callable[[PaintJob], object]:
    """A function that paints a job with the stock pipeline of the same folder."""
    import torch
    from diffusers import StableDiffusionControlNetPipeline
    from PIL import Image

    profile = painter.profile
    stock: Any = StableDiffusionControlNetPipeline
    pipe = stock.from_pretrained(str(profile.folder), dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    adapter = profile.ip_adapter
    if adapter is not None:
        pipe.load_ip_adapter(
            str(profile.folder),
            subfolder=adapter.subfolder,
            weight_name=adapter.weight_name,
            image_encoder_folder=adapter.image_encoder,
            local_files_only=True,
        )
        pipe.set_ip_adapter_scale(adapter.scale)

    def paint(job: PaintJob) -> object:
        product = {"ip_adapter_image": Image.fromarray(job.product)} if job.product is not None else {}
        return pipe(
            job.prompt,
            image=Image.fromarray(job.edges).convert("RGB"),
            width=job.bucket.width,
            height=job.bucket.height,
            **sampling(profile),
            guidance_scale=profile.guidance_scale,
            controlnet_conditioning_scale=profile.conditioning_scale,
            generator=torch.Generator("cpu").manual_seed(job.seed),
            **product,
        )

    return paint


def _around(painter: Painter, photos: list[bytes], jobs: list[PaintJob]) -> list[Result]:
    """What a warm worker spends on a creative of a known photo outside the networks."""
    profile, cache, batch = painter.profile, painter.cache, jobs[:BATCH]
    inside = _time_networks(painter.pipe)
    started = time.process_time()
    pictures = painter.paint(batch)
    painting = time.process_time() - started
    networks = sum(inside.values())
    known = []
    started = time.process_time()
    for photo, picture in zip(photos, pictures, strict=False):
        ready = prepare(photo, batch[0].bucket, cache=cache, buckets=profile.buckets)
        job = paint_job(ready, profile, PROMPT)
        whole = render(ready, picture, ready.bucket)
        known.append((ready, picture, whole.final))
        _encoded(ready, job, picture, whole)
    others = time.process_time() - started
    judged = time.process_time()
    for ready, picture, composed in known:
        judge(ready, picture, composed)
    gate = time.process_time() - judged
    return [
        {
            "name": "painting outside the networks, processor's time",
            "value": (painting - networks) / len(batch) * 1000,
            "unit": "ms/creative",
            "versus": "UNet, ControlNet and VAE",
            "ratio": (painting - networks) / networks,
        },
        {
            "name": f"all other steps at {SIZE}, known photo, PNGs too",
            "value": others / len(batch) * 1000,
            "unit": "ms/creative",
            "versus": "UNet, ControlNet and VAE",
            "ratio": others / networks,
        },
        {
            "name": "the quality gate",
            "value": gate / len(batch) * 1000,
            "unit": "ms/creative",
            "versus": "UNet, ControlNet and VAE",
            "ratio": gate / networks,
        },
    ]


def _encoded(ready: Prepared, job: PaintJob, picture: Any, whole: Rendition) -> list[bytes]:
    """The files that a worker stores for a creative with one exact size; whole: the one at the bucket's size."""
    exact = render(ready, picture, SIZE, setting=whole.setting).final
    return [
        *ready.pngs(job.edges).values(),
        *(encode_png(pixels) for pixels in (picture, whole.final, exact)),
    ]


def _time_networks(pipe: Any) -> dict[str, float]:
    """Seconds of the processors inside each network, added up from now on."""
    spent = dict.fromkeys(NETWORKS, 0.0)
    modules = {"unet": pipe.unet, "controlnet": pipe.controlnet, "decoder": pipe.vae.decoder}
    for name, module in modules.items():
        began: list[float] = []

        def before(*_: Any, began: list[float] = began) -> None:
            began.append(time.process_time())

        def after(*_: Any, name: str = name, began: list[float] = began) -> None:
            spent[name] += time.process_time() - began.pop()

        module.register_forward_pre_hook(before)
        module.register_forward_hook(after)
    return spent


def _by_catalogue(painter: Painter, photos: list[bytes]) -> list[Result]:
    """All five steps from photos never seen, one prompt and size each; then another prompt for the same photos."""
    found: list[Result] = []
    first = 0.0
    for count in (BATCH, len(photos)):
        fresh = Took()
        cache = MemoryCache()
        with fresh.timed(count):
            _creatives(painter, photos[:count], PROMPT, cache)
        first = first or fresh.processor[0]
        found.append(
            {
                "name": f"a catalogue of {count} new photos, five steps, processor's time",
                "value": fresh.processor[0],
                "unit": "s/creative",
                "versus": f"a catalogue of {BATCH}",
                "ratio": fresh.processor[0] / first,
            }
        )
    again = Took()
    with again.timed(len(photos)):
        _creatives(painter, photos, "on a marble top, morning light", cache)
    found.append(
        {
            "name": "the same photos with another prompt, processor's time",
            "value": again.processor[0],
            "unit": "s/creative",
            "versus": "new photos",
            "ratio": again.processor[0] / fresh.processor[0],
        }
    )
    return found


def _creatives(painter: Painter, photos: list[bytes], prompt: str, cache: MemoryCache) -> None:
    profile = painter.profile
    bucket = bucket_for(*SIZE, profile.buckets)
    for start in range(0, len(photos), BATCH):
        ready = [
            prepare(photo, bucket, cache=cache, buckets=profile.buckets)
            for photo in photos[start : start + BATCH]
        ]
        jobs = [paint_job(item, profile, prompt) for item in ready]
        for item, job, picture in zip(ready, jobs, painter.paint(jobs), strict=True):
            whole = render(item, picture, item.bucket)
            judge(item, picture, whole.final)
            _encoded(item, job, picture, whole)


def _by_sizes(painter: Painter) -> list[Result]:
    """Generations for the common sizes of the IAB and of social networks: counted, not timed."""
    buckets = {bucket_for(*size, painter.profile.buckets) for size in COMMON_SIZES}
    pixels = sum(bucket.width * bucket.height for bucket in buckets)
    each = [bucket_for(*size, painter.profile.buckets) for size in COMMON_SIZES]
    return [
        {
            "name": f"generations for {len(COMMON_SIZES)} common sizes",
            "value": len(buckets),
            "unit": "generations",
            "versus": "one per size",
            "ratio": len(buckets) / len(COMMON_SIZES),
        },
        {
            "name": "pixels painted for them",
            "value": pixels / 1e6,
            "unit": "megapixels",
            "versus": "one generation per size",
            "ratio": pixels / sum(bucket.width * bucket.height for bucket in each),
        },
    ]
