"""Demand: impressions that fell back for want of a creative are counted onto its request, each once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bandit.demand import BEHIND, count_demand
from bandit.models import Impression, Watermark
from creatives.models import CreativeRequest, Placement
from creatives.services.generation import request_creatives
from tests.bandit_rows import Shop, shown
from tests.studio import want

pytestmark = pytest.mark.django_db


def missed(shop: Shop, arm: int = 0, **fields: Any) -> Impression:
    """An impression that showed the original instead, received a moment ago."""
    facts = {"product_id": shop.products[0].pk, "is_fallback": True, "variant": "original"}
    placed = {"placement": shop.placement.slug, "creative_id": None}
    made = shown(shop.merchant, shop.versions[arm], **(facts | placed | fields))
    Impression.objects.filter(pk=made.pk).update(received_at=timezone.now() - BEHIND - timedelta(seconds=1))
    return made


def demand() -> dict[int, int]:
    return dict(CreativeRequest.objects.values_list("prompt_version", "demand"))


def rewind() -> None:
    Watermark.objects.update(until=timezone.now() - BEHIND - timedelta(seconds=30))


def test_what_fell_back_is_counted_once() -> None:
    shop = Shop(prompts=2)
    one, two = (shop.approve(shop.products[0], version, "in_review") for version in shop.versions)
    for _ in range(3):
        missed(shop)
    missed(shop, 1)
    missed(shop, 1, is_fallback=False, variant="generated")
    assert count_demand() == 2
    expected = {one.request.prompt_version_id: 3, two.request.prompt_version_id: 1}
    assert demand() == expected
    assert count_demand() == 0
    assert demand() == expected


def test_other_sizes_products_and_bots_do_not_count() -> None:
    shop = Shop(prompts=1)
    shop.approve(shop.products[0], shop.versions[0], "in_review")
    other = Placement.objects.create(slug="tall", name="Tall", width=160, height=600)
    missed(shop, placement=other.slug)
    missed(shop, product_id=shop.product().pk)
    Impression.objects.filter(pk=missed(shop).pk).update(flags=["bot"])
    assert count_demand() == 0
    assert list(demand().values()) == [0]


def test_an_unknown_placement_counts_for_every_size() -> None:
    shop = Shop(prompts=1)
    image = shop.products[0].images.get()
    request_creatives(
        shop.merchant, [want(image, shop.versions[0], *size) for size in ((300, 250), (728, 90))]
    )
    missed(shop, placement="nobody-knows")
    assert count_demand() == 2
    assert list(CreativeRequest.objects.values_list("demand", flat=True)) == [1, 1]


def test_what_has_just_come_in_waits_for_the_next_time() -> None:
    shop = Shop(prompts=1)
    shop.approve(shop.products[0], shop.versions[0], "in_review")
    made = missed(shop)
    Impression.objects.filter(pk=made.pk).update(received_at=timezone.now())
    assert count_demand() == 0
    Impression.objects.update(received_at=timezone.now() - BEHIND - timedelta(seconds=1))
    rewind()
    assert count_demand() == 1
    assert list(demand().values()) == [1]
