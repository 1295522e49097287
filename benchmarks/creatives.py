"""Seconds per creative by bucket, all five steps with the model warm, and the peak memory of the process that makes them.

Each side runs in a process of its own, so that neither's memory counts for the other: ours is `make_creative` with a
warm painter and no cache, the other a plain loop over the stock diffusers pipeline with the same folder and settings,
which only paints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TypedDict

from benchmarks.__main__ import Result

SIZES = ((250, 250), (300, 250), (300, 600), (970, 250), (1200, 628), (1080, 1080), (1080, 1350))
"""Common sizes, one or two for each bucket that they fall into."""
SMALL = 3
"""The first of them are painted in the 256-pixel class; memory is read after these and after all."""
GOAL_SECONDS, GOAL_MEGABYTES = 1.5, 1500.0


class Timing(TypedDict):
    """Median seconds at one size: of the whole creative, and of its painting."""

    size: str
    bucket: str
    whole: float
    painting: float


class Run(TypedDict):
    """What a process measured. megabytes: its peak resident memory after the small sizes and after all."""

    timings: list[Timing]
    megabytes: tuple[float, float]


def run() -> list[Result]:
    """Both processes, one after the other."""
    ours, plain = _measured("ours"), _measured("plain")
    results: list[Result] = []
    for mine, other in zip(ours["timings"], plain["timings"], strict=True):
        goal = f" (goal {GOAL_SECONDS} s)" if mine["bucket"] == "256x256" else ""
        results.append(
            {
                "name": f"creative {mine['size']}, bucket {mine['bucket']}{goal}",
                "value": mine["whole"],
                "unit": "s",
            }
        )
        results.append(
            {
                "name": f"of that, painting {mine['bucket']}",
                "value": mine["painting"],
                "unit": "s",
                "versus": f"plain diffusers, {other['painting']:.3g} s",
                "ratio": mine["painting"] / other["painting"],
            }
        )
    for name, mine_mb, other_mb in (
        (
            f"peak memory, 256-pixel class (goal {GOAL_MEGABYTES:.0f} MB)",
            ours["megabytes"][0],
            plain["megabytes"][0],
        ),
        ("peak memory, all sizes", ours["megabytes"][1], plain["megabytes"][1]),
    ):
        results.append(
            {
                "name": name,
                "value": mine_mb,
                "unit": "MB",
                "versus": f"plain diffusers, {other_mb:.0f} MB",
                "ratio": mine_mb / other_mb,
            }
        )
    return results


def _measured(side: str) -> Run:
    command = [sys.executable, "-m", "benchmarks._creatives", side]
    finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=3600)
    if finished.returncode:
        raise RuntimeError(finished.stderr.strip().splitlines()[-1] if finished.stderr.strip() else "it died")
    measured: Run = json.loads(finished.stdout.splitlines()[-1])
    return measured
