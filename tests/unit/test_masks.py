"""Masks of photos: the segmenter's are kept, a person's take their place, what was made with another is painted again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from creatives.models import (
    Creative,
    CreativeRequest,
    ImageMask,
    OutboxEntry,
    PositionedRendition,
    ProductImage,
)
from creatives.pipeline import ImageError, Segmenter, encode_png, open_image
from creatives.pipeline.grabcut import Selection
from creatives.services import mask_pictures, masks
from creatives.services.creatives import approve
from creatives.services.files import load
from creatives.services.generation import request_positioned
from creatives.services.masks import MaskConflictError
from creatives.services.painting import paint_bucket
from creatives.services.renditions import position_missing, render_missing
from tests import factories, studio

pytestmark = pytest.mark.django_db
Source = ImageMask.Source


def matte(left: int = 30, width: int = 100, height: int = 120) -> bytes:
    """The product of ``studio.photo`` from column ``left`` on."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[30 * height // 120 : 100 * height // 120, left * width // 100 : 80 * width // 100] = 255
    return encode_png(pixels)


def painted() -> tuple[Creative, ProductImage]:
    creative = studio.painted(factories.merchant())
    return creative, ProductImage.objects.get(sha256=creative.request.image_sha256)


def paint_again(creative: Creative) -> Creative:
    request = creative.request
    assert paint_bucket(studio.FlatPainter(), masks.bucket_key(request.pipeline_version, request.bucket)) == 1
    return Creative.objects.exclude(pk=creative.pk).get()


def fix(image: ProductImage, **terms: Any) -> masks.Fixed:
    return masks.fix(image, matte(), Source.BRUSH, factories.user(), **({"base": 0} | terms))


def columns(creative: Creative) -> tuple[int, int]:
    """First and last column of the creative's mask."""
    seen = np.flatnonzero(open_image(load(str(creative.mask.name))).rgb[..., 0].any(axis=0))
    return int(seen[0]), int(seen[-1])


def test_painting_keeps_what_the_segmenter_found() -> None:
    creative, _ = painted()
    row = ImageMask.objects.get()
    assert (row.merchant, row.image_sha256, row.revision) == (
        creative.merchant,
        creative.request.image_sha256,
        0,
    )
    assert (row.source, row.method, row.is_by_hand) == ("segmenter", "backdrop", False)
    assert row.confidence > 0.9
    assert row.file.name == creative.mask.name
    assert row.segmenter == Segmenter().key
    assert creative.record["mask"]["revision"] == 0


def test_another_segmenter_replaces_what_the_first_one_found() -> None:
    creative, image = painted()
    ImageMask.objects.update(segmenter="0-older", confidence=0.1)
    assert masks.find(image.pk, None, Segmenter())
    row = ImageMask.objects.get()
    assert row.segmenter == Segmenter().key
    assert row.confidence > 0.9
    assert row.file.name == creative.mask.name


def test_a_photo_without_a_product_is_kept_as_such() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant, (255, 255, 255))
    assert not masks.find(image.pk, None, Segmenter())
    row = ImageMask.objects.get()
    assert (row.method, row.confidence, row.file.name) == ("none", 0.0, "")
    assert row.warnings[0].startswith("no product found in the photo")


def test_a_fix_is_used_for_every_later_creative_and_what_waits_is_painted_again() -> None:
    creative, image = painted()
    fixed = fix(image)
    assert (fixed.mask.revision, fixed.mask.source, fixed.retired, fixed.repainted) == (1, "brush", 1, 1)
    creative.refresh_from_db()
    assert (creative.status, creative.reason) == ("retired", "mask fixed")
    assert OutboxEntry.objects.filter(job="generate").exists()
    again = paint_again(creative)
    assert again.record["mask"] == {"method": "by hand", "confidence": 1.0, "revision": 1}
    assert columns(creative) == (20, 79)
    assert columns(again) == (30, 79)
    assert again.seed != creative.seed
    assert ImageMask.objects.count() == 2


