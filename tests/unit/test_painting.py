"""From claim to creative: what is written when it goes well, and what when it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from creatives.models import (
    Creative,
    CreativeRequest,
    OutboxEntry,
    ProductImage,
    PromptVersion,
    Rendition,
    WebhookDelivery,
)
from creatives.pipeline import open_image
from creatives.services import painting
from creatives.services.files import load
from creatives.services.generation import request_creatives, requeue
from creatives.services.leases import claim
from creatives.services.painting import paint_bucket
from creatives.worker import StopPainting
from tests import factories, studio

pytestmark = pytest.mark.django_db


def test_a_painting_becomes_a_creative_in_review_with_its_steps_and_sizes() -> None:
    merchant = factories.merchant()
    image, version = studio.photo(merchant), studio.version("an oak table")
    (row,) = studio.requested(merchant, studio.want(image, version), studio.want(image, version, 336, 280))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    creative, request = Creative.objects.get(), CreativeRequest.objects.get()
    assert (creative.status, creative.seed, creative.decided_at, creative.merchant) == (
        "in_review",
        row.seed,
        None,
        merchant,
    )
    assert (request.status, request.attempts, request.fence, request.lease_until) == ("done", 1, 1, None)
    assert request.finished_at is not None
    shapes = {
        step: open_image(load(str(getattr(creative, step).name))).rgb.shape[:2]
        for step in ("mask", "placed", "edges", "generated", "final")
    }
    assert shapes == {
        "mask": (120, 100),
        **dict.fromkeys(("placed", "edges", "generated", "final"), (256, 320)),
    }
    sizes = {
        (r.width, r.height): open_image(load(str(r.file.name))).rgb.shape for r in creative.renditions.all()
    }
    assert sizes == {(300, 250): (250, 300, 3), (336, 280): (280, 336, 3)}
    assert {key: creative.record[key] for key in ("prompt", "bucket", "layout", "seed")} == {
        "prompt": "an oak table", "bucket": "320x256", "layout": "s72-s-m8", "seed": row.seed,
    }  # fmt: skip
    assert creative.record["verdict"] in ("pass", "doubtful")
    assert WebhookDelivery.objects.count() == 0


def test_files_are_named_by_their_content() -> None:
    merchant = factories.merchant()
    creative = studio.painted(merchant)
    name = str(creative.final.name)
    assert name.startswith("creatives/")
    assert len(name.rsplit("/", 1)[1]) == 64 + len(".png")


def test_a_merchant_with_auto_approval_gets_an_approved_creative_and_a_message() -> None:
    merchant = factories.merchant(auto_approve=True)
    studio.recommender(merchant)
    creative = studio.painted(merchant)
    assert (creative.status, creative.reason) == ("approved", "approved automatically")
    assert creative.decided_at is not None
    delivery = WebhookDelivery.objects.get()
    assert (delivery.event_type, delivery.payload["data"]["id"]) == ("creative.approved", creative.pk)


def test_a_batch_is_painted_in_one_go_and_no_larger_than_the_setting(settings: Any) -> None:
    settings.GENERATION_BATCH_SIZE = 3
    merchant, version, painter = factories.merchant(), studio.version(), studio.FlatPainter()
    images = [studio.photo(merchant, (40 * n, 90, 90)) for n in range(5)]
    studio.requested(merchant, *(studio.want(image, version) for image in images))
    OutboxEntry.objects.all().delete()
    assert paint_bucket(painter, studio.key()) == 3
    assert OutboxEntry.objects.get().key == studio.key()  # there is more to do
    assert paint_bucket(painter, studio.key()) == 2
    assert painter.batches == [3, 2]
    assert Creative.objects.count() == 5


def test_one_bad_prompt_does_not_fail_the_others_of_its_batch() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    good, bad, fine = (studio.version(text) for text in ("oak", "poison", "marble"))
    studio.requested(merchant, *(studio.want(image, version) for version in (good, bad, fine)))
    painter = studio.FlatPainter(faults={"poison": RuntimeError("CUDA out of memory")})
    assert paint_bucket(painter, studio.key()) == 2
    assert painter.batches == [3, 1, 1, 1]
    failed = CreativeRequest.objects.get(prompt_version=bad)
    assert (failed.status, failed.attempts, failed.error) == ("queued", 1, "RuntimeError: CUDA out of memory")
    assert set(CreativeRequest.objects.filter(status="done").values_list("prompt_version", flat=True)) == {
        good.pk,
        fine.pk,
    }


def test_attempts_back_off_doubling_and_end_in_a_failure_that_recommenders_hear_of(settings: Any) -> None:
    settings.GENERATION_BACKOFF_SECONDS, settings.GENERATION_MAX_ATTEMPTS = 10, 3
    merchant = factories.merchant()
    studio.recommender(merchant)
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version("poison")))
    painter = studio.FlatPainter(faults={"poison": RuntimeError("no luck")})
    for pause in (10, 20):
        OutboxEntry.objects.all().delete()
        assert paint_bucket(painter, studio.key()) == 0
        row.refresh_from_db()
        assert row.status == "queued"
        assert timedelta(seconds=pause - 2) < row.due_at - timezone.now() <= timedelta(seconds=pause)
        assert OutboxEntry.objects.get().available_at == row.due_at
        assert paint_bucket(painter, studio.key()) == 0  # not due: not tried
        CreativeRequest.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert paint_bucket(painter, studio.key()) == 0
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("failed", 3, "RuntimeError: no luck")
    assert len(painter.batches) == 3
    payload = WebhookDelivery.objects.get().payload
    assert (payload["type"], payload["data"]["reason"]) == (
        "creative.failed",
        "the picture could not be painted",
    )
    assert Creative.objects.count() == 0


def test_a_photo_that_is_no_picture_fails_at_once_with_the_reason() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    with default_storage.open(str(image.file.name), "wb") as file:
        file.write(b"GIF89a, not really")
    (row,) = studio.requested(merchant, studio.want(image, studio.version()))
    painter = studio.FlatPainter()
    assert paint_bucket(painter, studio.key()) == 0
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("failed", 1)
    assert "image" in row.error
    assert painter.batches == []


@pytest.mark.parametrize("loss", ["row", "file"])
def test_a_photo_that_has_left_the_catalogue_fails_at_once(loss: str) -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    (row,) = studio.requested(merchant, studio.want(image, studio.version()))
    if loss == "row":
        ProductImage.objects.all().delete()
    else:
        default_storage.delete(str(image.file.name))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 0
    row.refresh_from_db()
    assert row.status == "failed"
    assert "photo" in row.error


def test_requests_for_other_weights_are_not_painted_with_these() -> None:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    painter = studio.FlatPainter().of_other_weights()
    assert paint_bucket(painter, studio.key()) == 0
    row.refresh_from_db()
    assert row.status == "failed"
    assert "workers now paint with" in row.error
    assert painter.batches == []


def test_a_retired_prompt_is_not_painted() -> None:
    merchant, version, painter = factories.merchant(), studio.version(), studio.FlatPainter()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), version))
    PromptVersion.objects.update(retired_at=timezone.now())
    assert paint_bucket(painter, studio.key()) == 0
    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "the prompt is retired")
    assert painter.batches == []


def test_a_prompt_retired_while_it_is_painted_gets_no_creative() -> None:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))

    def retire_it() -> None:
        PromptVersion.objects.update(retired_at=timezone.now())

    assert paint_bucket(studio.FlatPainter(), studio.key(), on_step=retire_it) == 0
    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "the prompt was retired while it was painted")
    assert Creative.objects.count() == 0


def test_a_worker_that_is_asked_to_stop_gives_its_requests_back_untried() -> None:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    OutboxEntry.objects.all().delete()

    def stop() -> None:
        raise StopPainting

    with pytest.raises(StopPainting):
        paint_bucket(studio.FlatPainter(), studio.key(), on_step=stop)
    row.refresh_from_db()
    assert (row.status, row.attempts, row.fence, row.lease_until) == ("queued", 0, 1, None)
    assert OutboxEntry.objects.get().key == studio.key()
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1


def test_a_painting_that_runs_into_the_job_s_time_limit_counts_as_an_attempt() -> None:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version("slow")))
    painter = studio.FlatPainter(faults={"slow": JobTimeoutException("900 s")})
    with pytest.raises(JobTimeoutException):
        paint_bucket(painter, studio.key())
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("queued", 1, "JobTimeoutException: 900 s")


def test_a_request_that_was_tried_before_is_claimed_by_itself() -> None:
    merchant, version = factories.merchant(), studio.version()
    images = [studio.photo(merchant, (40 * n, 90, 90)) for n in range(3)]
    rows = studio.requested(merchant, *(studio.want(image, version) for image in images))
    CreativeRequest.objects.filter(pk=rows[0].pk).update(
        attempts=1, fence=1, due_at=timezone.now() - timedelta(hours=1)
    )
    assert [one.request.pk for one in claim(studio.key(), 4)] == [rows[0].pk]
    assert [one.request.pk for one in claim(studio.key(), 4)] == [rows[1].pk, rows[2].pk]


def test_a_size_asked_for_while_painting_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = factories.merchant()
    image, version = studio.photo(merchant), studio.version()
    (row,) = studio.requested(merchant, studio.want(image, version))
    OutboxEntry.objects.all().delete()
    finish = painting._finish

    def ask_then_finish(*args: Any) -> None:
        request_creatives(merchant, [studio.want(image, version, 336, 280)])
        assert OutboxEntry.objects.count() == 0  # the painter will see to it
        finish(*args)

    monkeypatch.setattr(painting, "_finish", ask_then_finish)
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    assert list(OutboxEntry.objects.values_list("job", "key")) == [("render", str(row.pk))]
    assert Rendition.objects.get(file="").width == 336


def test_a_rejected_creative_is_painted_again_with_another_seed() -> None:
    merchant = factories.merchant()
    creative = studio.painted(merchant)
    assert requeue(creative.request_id) is False
    Creative.objects.update(status="rejected")
    assert requeue(creative.request_id) is True
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    again = Creative.objects.get(status="in_review")
    assert (again.request_id, again.seed) == (creative.request_id, creative.seed + 1)
    assert set(Rendition.objects.values_list("creative", flat=True)) == {again.pk}
    assert Rendition.objects.get().file.name != ""
