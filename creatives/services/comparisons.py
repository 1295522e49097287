"""Comparing checkpoint profiles: asking for pictures, and painting one profile's in a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from rq.timeouts import JobTimeoutException

from creatives.models import ComparisonEntry, Merchant, ProfileComparison, PromptTrial, User
from creatives.outbox import wake
from creatives.pipeline import (
    CheckpointError,
    ImageError,
    Layout,
    ProfileError,
    Segmenter,
    StageCache,
    bucket_for,
    judge,
    light_for,
    paint_job,
    prepare,
    render,
)
from creatives.pipeline.profiles import CheckpointProfile
from creatives.pipeline.provenance import SourceType
from creatives.pipeline.version import pipeline_version
from creatives.services import masks
from creatives.services.files import store
from creatives.services.leases import in_seconds
from creatives.services.painting import Painter as PaintingPainter
from creatives.services.photos import PhotoMissingError, photo_of
from creatives.services.profiles import find_profile
from creatives.services.provenance import credentials_in_use, finished, provenance_of

log = structlog.get_logger("comparisons")

JOB = "compare"
MAX_ATTEMPTS = 2
LEASE_MARGIN_SECONDS = 60
"""A claim holds for as long as a job may run, and this longer."""

HOPELESS = (CheckpointError, ImageError, PhotoMissingError, ProfileError, ValueError)
"""Errors that another attempt would only meet again; their texts are written for people."""


class ComparisonError(ValueError):
    """A comparison that cannot be made; the message names the profile or field and the limit."""


class Painter(PaintingPainter, Protocol):
    """A painter that can be loaded ahead, says what it takes, and gives it back."""

    def warm(self) -> None: ...

    def footprint(self) -> dict[str, Any]: ...


LoadPainter = Callable[[CheckpointProfile], AbstractContextManager[Painter]]
"""Lends a painter of a profile for as long as the context lasts."""


@dataclass(frozen=True)
class Subject:
    """What every profile paints; size is (width, height) in pixels."""

    image_sha256: str
    prompt: str
    size: tuple[int, int]
    negative_prompt: str = ""
    seed: int = 0
    layout: str = Layout().key


def start_comparison(
    merchant: Merchant,
    subject: Subject,
    names: Sequence[str],
    user: User | None = None,
    *,
    trial: PromptTrial | None = None,
    is_in_use: bool = False,
) -> ProfileComparison:
    """Ask for a picture of each profile; each is a job of its own. Raises ComparisonError, with nothing written.

    ``trial`` and ``is_in_use``: the picture belongs to the trial of a prompt, and shows the text in use.
    """
    profiles = [_usable(name, subject.size) for name in dict.fromkeys(names)]
    if not profiles:
        raise ComparisonError("no profile was chosen")
    with transaction.atomic():
        made = ProfileComparison.objects.create(
            merchant=merchant,
            image_sha256=subject.image_sha256,
            prompt=subject.prompt,
            negative_prompt=subject.negative_prompt,
            seed=subject.seed,
            width=subject.size[0],
            height=subject.size[1],
            layout=subject.layout,
            trial=trial,
            is_in_use=is_in_use,
            created_by=user,
        )
        entries = ComparisonEntry.objects.bulk_create(
            ComparisonEntry(
                comparison=made,
                profile=profile.name,
                pipeline_version=pipeline_version(profile),
                steps=profile.steps,
            )
            for profile in profiles
        )
        wake(JOB, [str(entry.pk) for entry in entries])
    return made


def _usable(name: str, size: tuple[int, int]) -> CheckpointProfile:
    try:
        profile = find_profile(name)
        bucket_for(*size, profile.buckets)
    except ValueError as error:  # ProfileError is one
        raise ComparisonError(f"{name}: {error}") from error
    if profile.missing:
        raise ComparisonError(profile.missing)
    return profile


def paint_entry(
    pk: int,
    load: LoadPainter,
    cache: StageCache | None = None,
    on_step: Callable[[], None] | None = None,
    segmenter: Segmenter | None = None,
) -> bool:
    """Claim an entry and paint it; whether a picture came of it. Running it twice at a time changes nothing.

    When ``on_step`` leaves by an exception that is no Exception (the worker is asked to stop), it is given back untried.
    """
    entry = _claim(pk)
    if entry is None:
        return False
    try:
        _finish(entry, **_painted(entry, load, cache, on_step, segmenter))
    except JobTimeoutException:
        _give_up(entry, "it took longer than a job may", for_good=True)
        raise
    except Exception as error:
        hopeless = isinstance(error, HOPELESS)
        log.warning("comparison failed", entry=pk, profile=entry.profile, error=repr(error))
        _give_up(entry, str(error) if hopeless else f"{type(error).__name__}: {error}", for_good=hopeless)
        return False
    except BaseException:
        _held(entry).update(status="queued", attempts=F("attempts") - 1, due_at=Now(), step=0)
        raise
    return True


def _claim(pk: int) -> ComparisonEntry | None:
    """The entry, if it is due and open; one whose workers have died too often fails here."""
    lease = settings.RQ_QUEUES["generate"]["DEFAULT_TIMEOUT"] + LEASE_MARGIN_SECONDS
    with transaction.atomic():
        due = ComparisonEntry.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            pk=pk, status__in=ComparisonEntry.OPEN, due_at__lte=Now()
        )
        entry = due.select_related("comparison").first()
        if entry is None:
            return None
        if entry.attempts >= MAX_ATTEMPTS:
            _give_up(entry, "its worker stopped answering", for_good=True)
            return None
        entry.attempts += 1
        entry.status, entry.step, entry.error = ComparisonEntry.Status.RUNNING, 0, ""
        ComparisonEntry.objects.filter(pk=pk).update(
            attempts=entry.attempts, status=entry.status, step=0, error="", due_at=in_seconds(lease)
        )
    return entry


def _held(entry: ComparisonEntry) -> Any:
    """The entry's row, as long as our claim is its latest."""
    return ComparisonEntry.objects.filter(
        pk=entry.pk, attempts=entry.attempts, status__in=ComparisonEntry.OPEN
    )