@pytest.mark.parametrize(("with_approved", "status"), [(False, "approved"), (True, "retired")])
def test_approved_creatives_are_painted_again_only_when_asked(with_approved: bool, status: str) -> None:
    creative, image = painted()
    approve(creative.pk)
    fixed = fix(image, with_approved=with_approved)
    creative.refresh_from_db()
    assert creative.status == status
    assert fixed.repainted == int(with_approved)
    assert creative.request.status if with_approved else CreativeRequest.objects.get().status == "done"


def test_later_sizes_of_a_creative_keep_the_mask_that_it_was_painted_with() -> None:
    creative, image = painted()
    approve(creative.pk)
    fix(image)
    version = creative.request.prompt_version
    studio.requested(creative.merchant, studio.want(image, version, 336, 280))
    assert render_missing(creative.request_id) == 1
    one, other = creative.renditions.order_by("width")
    narrow, wide = (open_image(load(str(row.file.name))).rgb for row in (one, other))
    reds = [(pixels[..., 0] > 150) & (pixels[..., 1] < 90) for pixels in (narrow, wide)]
    shares = [red.mean() for red in reds]
    assert shares[0] == pytest.approx(shares[1], rel=0.1)


def test_who_paints_while_the_mask_is_fixed_paints_again() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    (row,) = studio.requested(merchant, studio.want(image, studio.version()))
    person = factories.user()

    class Slow(studio.FlatPainter):
        def paint(self, jobs: Any, on_step: Any = None) -> Any:
            masks.fix(image, matte(), Source.BRUSH, person, base=0)
            return super().paint(jobs, on_step)

    assert paint_bucket(Slow(), studio.key()) == 0
    assert not Creative.objects.exists()
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("queued", 0, "")
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    assert Creative.objects.get().record["mask"]["revision"] == 1


def test_a_photo_that_had_no_product_is_painted_once_a_person_has_shown_it() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant, (255, 255, 255))
    (row,) = studio.requested(merchant, studio.want(image, studio.version()))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 0
    row.refresh_from_db()
    assert row.status == "failed"
    assert fix(image).repainted == 1
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1


def test_the_product_on_white_is_made_again() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    request_positioned(merchant, [studio.want(image, studio.version())])
    row = PositionedRendition.objects.get()
    assert position_missing(row.pk)
    row.refresh_from_db()
    before = row.file.name
    fix(image)
    row.refresh_from_db()
    assert row.file.name == ""
    assert position_missing(row.pk)
    row.refresh_from_db()
    assert row.file.name not in ("", before)


