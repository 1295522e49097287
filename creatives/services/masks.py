"""Masks of photos: the segmenter's are kept with what it thought of them; a person's take their place from then on.

A revision is never changed. Two people who fix one mask at the same time both start from revision n and write n + 1, of
which the database takes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from creatives.models import Creative, CreativeRequest, ImageMask, PositionedRendition, ProductImage, User
from creatives.outbox import wake
from creatives.pipeline import ImageError, Segmenter, StageCache, encode_png
from creatives.pipeline.cutout import Cutout, cut_out, read_matte
from creatives.pipeline.segment import NO_PRODUCT
from creatives.services.creatives import retire
from creatives.services.files import load, store
from creatives.services.generation import bucket_key
from creatives.services.mask_pictures import decoded, matte_in_force, merged
from creatives.services.photos import photo_of
from creatives.services.sizes import current_pipeline_version

log = structlog.get_logger("masks")

REASON = "mask fixed"
Source = ImageMask.Source
DRAWN = (Source.BRUSH, Source.BOX, Source.UPLOAD, Source.CONFIRMED)
"""What takes the segmenter's place; after a reversion the segmenter decides again."""


class MaskConflictError(ValueError):
    """Somebody else has changed the mask since it was looked at."""


class HandMade(NamedTuple):
    """A mask that a person answers for: its revision and the encoded matte."""

    revision: int
    matte: bytes


@dataclass(frozen=True)
class Fixed:
    """What a fix set off: the new row, how many creatives were retired and how many requests are painted again."""

    mask: ImageMask
    retired: int
    repainted: int


def hand_made(merchant_id: int, image_sha256: str) -> HandMade | None:
    """The mask that people have made of a photo, if they have."""
    row = _latest(merchant_id, image_sha256)
    if row is None or row.source not in DRAWN:
        return None
    return HandMade(row.revision, load(str(row.file.name)))


def revision_in_force(merchant_id: int, image_sha256: str) -> int:
    """The revision that creatives of a photo are made with from now on; 0 is the segmenter's."""
    row = _latest(merchant_id, image_sha256)
    return row.revision if row is not None and row.source in DRAWN else 0


def remember(merchant_id: int, image_sha256: str, cutout: Cutout, segmenter: Segmenter) -> None:
    """Keep what the segmenter found as revision 0; another segmenter's replaces it."""
    known = ImageMask.objects.filter(
        merchant=merchant_id, image_sha256=image_sha256, revision=0, segmenter=segmenter.key
    )
    if known.exists():
        return
    _keep(merchant_id, image_sha256, segmenter, file=store(cutout.png()), method=cutout.method,
          confidence=cutout.confidence, warnings=list(cutout.warnings))  # fmt: skip


def find(image_id: int, cache: StageCache | None, segmenter: Segmenter) -> bool:
    """Have the segmenter look at a product's picture; whether it found a product. What it says is kept either way."""
    image = ProductImage.objects.filter(pk=image_id, status=ProductImage.Status.READY).first()
    if image is None:
        return False
    try:
        photo = photo_of(image.merchant_id, image.sha256)
        remember(image.merchant_id, image.sha256, cut_out(photo, cache, segmenter=segmenter), segmenter)
    except ImageError as error:
        log.info("no mask", image=image_id, reason=str(error))
        _keep(image.merchant_id, image.sha256, segmenter, file="", method="none", confidence=0.0,
              warnings=[str(error)])  # fmt: skip
        return False
    return True


def fix(
    image: ProductImage, matte: bytes, source: str, user: User, *, base: int, with_approved: bool = False
) -> Fixed:
    """Make `matte` (an encoded picture, white where the product is) the mask of the photo, for every later creative.

    base: the revision the person started from. Creatives in review that were made with another mask are retired and
    painted again, approved ones too if `with_approved`. Raises ImageError for an unusable matte and MaskConflictError when
    the mask is no longer revision `base`.
    """
    name = store(encode_png(merged(read_matte(matte, decoded(image)), matte, matte_in_force(image))))
    with transaction.atomic():
        row = _add(image, base, user, source=source, file=name, method=Source(source).label)
        fixed = Fixed(row, *_paint_again(image, with_approved))
    log.info("mask fixed", image=image.pk, revision=row.revision, retired=fixed.retired)
    return fixed


def ask(image: ProductImage) -> None:
    """Have a worker look for the product in a picture."""
    with transaction.atomic():
        wake("mask", [str(image.pk)])


