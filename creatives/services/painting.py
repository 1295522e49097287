"""From claims to creatives: prepare each photo, paint the bucket's batch at once, render, and write what is still ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from numpy.typing import NDArray
from rq.timeouts import JobTimeoutException

from creatives.models import Creative, CreativeRequest, PromptVersion, Rendition
from creatives.outbox import wake
from creatives.pipeline import (
    ImageError,
    Layout,
    PaintJob,
    Segmenter,
    StageCache,
    light_for,
    paint_job,
    prepare,
    render,
)
from creatives.pipeline.profiles import CheckpointProfile
from creatives.pipeline.provenance import SourceType
from creatives.pipeline.standing import LayoutError
from creatives.pipeline.version import pipeline_version
from creatives.services import masks
from creatives.services.attempts import Attempt, Work, passable, seed_of_next
from creatives.services.files import store
from creatives.services.gate import pass_gate
from creatives.services.leases import Claim, LeaseLostError, claim, kept_alive, lock_held, release
from creatives.services.photos import PhotoMissingError, photo_of
from creatives.services.product_status import GIVEN_UP, is_offered
from creatives.services.provenance import credentials_in_use, finished, provenance_of
from creatives.services.retries import fail, is_last, put_back
from creatives.services.sizes import size_of

U8 = NDArray[np.uint8]
log = structlog.get_logger("painting")


class Painter(Protocol):
    """What painting needs of ``creatives.pipeline.Painter``: uint8 (H, W, 3) per job, all of one bucket.

    ``on_step`` is called between the steps of the sampler; an exception of its own ends the painting.
    """

    profile: CheckpointProfile

    def paint(self, jobs: Sequence[PaintJob], on_step: Callable[[], None] | None = None) -> list[U8]: ...

    def unsafe(self, pictures: Sequence[U8]) -> list[bool]: ...


class SupersededError(ValueError):
    """The request can no longer be painted: prompt or product is retired, or it was made for other weights."""


class MaskChangedError(Exception):
    """The photo's mask has been fixed while it was painted with another."""


HOPELESS = (ImageError, LayoutError, PhotoMissingError, SupersededError)
"""Errors that another attempt would only meet again; their texts are written for people."""


@dataclass
class Picture:
    """Stored files of a finished painting: by step, and by exact size; record: JSON-able facts."""

    steps: dict[str, str]
    renditions: dict[tuple[int, int], str]
    record: dict[str, Any] = field(default_factory=dict)


def paint_bucket(
    painter: Painter,
    key: str,
    cache: StageCache | None = None,
    on_step: Callable[[], None] | None = None,
    segmenter: Segmenter | None = None,
) -> int:
    """Claim a batch of the bucket ("version:bucket") and paint it; how many creatives came of it.

    Claims that are not finished when an exception leaves (the worker is asked to stop) are given back untried.
    """
    claims = claim(key, settings.GENERATION_BATCH_SIZE)
    if not claims:
        return 0
    try:
        with kept_alive(claims):
            return sum(_paint(painter, claims, cache, on_step, segmenter or Segmenter()))
    except (
        JobTimeoutException
    ) as error:  # an attempt that counts, or a picture that hangs would hang for ever
        for one in claims:
            give_up_or_retry(one, error)
        raise
    except BaseException:
        with suppress(DatabaseError):  # without a database the leases run out by themselves
            release(claims)
        raise


def _paint(
    painter: Painter,
    claims: Sequence[Claim],
    cache: StageCache | None,
    on_step: Callable[[], None] | None,
    segmenter: Segmenter,
) -> Iterator[bool]:
    works = []
    for one in claims:
        try:
            works.append(_prepare(painter, one, cache, segmenter))
        except JobTimeoutException:
            raise
        except Exception as error:
            yield give_up_or_retry(one, error)
    paint = partial(_generate, painter, on_step=on_step)
    for work, outcome in passable(painter.profile, works, paint, painter.unsafe):
        try:
            if isinstance(outcome, Exception):
                raise outcome
            _finish(work.claim, _develop(painter, outcome))
            yield True
        except LeaseLostError as error:
            log.warning("result dropped", reason=str(error))
        except MaskChangedError as error:
            log.info("painted again", request=work.claim.request.pk, reason=str(error))
            release([work.claim])
        except JobTimeoutException:
            raise
        except Exception as error:
            yield give_up_or_retry(work.claim, error)


def _prepare(painter: Painter, one: Claim, cache: StageCache | None, segmenter: Segmenter) -> Work:
    """Steps 1 to 3. Raises ImageError, LayoutError, PhotoMissingError, SupersededError or SigningError."""
    credentials_in_use()  # what cannot be signed is not painted either
    request, profile = one.request, painter.profile
    ours = pipeline_version(profile)
    if request.pipeline_version != ours:
        raise SupersededError(f"asked for with {request.pipeline_version}; workers now paint with {ours}")
    version: PromptVersion = request.prompt_version
    if version.retired_at is not None:
        raise SupersededError("the prompt is retired")
    photo = photo_of(request.merchant_id, request.image_sha256)
    if not is_offered(request.merchant_id, request.image_sha256, version.prompt_id):
        raise SupersededError(GIVEN_UP)
    by_hand = masks.hand_made(request.merchant_id, request.image_sha256)
    prepared = prepare(
        photo,
        size_of(request.bucket),
        Layout.parse(request.layout),
        cache=cache,
        buckets=profile.buckets,
        contour=profile.contour,
        segmenter=segmenter,
        matte=by_hand.matte if by_hand else None,
    )
    if by_hand is None:
        masks.remember(request.merchant_id, request.image_sha256, prepared.cutout, segmenter)
    revision = by_hand.revision if by_hand else 0
    light = light_for(profile, version.text, prepared.layout, version.ground)
    job = paint_job(prepared, profile, version.text, version.negative_text, seed_of_next(request), light)
    return Work(one, prepared, light, revision, job)


