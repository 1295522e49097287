"""Painting until the quality gate lets a picture pass: what fails is painted again, then a person looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from rq.timeouts import JobTimeoutException

from creatives.models import CreativeRequest
from creatives.pipeline import Light, PaintJob, Prepared, Quality, Rendition, judge, render
from creatives.pipeline.painter import control_edges
from creatives.pipeline.profiles import CheckpointProfile
from creatives.pipeline.quality import FAILED
from creatives.services.generation import MAX_SEED
from creatives.services.leases import Claim

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Work:
    """A claim that is ready to be painted."""

    claim: Claim
    prepared: Prepared
    light: Light
    mask_revision: int
    job: PaintJob


@dataclass(frozen=True)
class Attempt:
    """One painting with its verdict. whole: the creative at the bucket's size, which was judged; discarded: what is kept of
    those that the gate failed before or besides.
    """

    work: Work
    generated: U8
    whole: Rendition
    quality: Quality
    is_unsafe: bool
    discarded: tuple[dict[str, Any], ...] = ()

    @property
    def trace(self) -> dict[str, Any]:
        """What a creative's record keeps of an attempt that was discarded."""
        return {
            "seed": self.work.job.seed,
            "risk": self.quality.risk,
            "reasons": list(self.quality.reasons),
        }


Outcome = tuple[Work, U8 | Exception]
Paint = Callable[[Sequence[Work]], Iterator[Outcome]]


def seed_of_next(request: CreativeRequest) -> int:
    """A seed that the request was not painted with yet: its own first, then one more for every attempt."""
    records = request.creatives.values_list("record", flat=True)
    tried = sum(1 + len(record.get("discarded", ())) for record in records)
    return (request.seed + tried) & MAX_SEED


def passable(
    profile: CheckpointProfile,
    works: Sequence[Work],
    paint: Paint,
    unsafe: Callable[[Sequence[U8]], list[bool]],
) -> Iterator[tuple[Work, Attempt | Exception]]:
    """Paint the works, and those that the gate fails again, in batches, at most ``GATE_REPAINTS`` times each.

    Of a work that never passes the least bad attempt is given, a safe one first. An error of `paint` ends a work, unless
    an earlier attempt can stand for it.
    """
    attempts: dict[int, list[Attempt]] = {}
    for repaints_left in range(settings.GATE_REPAINTS, -1, -1):
        failed = []
        for work, outcome in paint(works):
            known = attempts.setdefault(work.claim.request.pk, [])
            if isinstance(outcome, Exception):
                yield work, _least_bad(known) if known else outcome
                continue
            try:
                known.append(_judged(profile, work, outcome, unsafe))
            except JobTimeoutException:
                raise
            except Exception as error:  # of this work alone: the others go on
                yield work, _least_bad(known) if known else error
                continue
            if known[-1].quality.verdict == FAILED and repaints_left:
                failed.append(_with_next_seed(profile, work))
            else:
                yield work, _least_bad(known)
        if not failed:
            return
        works = failed


def _judged(
    profile: CheckpointProfile, work: Work, generated: U8, unsafe: Callable[[Sequence[U8]], list[bool]]
) -> Attempt:
    flagged = unsafe([generated])[0]
    whole = render(work.prepared, generated, work.prepared.bucket, work.light)
    quality = judge(
        work.prepared, generated, whole.final, unsafe=flagged, light=work.light, limits=profile.limits
    )
    return Attempt(work, generated, whole, quality, flagged)


def _least_bad(attempts: Sequence[Attempt]) -> Attempt:
    best = min(attempts, key=lambda one: (one.quality.verdict == FAILED, one.is_unsafe, one.quality.risk))
    return replace(best, discarded=tuple(one.trace for one in attempts if one is not best))


def _with_next_seed(profile: CheckpointProfile, work: Work) -> Work:
    job, prepared, seed = work.job, work.prepared, (work.job.seed + 1) & MAX_SEED
    edges = control_edges(
        profile, prepared.edges, prepared.placed, job.prompt, seed, stands=work.light.shadow > 0
    )
    return replace(work, job=replace(job, seed=seed, edges=edges))