def _painted(
    entry: ComparisonEntry,
    load: LoadPainter,
    cache: StageCache | None,
    on_step: Callable[[], None] | None,
    segmenter: Segmenter | None,
) -> dict[str, Any]:
    """The fields of a finished entry."""
    credentials_in_use()  # what cannot be signed is not painted either
    wanted, profile = entry.comparison, find_profile(entry.profile)
    by_hand = masks.hand_made(wanted.merchant_id, wanted.image_sha256)
    bucket = bucket_for(wanted.width, wanted.height, profile.buckets)
    prepared = prepare(
        photo_of(wanted.merchant_id, wanted.image_sha256),
        bucket,
        Layout.parse(wanted.layout),
        cache=cache,
        buckets=profile.buckets,
        contour=profile.contour,
        segmenter=segmenter,
        matte=by_hand.matte if by_hand else None,
    )
    light = light_for(profile, wanted.prompt, prepared.layout)
    job = paint_job(prepared, profile, wanted.prompt, wanted.negative_prompt, wanted.seed, light)
    started = time.perf_counter()
    with load(profile) as painter:
        painter.warm()
        loaded = time.perf_counter()
        generated = painter.paint([job], _progress(entry, on_step))[0]
        painted = time.perf_counter()
        unsafe, footprint = painter.unsafe([generated])[0], painter.footprint()
    quality = judge(prepared, generated, unsafe=unsafe, light=light, limits=profile.limits)
    final = render(prepared, generated, (wanted.width, wanted.height), light).final
    facts = footprint | {
        "bucket": str(bucket),
        "load_ms": round((loaded - started) * 1000),
        "paint_ms": round((painted - loaded) * 1000),
        "verdict": quality.verdict,
        "reasons": list(quality.reasons),
    }
    made_by, seed = pipeline_version(profile), wanted.seed
    of_kind = {kind: provenance_of(kind, profile.name, made_by, None, seed) for kind in SourceType}
    return {
        "final": store(finished(final, of_kind[SourceType.COMPOSITE])),
        "generated": store(finished(generated, of_kind[SourceType.PAINTED])),
        "facts": facts,
        "pipeline_version": made_by,
        "step": entry.steps,
    }


def _progress(entry: ComparisonEntry, on_step: Callable[[], None] | None) -> Callable[[], None]:
    """What the sampler calls between its steps: writes the step down, then asks whether to go on."""
    step = 0

    def called() -> None:
        nonlocal step
        step += 1
        _held(entry).update(step=min(step, entry.steps))
        if on_step:
            on_step()

    return called


def _finish(entry: ComparisonEntry, **fields: Any) -> None:
    _held(entry).update(status=ComparisonEntry.Status.DONE, finished_at=Now(), error="", **fields)


def _give_up(entry: ComparisonEntry, reason: str, *, for_good: bool) -> None:
    if for_good or entry.attempts >= MAX_ATTEMPTS:
        _held(entry).update(status=ComparisonEntry.Status.FAILED, error=reason, finished_at=Now())
        return
    with transaction.atomic():
        _held(entry).update(status=ComparisonEntry.Status.QUEUED, error=reason, due_at=Now(), step=0)
        wake(JOB, [str(entry.pk)])
