"""New sizes of painted creatives, and products on white, without painting anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from creatives.models import Creative, PositionedRendition, Rendition, WebhookDelivery
from creatives.pipeline import open_image
from creatives.services.creatives import approve, reject
from creatives.services.files import load, store
from creatives.services.generation import Want, request_creatives
from creatives.services.renditions import position_missing, render_missing
from tests import factories, studio

pytestmark = pytest.mark.django_db


def with_new_size(**fields: Any) -> tuple[Creative, Rendition]:
    merchant = factories.merchant()
    studio.recommender(merchant)
    creative = studio.painted(merchant)
    row = creative.request
    request_creatives(merchant, [Want(row.image_sha256, row.prompt_version_id, 600, 500, row.layout)])
    return creative, Rendition.objects.get(width=600)


def test_a_new_size_is_rendered_from_what_was_painted() -> None:
    creative, rendition = with_new_size()
    assert render_missing(creative.request_id) == 1
    rendition.refresh_from_db()
    assert rendition.creative == creative
    assert open_image(load(str(rendition.file.name))).rgb.shape == (500, 600, 3)
    assert WebhookDelivery.objects.count() == 0
    assert render_missing(creative.request_id) == 0


def test_a_new_size_of_an_approved_creative_is_announced_by_itself() -> None:
    creative, rendition = with_new_size()
    approve(creative.pk)
    WebhookDelivery.objects.update(status="delivered")
    assert render_missing(creative.request_id) == 1
    delivery = WebhookDelivery.objects.get(status="pending")
    rendition.refresh_from_db()
    sizes = [(size["width"], size["height"]) for size in delivery.payload["data"]["renditions"]]
    assert (delivery.event_type, sizes) == ("creative.approved", [(600, 500)])
    assert delivery.payload["data"]["image"]["url"].endswith(str(rendition.file.name))


def test_a_size_that_enlarges_the_photo_past_the_limit_is_flagged_for_the_reviewer() -> None:
    creative, _ = with_new_size()
    assert creative.record["warnings"] == [
        "the product's photo is enlarged 2.2 times at 300x250; the limit is 1.5"
    ]
    assert render_missing(creative.request_id) == 1
    creative.refresh_from_db()
    assert creative.record["warnings"] == [
        "the product's photo is enlarged 2.2 times at 300x250; the limit is 1.5",
        "the product's photo is enlarged 4.5 times at 600x500; the limit is 1.5",
    ]


def test_a_later_size_has_the_product_where_the_painting_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A creative of before products were snapped to the border that their photo cut them at keeps its place."""
    from creatives.pipeline import stages

    creative, rendition = with_new_size()
    assert (creative.record["cut"], creative.record["ground"]) == ("", "contact")
    del creative.record["cut"]
    creative.save()
    monkeypatch.setattr(stages, "cut_sides", lambda alpha: "s")
    assert render_missing(creative.request_id) == 1
    rendition.refresh_from_db()
    rgb = open_image(load(str(rendition.file.name))).rgb
    assert not (np.abs(rgb[-5:].astype(int) - [200, 40, 40]).max(axis=2) < 12).any()


def test_nothing_is_rendered_for_a_rejected_creative() -> None:
    creative, rendition = with_new_size()
    reject(creative.pk, "ugly")
    assert render_missing(creative.request_id) == 0
    rendition.refresh_from_db()
    assert (rendition.file.name, rendition.attempts) == ("", 0)


def test_a_failure_is_noted_and_tried_again_later_a_limited_number_of_times(settings: Any) -> None:
    settings.GENERATION_MAX_ATTEMPTS = 2
    creative, rendition = with_new_size()
    default_storage.delete(str(creative.generated.name))
    for attempt in (1, 2):
        assert render_missing(creative.request_id) == 0
        rendition.refresh_from_db()
        assert rendition.attempts == attempt
        assert "FileNotFoundError" in rendition.error
        assert rendition.due_at > timezone.now()
        Rendition.objects.update(due_at=timezone.now())
    assert render_missing(creative.request_id) == 0
    rendition.refresh_from_db()
    assert rendition.attempts == 2


def test_the_product_on_white() -> None:
    merchant = factories.merchant(fallback="positioned")
    image = studio.photo(merchant)
    request_creatives(merchant, [studio.want(image, studio.version())])
    row = PositionedRendition.objects.get()
    assert position_missing(row.pk) is True
    row.refresh_from_db()
    rgb = open_image(load(str(row.file.name))).rgb
    assert rgb.shape == (250, 300, 3)
    assert rgb[0, 0].tolist() == [255, 255, 255]
    assert (np.abs(rgb.astype(int) - [200, 40, 40]).max(axis=2) < 12).mean() > 0.1
    assert position_missing(row.pk) is False


def test_a_product_on_white_whose_photo_is_gone_is_noted() -> None:
    merchant = factories.merchant(fallback="positioned")
    request_creatives(merchant, [Want("a" * 64, studio.version().pk, 300, 250, studio.LAYOUT)])
    row = PositionedRendition.objects.get()
    assert position_missing(row.pk) is False
    row.refresh_from_db()
    assert (row.attempts, row.file.name) == (1, "")
    assert "no longer in the catalogue" in row.error


def test_storing_the_same_bytes_twice_is_storing_them_once() -> None:
    name = store(b"some picture")
    assert store(b"some picture") == name
    assert load(name) == b"some picture"


def test_a_file_cut_short_by_a_killed_writer_is_not_taken_for_the_whole() -> None:
    name = store(b"another picture")
    with default_storage.open(name, "wb") as file:
        file.write(b"anoth")
    again = store(b"another picture")
    assert again != name
    assert load(again) == b"another picture"
