"""Phase I of the paper, end to end: the product on plain white is a creative of its own, decided for, shown and counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import Client

from bandit.experiment_designs import READY_MADE
from bandit.experiments import create_experiment, start_experiment
from bandit.models import Click, Design, Impression
from creatives.models import CreativeRequest, ImageMask, OutboxEntry, PositionedRendition
from creatives.outbox import dispatch_once
from creatives.pipeline import Segmenter, open_image
from creatives.pipeline.cutout import cut_out
from creatives.services import masks
from creatives.services.files import load
from creatives.services.renditions import position_missing
from tests import factories, studio
from tests.bandit_rows import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    """With a photo that can be cut out, and everybody in one of the arms of phase I."""
    shop = Shop(prompts=1)
    image, drawn = shop.products[0].images.get(), studio.photo(shop.merchant)
    drawn.product.delete()
    image.sha256, image.file, image.width, image.height = drawn.sha256, drawn.file, drawn.width, drawn.height
    image.save()
    made = READY_MADE[Design.PHASE_1]
    start_experiment(create_experiment(shop.merchant, "Phase I", made.arms, design=made.design).pk)
    return shop


def on_white_for(shop: Shop) -> tuple[dict[str, str], dict[str, Any]]:
    """A shopper of the positioned arm, and their decision."""
    for number in range(60):
        user = {"id": f"shopper-{number}"}
        decision = shop.decide(user=user)
        if decision["experiment"]["arm"] == "positioned":
            return user, decision
    raise AssertionError("nobody is in the positioned arm")


def test_the_product_on_white_is_decided_for_shown_and_counted(shop: Shop) -> None:
    user, first = on_white_for(shop)
    assert (first["variant"], first["is_fallback"], first["generation"]) == ("original", True, "queued")
    row = PositionedRendition.objects.get()
    assert OutboxEntry.objects.filter(job="position", key=str(row.pk)).exists()
    while dispatch_once():
        pass
    assert position_missing(row.pk)

    decision = shop.decide(user=user)
    assert (decision["variant"], decision["is_fallback"], decision["generation"]) == (
        "positioned",
        False,
        "not_needed",
    )
    assert (decision["image"]["width"], decision["image"]["height"]) == (300, 250)
    row.refresh_from_db()
    assert decision["image"]["url"].endswith(str(row.file.name))
    picture = open_image(load(str(row.file.name))).rgb
    red = np.abs(picture.astype(int) - [200, 40, 40]).max(axis=2) < 12
    assert picture.shape == (250, 300, 3)
    assert red.mean() > 0.1
    assert ((picture == 255).all(axis=2) | (picture[..., 0] >= 200)).all()

    assert Client().get(decision["impression_url"]).status_code == 200
    assert Client().get(decision["click_url"]).status_code == 302
    shown = Impression.objects.get()
    assert (shown.variant, shown.arm, shown.is_fallback, shown.prompt_version_id) == (
        "positioned",
        "positioned",
        False,
        None,
    )
    assert Click.objects.get().decision_id == shown.decision_id


def test_a_product_on_white_with_a_doubtful_mask_waits_for_a_person(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, _ = on_white_for(shop)
    row = PositionedRendition.objects.get()
    image = shop.products[0].images.get()
    from creatives.services import renditions

    found = cut_out

    def unsure(*args: Any, **kwargs: Any) -> Any:
        import dataclasses

        cutout = found(*args, **kwargs)
        return cutout if kwargs["matte"] else dataclasses.replace(cutout, confidence=0.3)

    monkeypatch.setattr(renditions, "cut_out", unsure)
    assert not position_missing(row.pk)
    row.refresh_from_db()
    assert (row.file.name, "in doubt (confidence 0.30)" in row.error) == ("", True)
    assert shop.decide(user=user)["variant"] == "original"
    assert ImageMask.objects.get().confidence == 0.3  # so it is listed under Masks
    assert not position_missing(row.pk)

    masks.confirm(image, factories.user(), base=0)
    assert position_missing(row.pk)
    assert shop.decide(user=user)["variant"] == "positioned"
    assert Segmenter().key == ImageMask.objects.get(revision=0).segmenter


def test_a_merchants_own_layout_is_where_the_product_on_white_stands(shop: Shop) -> None:
    from creatives.models import MerchantPlacement

    MerchantPlacement.objects.create(
        merchant=shop.merchant, placement=shop.placement, text_width=50, text_height=100
    )
    on_white_for(shop)
    row = PositionedRendition.objects.get(layout="s72-s-m8-t0.0.50.100")
    assert position_missing(row.pk)
    row.refresh_from_db()
    picture = open_image(load(str(row.file.name))).rgb
    assert (picture[:, :150] == 255).all()
    assert not (picture[:, 150:] == 255).all()
    assert set(CreativeRequest.objects.values_list("layout", flat=True)) <= {"s72-s-m8-t0.0.50.100"}
