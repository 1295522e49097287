"""One side of `benchmarks.creatives`, in a process of its own: ``python -m benchmarks._creatives ours|plain``.

Prints one line of JSON, a `Run`.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.creatives import SIZES, SMALL, Run, Timing
from creatives.pipeline import (
    DEFAULT_PROFILE,
    CheckpointProfile,
    Painter,
    Size,
    bucket_for,
    get_profile,
    make_creative,
    prepare,
)
from creatives.pipeline.painter import sampling

PHOTOS = Path(__file__).resolve().parent.parent / "creatives" / "demo" / "images"
PROMPT = "on an oak wood table in front of a sage green wall, soft daylight"
ROUNDS = 3


def peak_megabytes() -> float:
    """Peak resident memory of this process in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if (
        status.exists()
    ):  # getrusage would also count what the parent had resident when it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def ours(profile: CheckpointProfile, photos: list[bytes]) -> Run:
    """`make_creative` with a warm painter: every call cuts its photo out anew."""
    painter = Painter(profile)
    painter.warm()

    def creative(photo: bytes, size: Size, seed: int) -> tuple[float, float]:
        started = time.perf_counter()
        made = make_creative(photo, PROMPT, size, seed=seed, painter=painter)
        return time.perf_counter() - started, made.record["milliseconds"]["generated"] / 1000

    return _over_sizes(profile, photos, creative)


def plain(profile: CheckpointProfile, photos: list[bytes]) -> Run:
    """What a script over the stock pipeline does with the same folder: float32, one picture a call, painting alone."""
    import torch
    from diffusers import ControlNetModel, StableDiffusionControlNetPipeline
    from PIL import Image

    folder = str(profile.folder)
    control: Any = ControlNetModel
    pipeline: Any = StableDiffusionControlNetPipeline
    full = torch.float32
    edges_net = control.from_pretrained(f"{folder}/controlnet", dtype=full)
    pipe = pipeline.from_pretrained(folder, controlnet=edges_net, safety_checker=None, dtype=full)
    pipe.set_progress_bar_config(disable=True)

    def creative(photo: bytes, size: Size, seed: int) -> tuple[float, float]:
        bucket = bucket_for(*size, profile.buckets)
        edges = prepare(photo, bucket, buckets=profile.buckets).edges
        started = time.perf_counter()
        pipe(
            PROMPT,
            image=Image.fromarray(edges).convert("RGB"),
            width=bucket.width,
            height=bucket.height,
            **sampling(profile),
            guidance_scale=profile.guidance_scale,
            controlnet_conditioning_scale=profile.conditioning_scale,
            generator=torch.Generator("cpu").manual_seed(seed),
        )
        seconds = time.perf_counter() - started
        return seconds, seconds

    return _over_sizes(profile, photos, creative)


def _over_sizes(profile: CheckpointProfile, photos: list[bytes], creative: Any) -> Run:
    timings: list[Timing] = []
    small = 0.0
    for number, pair in enumerate(SIZES):
        size = Size(*pair)
        measured = [creative(photos[k % len(photos)], size, k) for k in range(ROUNDS + 1)][1:]
        whole, painting = (statistics.median(values) for values in zip(*measured, strict=True))
        bucket = bucket_for(*size, profile.buckets)
        timings.append({"size": str(size), "bucket": str(bucket), "whole": whole, "painting": painting})
        if number + 1 == SMALL:
            small = peak_megabytes()
    return {"timings": timings, "megabytes": (small, peak_megabytes())}


def main(side: str) -> None:
    """Measure one side and print its `Run`. Raises FileNotFoundError without photos or checkpoint."""
    profile = get_profile(DEFAULT_PROFILE)
    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))[: ROUNDS + 1]]
    if not photos or profile.missing:
        raise FileNotFoundError(profile.missing or "the demo catalogue has no photos")
    print(json.dumps({"ours": ours, "plain": plain}[side](profile, photos)))


if __name__ == "__main__":
    main(sys.argv[1])
