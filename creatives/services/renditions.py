"""Exact sizes without painting: of a creative that is there already, and of the product on white."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from creatives.models import Creative, PositionedRendition, Rendition
from creatives.pipeline import (
    Layout,
    Segmenter,
    StageCache,
    encode_png,
    light_for,
    positioned,
    prepare,
    render,
)
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import open_image
from creatives.pipeline.segment import DOUBTFUL
from creatives.pipeline.stages import Rendition as Picture
from creatives.services import masks
from creatives.services.delivery import announce
from creatives.services.files import load, store
from creatives.services.leases import in_seconds
from creatives.services.photos import photo_of
from creatives.services.profiles import find_profile, profile_in_use
from creatives.services.provenance import finished, provenance_of_creative
from creatives.services.sizes import size_of

log = structlog.get_logger("renditions")

Row = Rendition | PositionedRendition
R = TypeVar("R", Rendition, PositionedRendition)


def render_missing(request_id: int, cache: StageCache | None = None) -> int:
    """Render the sizes of a painted request that have no file yet; how many were written.

    Sizes of an approved creative are announced. Running it twice at a time costs time only.
    """
    creative = (
        Creative.objects.filter(request=request_id, status__in=Creative.ALIVE)
        .select_related("request__prompt_version")
        .first()
    )
    if creative is None:
        return 0
    rows = _take(Rendition.objects.filter(request=request_id))
    if not rows:
        return 0
    try:
        pictures = _rendered(creative, rows, cache)
        return _attach(creative, pictures)
    except Exception as error:
        _put_off(rows, error)
        return 0


def position_missing(pk: int, cache: StageCache | None = None, segmenter: Segmenter | None = None) -> bool:
    """Render one product on white, if it has no file yet; whether it was written.

    With a mask that is in doubt it waits until a person has confirmed or fixed the mask.
    """
    rows = _take(PositionedRendition.objects.filter(pk=pk))
    for row in rows:
        try:
            photo = photo_of(row.merchant_id, row.image_sha256)
            profile = profile_in_use()
            layout, size = Layout.parse(row.layout), (row.width, row.height)
            segmenter = segmenter or Segmenter()
            by_hand = masks.hand_made(row.merchant_id, row.image_sha256)
            matte, revision = (by_hand.matte, by_hand.revision) if by_hand else (None, 0)
            cutout = cut_out(photo, cache, segmenter=segmenter, matte=matte)
            if by_hand is None:
                masks.remember(row.merchant_id, row.image_sha256, cutout, segmenter)
            if cutout.confidence < DOUBTFUL:
                doubt = f"the mask is in doubt (confidence {cutout.confidence:.2f})"
                told = f"{doubt}: it waits for a person to confirm or fix it"
                _settle(row, revision, attempts=settings.GENERATION_MAX_ATTEMPTS, error=told)
                return False
            picture = positioned(cutout, size, layout, buckets=profile.buckets)
            name = store(encode_png(picture.final))
        except Exception as error:
            _put_off(rows, error)
            return False
        return _settle(row, revision, file=name, error="")
    return False


def _take(rows: QuerySet[R]) -> list[R]:
    """The due rows without a file; their next try is put off past this one, so that others leave them alone."""
    with transaction.atomic():
        due = rows.select_for_update(skip_locked=True).filter(
            file="", due_at__lte=Now(), attempts__lt=settings.GENERATION_MAX_ATTEMPTS
        )
        taken = list(due.order_by("pk"))
        rows.filter(pk__in=[row.pk for row in taken]).update(
            attempts=F("attempts") + 1, due_at=in_seconds(settings.GENERATION_LEASE_SECONDS)
        )
    return taken


def _rendered(creative: Creative, rows: Sequence[Rendition], cache: StageCache | None) -> dict[int, Picture]:
    """The picture by rendition id."""
    request, profile = creative.request, find_profile(creative.record["profile"])
    version, layout = request.prompt_version, Layout.parse(request.layout)
    prepared = prepare(
        photo_of(request.merchant_id, request.image_sha256),
        size_of(request.bucket),
        layout,
        cache=cache,
        buckets=profile.buckets,
        contour=profile.contour,
        # Mask and place that it was painted with, whatever has become of the mask since.
        matte=load(str(creative.mask.name)),
        cut=creative.record.get("cut", ""),
    )
    generated = open_image(load(str(creative.generated.name))).rgb
    light = light_for(profile, version.text, layout, version.ground)
    return {row.pk: render(prepared, generated, (row.width, row.height), light) for row in rows}


def _attach(creative: Creative, pictures: dict[int, Picture]) -> int:
    """Store the pictures, unless the creative has died or been replaced meanwhile; their warnings join its record."""
    provenance = provenance_of_creative(creative)
    files = {pk: store(finished(picture.final, provenance)) for pk, picture in pictures.items()}
    with transaction.atomic():
        locked = Creative.objects.select_for_update(of=("self",)).select_related(
            "request__merchant", "request__prompt_version"
        )
        alive = locked.filter(pk=creative.pk, status__in=Creative.ALIVE).first()
        if alive is None:
            return 0
        rows = list(Rendition.objects.select_for_update().filter(pk__in=files, file="").order_by("pk"))
        for row in rows:
            row.creative, row.file, row.error = alive, files[row.pk], ""
        Rendition.objects.bulk_update(rows, ["creative", "file", "error"])
        _add_warnings(alive, [note for row in rows for note in pictures[row.pk].warnings])
        if rows and alive.status == Creative.Status.APPROVED:
            announce(alive, "approved", rows)
    return len(rows)


def _add_warnings(creative: Creative, notes: Sequence[str]) -> None:
    known = creative.record.get("warnings", [])
    if new := [note for note in dict.fromkeys(notes) if note not in known]:
        creative.record["warnings"] = [*known, *new]
        creative.save(update_fields=["record"])


def _settle(row: PositionedRendition, revision: int, **changes: Any) -> bool:
    """Write what came of a mask's revision, unless the mask was fixed or confirmed since, which asked for it again."""
    with transaction.atomic():
        PositionedRendition.objects.select_for_update().get(pk=row.pk)
        if masks.revision_in_force(row.merchant_id, row.image_sha256) != revision:
            return False
        PositionedRendition.objects.filter(pk=row.pk).update(**changes)
    return True


def _put_off(rows: Sequence[Row], error: Exception) -> None:
    """Another try after a back-off; the sweeper starts it."""
    log.warning("rendering failed", rows=[row.pk for row in rows], error=repr(error))
    for row in rows:
        pause = settings.GENERATION_BACKOFF_SECONDS * 2**row.attempts
        type(row).objects.filter(pk=row.pk).update(
            due_at=in_seconds(pause), error=f"{type(error).__name__}: {error}"
        )