def confirm(image: ProductImage, user: User, *, base: int) -> ImageMask:
    """Say that the mask is right as it is; nothing is painted again, but products on white that waited for it are made.

    Raises MaskConflictError, also when there is no mask.
    """
    row = _latest(image.merchant_id, image.sha256)
    if row is None or not row.file:
        raise MaskConflictError("there is no mask to confirm yet")
    with transaction.atomic():
        confirmed = _add(image, base, user, source=Source.CONFIRMED, file=row.file.name, method=row.method)
        _position_again(image, Q(file=""))
    return confirmed


def revert(image: ProductImage, user: User, *, base: int, with_approved: bool = False) -> Fixed:
    """Let the segmenter decide again. Raises MaskConflictError."""
    first = ImageMask.objects.filter(
        merchant=image.merchant_id, image_sha256=image.sha256, revision=0
    ).first()
    kept = {"file": first.file.name, "method": first.method} if first else {"file": "", "method": "none"}
    with transaction.atomic():
        row = _add(
            image, base, user, source=Source.REVERTED, confidence=first.confidence if first else 0.0, **kept
        )
        return Fixed(row, *_paint_again(image, with_approved))


def _latest(merchant_id: int, image_sha256: str) -> ImageMask | None:
    rows = ImageMask.objects.filter(merchant=merchant_id, image_sha256=image_sha256)
    return rows.order_by("-revision").first()


def _keep(merchant_id: int, image_sha256: str, segmenter: Segmenter, **facts: object) -> None:
    row = ImageMask(
        merchant_id=merchant_id, image_sha256=image_sha256, revision=0, segmenter=segmenter.key, **facts
    )
    ImageMask.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["merchant", "image_sha256", "revision"],
        update_fields=["segmenter", *facts],
    )


def _add(image: ProductImage, base: int, user: User, **facts: object) -> ImageMask:
    """Write revision base + 1; the caller holds the transaction."""
    latest = _latest(image.merchant_id, image.sha256)
    try:
        with transaction.atomic():
            if base != (latest.revision if latest else 0):
                raise MaskConflictError(_conflict(base))
            return ImageMask.objects.create(
                merchant_id=image.merchant_id, image_sha256=image.sha256, revision=base + 1, created_by=user,
                **({"confidence": 1.0} | facts),
            )  # fmt: skip
    except IntegrityError as error:
        raise MaskConflictError(_conflict(base)) from error


def _conflict(base: int) -> str:
    return (
        f"somebody has changed the mask since revision {base}, which you started from; look at theirs first"
    )


def _paint_again(image: ProductImage, with_approved: bool) -> tuple[int, int]:
    """Retire what was made with another mask and queue it again: (creatives retired, requests queued).

    Who paints one of these requests at this moment looks at the mask's revision again, under the request's lock, before
    anything is written.
    """
    asked = CreativeRequest.objects.filter(merchant=image.merchant_id, image_sha256=image.sha256)
    requests = {
        row.pk: row
        for row in asked.select_for_update(of=("self",)).select_related("prompt_version").order_by("pk")
    }
    stale = [Creative.Status.IN_REVIEW] + [Creative.Status.APPROVED] * with_approved
    retired = list(Creative.objects.filter(request__in=requests, status__in=stale).order_by("pk"))
    for creative in retired:
        retire(creative.pk, REASON)
    again = {creative.request_id for creative in retired} | {
        row.pk for row in requests.values()
        if row.status == CreativeRequest.Status.FAILED and row.error.startswith(NO_PRODUCT)
    }  # fmt: skip
    version = current_pipeline_version()
    queued = [requests[pk] for pk in sorted(again)]
    queued = [
        row for row in queued if row.pipeline_version == version and row.prompt_version.retired_at is None
    ]
    CreativeRequest.objects.filter(pk__in=[row.pk for row in queued]).update(
        status=CreativeRequest.Status.QUEUED, attempts=0, due_at=Now(), error="", finished_at=None
    )
    wake("generate", {bucket_key(row.pipeline_version, row.bucket) for row in queued})
    _position_again(image)
    return len(retired), len(queued)


def _position_again(image: ProductImage, which: Q | None = None) -> None:
    """Make them again, those under way too: their workers compare the mask under the same lock before they write."""
    rows = PositionedRendition.objects.filter(
        which or Q(), merchant=image.merchant_id, image_sha256=image.sha256
    )
    ids = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    PositionedRendition.objects.filter(pk__in=ids).update(file="", attempts=0, due_at=Now(), error="")
    wake("position", map(str, ids))