@pytest.mark.parametrize("is_doubtful", [True, False])
def test_a_mask_that_comes_while_the_product_on_white_is_made_is_not_missed(
    is_doubtful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    request_positioned(merchant, [studio.want(image, studio.version())])
    row = PositionedRendition.objects.get()
    remember = masks.remember

    def fixed_meanwhile(*facts: Any) -> None:
        remember(*facts)
        fix(image)

    with monkeypatch.context() as patched:
        patched.setattr(masks, "remember", fixed_meanwhile)
        if is_doubtful:
            patched.setattr("creatives.services.renditions.DOUBTFUL", 2.0)
        assert position_missing(row.pk) is False
    row.refresh_from_db()
    assert (row.file.name, row.attempts, row.error) == ("", 0, "")
    assert position_missing(row.pk) is True


def test_of_two_people_who_start_from_one_revision_the_second_is_told() -> None:
    _, image = painted()
    fix(image)
    with pytest.raises(MaskConflictError, match="since revision 0"):
        fix(image)
    assert ImageMask.objects.count() == 2
    assert fix(image, base=1).mask.revision == 2


def test_confirming_paints_nothing_again() -> None:
    creative, image = painted()
    row = masks.confirm(image, factories.user(), base=0)
    assert (row.revision, row.source, row.confidence) == (1, "confirmed", 1.0)
    assert row.file.name == creative.mask.name
    creative.refresh_from_db()
    assert creative.status == "in_review"
    with pytest.raises(MaskConflictError, match="no mask to confirm"):
        masks.confirm(studio.photo(creative.merchant, (1, 2, 3)), factories.user(), base=0)


def test_a_reverted_mask_is_the_segmenters_again() -> None:
    creative, image = painted()
    fix(image)
    again = paint_again(creative)
    reverted = masks.revert(image, factories.user(), base=1)
    assert (reverted.mask.revision, reverted.mask.source, reverted.retired) == (2, "reverted", 1)
    assert masks.hand_made(image.merchant_id, image.sha256) is None
    request = again.request
    assert paint_bucket(studio.FlatPainter(), masks.bucket_key(request.pipeline_version, request.bucket)) == 1
    assert columns(Creative.objects.latest("pk")) == (20, 79)


def test_masks_of_other_merchants_with_the_same_photo_are_their_own() -> None:
    _, image = painted()
    fix(image)
    theirs = studio.photo(factories.merchant())
    assert theirs.sha256 == image.sha256
    assert masks.hand_made(theirs.merchant_id, theirs.sha256) is None
    assert masks.revision_in_force(image.merchant_id, image.sha256) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (encode_png(np.zeros((120, 100), np.uint8)), "the mask is empty: its brightest pixel is 0"),
        (encode_png(np.full((100, 120), 255, np.uint8)), "the mask is 120×100 and the photo 100×120"),
        (b"not a picture", "not an image of a known format"),
    ],
)
def test_an_unusable_mask_changes_nothing(data: bytes, message: str) -> None:
    creative, image = painted()
    with pytest.raises(ImageError, match=message):
        masks.fix(image, data, Source.UPLOAD, factories.user(), base=0)
    creative.refresh_from_db()
    assert creative.status == "in_review"
    assert ImageMask.objects.count() == 1


def test_a_mask_of_the_photos_proportions_is_resampled() -> None:
    _, image = painted()
    fixed = masks.fix(image, matte(30, 200, 240), Source.UPLOAD, factories.user(), base=0)
    assert open_image(load(str(fixed.mask.file.name))).rgb.shape == (120, 100, 3)


def test_a_box_finds_the_product_in_it() -> None:
    _, image = painted()
    found = open_image(mask_pictures.found_in_box(image, Selection(0.1, 0.15, 0.8, 0.8))).rgb[..., 0] >= 128
    truth = np.zeros((120, 100), np.bool_)
    truth[30:100, 20:80] = True
    assert (found & truth).sum() / (found | truth).sum() > 0.95
    with pytest.raises(ImageError, match="nothing in the box stands out"):
        mask_pictures.found_in_box(image, Selection(0.0, 0.0, 0.15, 0.1))


def test_what_was_not_touched_keeps_the_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_pictures, "PREVIEW_SIDE", 60)
    before = np.zeros((120, 100), np.uint8)
    before[31:99, 21:79] = 255
    small = mask_pictures._reduced(before)
    small[5:10, 5:10] = 255
    given = encode_png(small)
    sized = np.kron(small, np.ones((2, 2), np.uint8))[:120, :100].astype(np.uint8)
    merged = mask_pictures.merged(sized, given, before)
    assert np.array_equal(merged[40:], before[40:])
    assert (merged[12:18, 12:18] == 255).all()


def test_the_database_takes_one_mask_per_revision() -> None:
    _, image = painted()
    facts = {"merchant_id": image.merchant_id, "image_sha256": image.sha256, "method": "x", "file": "x.png"}
    for wrong in (
        {"revision": 0, "confidence": 0.5},
        {"revision": 1, "confidence": 1.5, "source": "brush"},
        {"revision": 1, "confidence": 0.5},
        {"revision": 0, "confidence": 0.5, "source": "brush"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ImageMask.objects.create(**facts, **wrong)
    assert ImageMask.objects.count() == 1
