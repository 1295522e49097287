"""Best and worst creatives: ranked within their pool, with what is known about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bandit import report_creatives
from bandit.models import DailyCreative
from bandit.report_query import ReportFilter
from bandit.statistics import wilson
from creatives.models import Creative, CreativeRequest, Merchant, PromptVersion
from tests import factories

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


class Pool:
    """Creatives of one product with prompts of one category."""

    def __init__(self, merchant: Merchant, category: str) -> None:
        self.merchant, self.category = merchant, factories.category(category)
        self.product = factories.product(merchant, category=self.category)
        self.image = factories.image(self.product)

    def creative(self, impressions: int, clicks: int, **fields: Any) -> Creative:
        request = CreativeRequest.objects.create(
            merchant=self.merchant,
            image_sha256=self.image.sha256,
            prompt_version=factories.prompt_version(self.category),
            bucket="320x256",
            layout="s72-s-m8",
            pipeline_version="1",
        )
        files = {name: f"creatives/{name}.png" for name in ("mask", "placed", "edges", "generated", "final")}
        creative = Creative.objects.create(
            merchant=self.merchant, request=request, seed=1, status="approved", **files
        )
        self.shown(creative, impressions, clicks, **fields)
        return creative

    def shown(self, creative: Creative, impressions: int, clicks: int, **fields: Any) -> None:
        defaults = {"day": START.date(), "is_simulated": False, "placement": "home"}
        DailyCreative.objects.create(
            merchant=self.merchant,
            creative_id=creative.pk,
            impressions=impressions,
            clicks=clicks,
            **(defaults | fields),
        )


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant()


def build(merchant: Merchant, limit: int = 12, **fields: Any) -> report_creatives.CreativeReport:
    return report_creatives.build(ReportFilter(merchant, START, START + timedelta(days=7), **fields), limit)


def test_ranked_by_what_chance_leaves_of_the_lead_over_the_pool(merchant: Merchant) -> None:
    shoes, mugs = Pool(merchant, "Shoes"), Pool(merchant, "Mugs")
    sure = shoes.creative(10_000, 300)
    lucky = shoes.creative(120, 5)
    poor = shoes.creative(10_000, 100)
    clicky_pool = mugs.creative(5_000, 500)
    found = build(merchant, limit=2)
    assert (found.shown, found.judged) == (4, 4)
    assert [row.creative for row in found.best] == [sure, clicky_pool]
    assert [row.creative for row in found.worst] == [poor, lucky]
    first = found.best[0]
    assert first.ratio == pytest.approx(0.03 / (405 / 20_120))
    assert first.interval == wilson(300, 10_000)
    assert (first.product, first.pool) == (shoes.product, "Shoes")


def test_a_creative_is_in_one_list_only(merchant: Merchant) -> None:
    pool = Pool(merchant, "Shoes")
    creatives = [pool.creative(1000, clicks) for clicks in (10, 30, 20)]
    found = build(merchant)
    assert [row.creative for row in found.best] == [creatives[1], creatives[2]]
    assert [row.creative for row in found.worst] == [creatives[0]]


def test_days_and_placements_add_up_and_can_be_left_out(merchant: Merchant) -> None:
    pool = Pool(merchant, "Shoes")
    creative = pool.creative(100, 1)
    pool.shown(creative, 200, 9, placement="cart", day=START.date() + timedelta(days=6))
    pool.shown(creative, 999, 9, day=START.date() + timedelta(days=7))
    pool.shown(creative, 400, 9, is_simulated=True)
    (row,) = build(merchant, traffic="live").best
    assert (row.impressions, row.clicks) == (300, 10)
    (row,) = build(merchant, placement="cart").best
    assert (row.impressions, row.clicks) == (200, 9)
    assert build(merchant, category_id=pool.category.pk).judged == 1
    assert build(merchant, category_id=factories.category("Mugs").pk).judged == 0
    prompt = PromptVersion.objects.get()
    assert build(merchant, prompt_version_id=prompt.pk).judged == 1
    assert build(merchant, prompt_version_id=prompt.pk + 1).judged == 0


def test_what_was_shown_seldom_is_not_ranked(merchant: Merchant) -> None:
    Pool(merchant, "Shoes").creative(report_creatives.MIN_IMPRESSIONS - 1, 50)
    found = build(merchant)
    assert (found.shown, found.judged, found.best) == (1, 0, [])


def test_a_pool_without_clicks(merchant: Merchant) -> None:
    Pool(merchant, "Shoes").creative(1000, 0)
    (row,) = build(merchant).best
    assert (row.ctr, row.ratio) == (0.0, 1.0)


def test_another_merchants_creatives_are_not_shown(merchant: Merchant) -> None:
    Pool(factories.merchant(), "Shoes").creative(1000, 10)
    assert build(merchant).shown == 0


def test_records(merchant: Merchant) -> None:
    pool = Pool(merchant, "Shoes")
    creative = pool.creative(1000, 10)
    (record,) = report_creatives.records(build(merchant))
    assert (record["list"], record["creative"], record["product"]) == (
        "best",
        creative.pk,
        pool.product.external_id,
    )
    assert record["picture"].endswith("creatives/final.png")
