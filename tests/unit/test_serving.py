"""What can be served: only renditions of approved creatives, whatever else there is."""

from __future__ import annotations

from typing import Any

import pytest

from creatives.models import Creative, CreativeRequest, OutboxEntry, PositionedRendition, Rendition
from creatives.selectors.serving import ServingState, positioned_url, serving_states
from creatives.services.creatives import approve, reject, retire
from creatives.services.generation import Want, request_creatives
from creatives.services.painting import paint_bucket
from tests import factories, studio

pytestmark = pytest.mark.django_db


def state_of(creative: Creative, **changes: Any) -> ServingState:
    row = creative.request
    want = Want(row.image_sha256, row.prompt_version_id, 300, 250, row.layout)._replace(**changes)
    return serving_states(creative.merchant_id, [want])[want]


def test_only_an_approved_creative_is_ready() -> None:
    creative = studio.painted(factories.merchant())
    assert state_of(creative) == ServingState("in_review", 300, 250, creative_id=creative.pk)
    approve(creative.pk)
    url = f"http://127.0.0.1:8000/media/{creative.renditions.get().file.name}"
    assert state_of(creative) == ServingState("ready", 300, 250, url=url, creative_id=creative.pk)
    retire(creative.pk, "old")
    assert state_of(creative).state == "rejected"
    assert state_of(creative).url is None


def test_states_of_what_is_not_painted(settings: Any) -> None:
    merchant, version = factories.merchant(), studio.version()
    want = Want("a" * 64, version.pk, 300, 250, studio.LAYOUT)
    assert serving_states(merchant.pk, [want])[want] == ServingState("missing", 300, 250)
    request_creatives(merchant, [want])
    for status, state in (("queued", "queued"), ("running", "queued"), ("failed", "failed")):
        CreativeRequest.objects.update(status=status)
        assert serving_states(merchant.pk, [want])[want].state == state


def test_a_rejected_creative_and_a_size_that_cannot_be_painted() -> None:
    creative = studio.painted(factories.merchant())
    reject(creative.pk, "ugly")
    assert state_of(creative).state == "rejected"
    assert state_of(creative, width=2000, height=20).state == "failed"


def test_a_size_nobody_asked_for_is_missing_though_another_is_ready() -> None:
    creative = studio.painted(factories.merchant())
    approve(creative.pk)
    assert state_of(creative, width=336, height=280).state == "missing"
    assert state_of(creative, layout="s50-c-m8").state == "missing"
    Rendition.objects.create(request=creative.request, width=336, height=280)
    assert state_of(creative, width=336, height=280).state == "queued"


def test_a_merchant_is_never_served_another_s_creative() -> None:
    creative = studio.painted(factories.merchant())
    approve(creative.pk)
    row = creative.request
    want = Want(row.image_sha256, row.prompt_version_id, 300, 250, row.layout)
    assert serving_states(factories.merchant().pk, [want])[want].state == "missing"


def test_an_approved_picture_of_earlier_weights_is_served_until_the_new_one_is_approved() -> None:
    merchant = factories.merchant()
    old = studio.painted(merchant)
    approve(old.pk)
    CreativeRequest.objects.update(pipeline_version="0-old")
    assert state_of(old).creative_id == old.pk
    row = old.request
    request_creatives(merchant, [Want(row.image_sha256, row.prompt_version_id, 300, 250, row.layout)])
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    new = Creative.objects.exclude(pk=old.pk).get()
    assert state_of(old).creative_id == old.pk
    approve(new.pk)
    assert (state_of(old).state, state_of(old).creative_id) == ("ready", new.pk)
    retire(new.pk, "worse")
    assert state_of(old).creative_id == old.pk


def test_earlier_weights_without_an_approved_picture_count_for_nothing() -> None:
    creative = studio.painted(factories.merchant())
    CreativeRequest.objects.update(pipeline_version="0-old")
    assert state_of(creative).state == "missing"


def test_many_wants_take_one_query(django_assert_num_queries: Any) -> None:
    merchant, versions = factories.merchant(), [studio.version() for _ in range(4)]
    wants = [
        Want(f"{n:064x}", version.pk, 300, 250, studio.LAYOUT) for n in range(10) for version in versions
    ]
    request_creatives(merchant, wants)
    with django_assert_num_queries(1):
        states = serving_states(merchant.pk, wants)
    assert {state.state for state in states.values()} == {"queued"}
    assert set(states) == set(wants)
    with django_assert_num_queries(0):
        assert serving_states(merchant.pk, []) == {}


def test_the_product_on_white_is_there_once_it_is_rendered() -> None:
    merchant = factories.merchant()
    key = {"image_sha256": "a" * 64, "layout": studio.LAYOUT, "width": 300, "height": 250}
    assert positioned_url(merchant.pk, **key) is None  # type: ignore[arg-type]
    row = PositionedRendition.objects.create(merchant=merchant, **key)
    assert positioned_url(merchant.pk, **key) is None  # type: ignore[arg-type]
    row.file = "creatives/ab/x.png"
    row.save()
    assert positioned_url(merchant.pk, **key) == "http://127.0.0.1:8000/media/creatives/ab/x.png"  # type: ignore[arg-type]
    assert OutboxEntry.objects.count() == 0
