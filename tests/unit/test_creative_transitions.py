"""What may become of a creative, and what recommenders are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from creatives.models import Creative, CreativeRequest, OutboxEntry, WebhookDelivery
from creatives.services.creatives import (
    TransitionError,
    approve,
    pause,
    reject,
    reopen,
    retire,
    retire_for_prompt,
)
from tests import factories, studio

pytestmark = pytest.mark.django_db

STEPS: dict[str, Callable[[int], Creative]] = {
    "approved": approve,
    "rejected": lambda pk: reject(pk, "product cut off"),
    "in_review": reopen,
    "retired": lambda pk: retire(pk, "old"),
    "paused": pause,
}
ALLOWED = {
    ("in_review", "approved"),
    ("in_review", "rejected"),
    ("in_review", "retired"),
    ("approved", "in_review"),
    ("approved", "retired"),
    ("approved", "paused"),
    ("paused", "approved"),
    ("paused", "retired"),
    ("rejected", "in_review"),
}


@pytest.mark.parametrize("to", STEPS)
@pytest.mark.parametrize("start", STEPS)
def test_only_the_allowed_steps_are_taken(start: str, to: str) -> None:
    merchant = factories.merchant()
    studio.recommender(merchant)
    creative = studio.painted(merchant)
    Creative.objects.filter(pk=creative.pk).update(status=start, reason="before")
    if (start, to) in ALLOWED:
        assert STEPS[to](creative.pk).status == to
        creative.refresh_from_db()
        assert creative.status == to
        assert (creative.decided_at is None) == (to == "in_review")
        return
    with pytest.raises(TransitionError, match=f"creative {creative.pk} is"):
        STEPS[to](creative.pk)
    creative.refresh_from_db()
    assert (creative.status, creative.reason) == (start, "before")
    assert WebhookDelivery.objects.count() == 0


def test_approval_tells_every_active_recommender_of_the_merchant_once() -> None:
    merchant, other = factories.merchant("shop"), factories.merchant()
    first, second = studio.recommender(merchant), studio.recommender(merchant, other)
    studio.recommender(other)
    studio.recommender(merchant, url="")
    studio.recommender(merchant, is_active=False)
    creative = studio.painted(merchant)
    approve(creative.pk)
    assert set(WebhookDelivery.objects.values_list("recommender", flat=True)) == {first.pk, second.pk}
    with pytest.raises(TransitionError):
        approve(creative.pk)
    assert WebhookDelivery.objects.count() == 2


def test_the_message_names_creative_item_prompt_size_and_picture() -> None:
    merchant = factories.merchant("shop")
    studio.recommender(merchant)
    creative = studio.painted(merchant)
    approve(creative.pk)
    payload = WebhookDelivery.objects.get().payload
    version, sku = creative.request.prompt_version, merchant.products.get().external_id
    rendition = creative.renditions.get()
    url = f"http://127.0.0.1:8000/media/{rendition.file.name}"
    assert payload["type"] == "creative.approved"
    assert payload["data"] == {
        "id": creative.pk,
        "request_id": creative.request_id,
        "status": "approved",
        "reason": "",
        "item": {"merchant": "shop", "id": sku},
        "items": [{"merchant": "shop", "id": sku}],
        "prompt": {"id": version.prompt_id, "version": 1},
        "bucket": "320x256",
        "layout": "s72-s-m8",
        "size": {"width": 300, "height": 250},
        "image": {"width": 300, "height": 250, "url": url},
        "renditions": [{"width": 300, "height": 250, "url": url}],
    }


def test_undoing_an_approval_withdraws_it_and_overtakes_what_is_not_sent_yet() -> None:
    merchant = factories.merchant()
    studio.recommender(merchant)
    creative = studio.painted(merchant)
    approve(creative.pk)
    reopen(creative.pk)
    said = list(WebhookDelivery.objects.order_by("pk").values_list("event_type", "status"))
    assert said == [("creative.approved", "superseded"), ("creative.retired", "pending")]


def test_undoing_a_rejection_is_silent_and_refused_once_painted_again() -> None:
    merchant = factories.merchant()
    creative = studio.painted(merchant)
    reject(creative.pk, "ugly")
    Creative.objects.create(merchant=merchant, request=creative.request, seed=1, status="in_review")
    with pytest.raises(TransitionError, match="painted again"):
        reopen(creative.pk)
    Creative.objects.filter(seed=1).delete()
    assert reopen(creative.pk).status == "in_review"
    assert WebhookDelivery.objects.count() == 0


def test_retiring_a_prompt_retires_its_creatives_and_gives_up_its_requests() -> None:
    merchant = factories.merchant()
    studio.recommender(merchant)
    creative, other = studio.painted(merchant), studio.painted(merchant)
    approve(creative.pk)
    approve(other.pk)
    version = creative.request.prompt_version
    (waiting,) = [
        row
        for row in studio.requested(merchant, studio.want(studio.photo(merchant, (1, 2, 3)), version))
        if row.status == "queued"
    ]
    version.retired_at = timezone.now()
    version.save()
    assert retire_for_prompt(version) == 1
    states = dict(Creative.objects.values_list("pk", "status"))
    assert states == {creative.pk: "retired", other.pk: "approved"}
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error) == ("failed", "given up: prompt retired")
    said = WebhookDelivery.objects.filter(status="pending").values_list("event_type", "payload__data__id")
    assert set(said) == {
        ("creative.retired", creative.pk),
        ("creative.approved", other.pk),
        ("creative.failed", None),
    }
    assert CreativeRequest.objects.filter(status="done").count() == 2
    assert OutboxEntry.objects.exclude(job="generate").count() == 0
