"""Painting workers that share one machine: creatives a second of one, and of several beside each other, each warm.

``python -m benchmarks workers``. Every worker is a process with a checkpoint of its own, as `manage.py work generate` is;
all begin at the same moment, and the clock stops when the last one is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, NamedTuple

from benchmarks.__main__ import Result

PHOTOS = Path(__file__).resolve().parent.parent / "creatives" / "demo" / "images"
PROMPT = "on an oak wood table in front of a sage green wall, soft daylight"
SIZE = (300, 250)
COUNT, MOST = 16, 4
"""Creatives of one measurement, of as many different photos, shared by its workers; and how many these are at most."""


class Crew(NamedTuple):
    """Workers of one measurement. threads: of each; 0 leaves it to torch, which takes all cores."""

    workers: int
    threads: int

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}" if self.threads else "threads by torch"
        return f"{self.workers} worker{'s' * (self.workers != 1)}, {threads}" + " each" * (self.workers > 1)


def run() -> list[Result]:
    """One worker as it comes is what the others are compared with."""
    cores = len(os.sched_getaffinity(0))
    several = min(cores, MOST)
    alone = Crew(1, 0)
    crews = dict.fromkeys([alone, Crew(1, 1), Crew(several, 1), Crew(several, 0)])
    rates = {crew: _rate(crew) for crew in crews}
    return [
        {
            "name": f"{crew}, {cores} cores",
            "value": rate,
            "unit": "creatives/s",
            "versus": None if crew == alone else f"{alone}, {rates[alone]:.3g}",
            "ratio": None if crew == alone else rate / rates[alone],
        }
        for crew, rate in rates.items()
    ]


def _rate(crew: Crew) -> float:
    """Creatives a second by the clock. Raises RuntimeError when a worker dies."""
    share = COUNT // crew.workers
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.workers", *map(str, (number * share, share, crew.threads))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(crew.workers)
    ]
    try:
        for worker in crowd:
            _hear(worker.stdout, "ready")
        started = time.perf_counter()
        for worker in crowd:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in crowd:
            _hear(worker.stdout, "done")
        return share * crew.workers / (time.perf_counter() - started)
    finally:
        for worker in crowd:
            worker.kill()
            worker.wait()


def _hear(output: IO[str] | None, word: str) -> None:
    assert output
    for line in output:
        if line.strip() == word:
            return
    raise RuntimeError(f"a worker died before it was {word}")


def work(first: int, count: int, threads: int) -> None:
    """One worker: says that it is ready, waits for a line, makes creatives of ``count`` photos from the ``first`` on."""
    from creatives.pipeline import DEFAULT_PROFILE, Painter, make_creative
    from creatives.pipeline.runtime import Runtime

    painter = Painter(DEFAULT_PROFILE, runtime=Runtime(threads=threads))
    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    make_creative(photos[-1], PROMPT, SIZE, seed=0, painter=painter)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(first, first + count):
        make_creative(photos[number % len(photos)], PROMPT, SIZE, seed=number, painter=painter)
    print("done", flush=True)


if __name__ == "__main__":
    work(*map(int, sys.argv[1:]))