def _generate(
    painter: Painter, works: Sequence[Work], on_step: Callable[[], None] | None
) -> Iterator[tuple[Work, U8 | Exception]]:
    """Step 4 of the batch; when that fails, of each by itself, so that one bad row costs the others nothing."""
    if not works:
        return
    try:
        pictures: Sequence[U8 | Exception] = painter.paint([work.job for work in works], on_step)
    except JobTimeoutException:
        raise
    except Exception as error:
        if len(works) == 1:
            yield works[0], error
            return
        log.warning("batch failed, painting one by one", size=len(works), error=str(error))
        for work in works:
            yield from _generate(painter, [work], on_step)
        return
    yield from zip(works, pictures, strict=True)


def _develop(painter: Painter, attempt: Attempt) -> Picture:
    """Step 5 at the bucket's size and at every exact size asked for so far, all stored."""
    work, generated, whole, quality = attempt.work, attempt.generated, attempt.whole, attempt.quality
    prepared, request = work.prepared, work.claim.request
    sizes = request.renditions.values_list("width", "height")
    sized = {size: render(prepared, generated, size, work.light, setting=whole.setting) for size in sizes}
    version = request.prompt_version
    of_kind = {
        kind: provenance_of(kind, painter.profile.name, request.pipeline_version, version, work.job.seed)
        for kind in SourceType
    }
    composite, credentials = of_kind[SourceType.COMPOSITE], credentials_in_use()
    warnings = dict.fromkeys(note for one in sized.values() or [whole] for note in one.warnings)
    return Picture(
        steps={
            **{name: store(file) for name, file in prepared.pngs(work.job.edges).items()},
            "generated": store(finished(generated, of_kind[SourceType.PAINTED])),
            "final": store(finished(whole.final, composite)),
        },
        renditions={size: store(finished(one.final, composite)) for size, one in sized.items()},
        record={
            "seed": work.job.seed,
            "profile": painter.profile.name,
            "pipeline_version": request.pipeline_version,
            "prompt": work.job.prompt,
            "negative_prompt": work.job.negative_prompt,
            "bucket": request.bucket,
            "layout": request.layout,
            "box": list(whole.box),
            "cut": prepared.cut,
            "ground": "contact" if work.light.shadow else "none",
            "mask": {
                "method": prepared.cutout.method,
                "confidence": prepared.cutout.confidence,
                "revision": work.mask_revision,
            },
            "milliseconds": prepared.milliseconds,
            "quality": quality.facts,
            "verdict": quality.verdict,
            "reasons": list(quality.reasons),
            "discarded": list(attempt.discarded),
            "signed_by": credentials.subject if credentials else "",
            "warnings": list(warnings),
        },
    )


def _finish(one: Claim, picture: Picture) -> None:
    """Write the creative, if the claim still holds. Raises LeaseLostError when it does not, and SupersededError."""
    with transaction.atomic():
        request = lock_held(one)
        version = PromptVersion.objects.select_for_update(no_key=True).get(pk=request.prompt_version_id)
        if version.retired_at is not None:
            raise SupersededError("the prompt was retired while it was painted")
        if not is_offered(request.merchant_id, request.image_sha256, version.prompt_id, lock=True):
            raise SupersededError(GIVEN_UP)
        if (
            masks.revision_in_force(request.merchant_id, request.image_sha256)
            != picture.record["mask"]["revision"]
        ):
            raise MaskChangedError("its mask was fixed meanwhile")
        creative = Creative.objects.create(
            merchant_id=request.merchant_id,
            request=request,
            seed=picture.record["seed"],
            record=picture.record,
            **picture.steps,
        )
        _link_renditions(request, creative, picture.renditions)
        CreativeRequest.objects.filter(pk=request.pk).update(
            status=CreativeRequest.Status.DONE, lease_until=None, error="", finished_at=Now()
        )
        pass_gate(creative)
    log.info("creative made", creative=creative.pk, request=request.pk)


def _link_renditions(request: CreativeRequest, creative: Creative, files: dict[tuple[int, int], str]) -> None:
    rows = list(Rendition.objects.select_for_update().filter(request=request).order_by("pk"))
    for row in rows:
        row.creative, row.file = creative, files.get((row.width, row.height), "")
        row.attempts, row.error = 0, ""
    Rendition.objects.bulk_update(rows, ["creative", "file", "attempts", "error"])
    if any(not row.file for row in rows):  # asked for while we painted
        wake("render", [str(request.pk)])


def give_up_or_retry(one: Claim, error: Exception) -> bool:
    """Put the claimed request back for a later attempt, or fail it in sight; always False.

    Nothing is written when the claim no longer holds.
    """
    log.warning(
        "painting failed", request=one.request.pk, attempt=one.request.attempts + 1, error=repr(error)
    )
    reason = str(error) if isinstance(error, HOPELESS) else f"{type(error).__name__}: {error}"
    with suppress(LeaseLostError), transaction.atomic():
        request = lock_held(one)
        if isinstance(error, HOPELESS):
            fail(request, reason, told=reason)
        elif is_last(request):
            fail(request, reason)
        else:
            put_back(request, reason)
    return False
