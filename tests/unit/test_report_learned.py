"""What the bandit has learned: shares, corrected rates, words, and clicks won."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bandit import report_learned
from bandit.models import DailyCell
from bandit.report_query import ReportFilter
from bandit.rollups import roll_up
from creatives.models import Category, PromptVersion
from tests import factories
from tests.log_rows import LogRows

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def pool() -> Category:
    return factories.category("Shoes")


@pytest.fixture
def prompts(pool: Category) -> list[PromptVersion]:
    return [factories.prompt_version(pool) for _ in range(2)]


def cell(log: LogRows, prompt: PromptVersion, n: int, c: int, propensity: float, **fields: Any) -> None:
    """A day's impressions of a prompt, all with one propensity."""
    w = 1 / propensity
    defaults = {
        "day": START.date(),
        "is_simulated": False,
        "arm": "personalised",
        "arm_kind": "personalised",
        "category_id": prompt.prompt.category_id,
        "prompt_version_id": prompt.pk,
        "placement": "home",
        "device": "mobile",
        "variant": "generated",
        "is_fallback": False,
        "conversions": 0,
        "value": 0,
    }
    sums = {
        "weight": n * w,
        "weight_squared": n * w * w,
        "clicked_weight": c * w,
        "clicked_weight_squared": c * w * w,
    }
    DailyCell.objects.create(merchant=log.merchant, impressions=n, clicks=c, **sums, **(defaults | fields))


@pytest.fixture
def log() -> LogRows:
    return LogRows(factories.merchant(), START)


def build(log: LogRows, segment: str = "device", **fields: Any) -> report_learned.Learned:
    return report_learned.build(
        ReportFilter(log.merchant, START, START + timedelta(days=10), **fields), segment
    )


def test_shares_are_the_policys_and_rates_everybodys(log: LogRows, prompts: list[PromptVersion]) -> None:
    one, two = prompts
    cell(log, one, 900, 45, 0.9)
    cell(log, two, 100, 2, 0.1)
    for prompt in prompts:
        cell(log, prompt, 500, 20, 0.5, arm="random", arm_kind="random")
    (pool,) = build(log).pools
    (segment,) = pool.segments
    assert (segment.name, segment.impressions, pool.clicks) == ("mobile", 1000, 47)
    first, second = segment.choices
    assert [first.share, second.share] == [0.9, 0.1]
    assert first.rate == pytest.approx((45 / 0.9 + 20 / 0.5) / (900 / 0.9 + 500 / 0.5))
    assert second.rate == pytest.approx((2 / 0.1 + 20 / 0.5) / (100 / 0.1 + 500 / 0.5))
    assert segment.words.startswith(f"mobile: {one} most often (90%); it is clicked 4.50% of the time")


def test_prompts_are_named_without_their_pool_whatever_its_name(log: LogRows) -> None:
    prompt = factories.prompt_version(factories.category("Shoes · Boots"))
    cell(log, prompt, 1000, 50, 0.5)
    ((choice,),) = [segment.choices for segment in build(log).pools[0].segments]
    assert choice.label == str(prompt)


def test_what_showed_no_prompt_teaches_nothing(log: LogRows, prompts: list[PromptVersion]) -> None:
    cell(log, prompts[0], 500, 20, 1.0, variant="original", is_fallback=True)
    cell(log, prompts[0], 500, 20, 1.0, arm="original", arm_kind="original")
    assert build(log).pools == []
    assert report_learned.headline(build(log)).startswith("No generated picture")


def test_little_data_is_called_little(log: LogRows, prompts: list[PromptVersion]) -> None:
    cell(log, prompts[0], 20, 3, 0.5)
    found = build(log)
    assert "too little data" in found.pools[0].segments[0].words
    assert found.valued == []
    assert report_learned.summary(found)["won"] is None
    assert report_learned.headline(found).startswith("Two days")
    assert report_learned.records(found)[0]["ctr_low"] is None


def test_what_choosing_brought(log: LogRows, prompts: list[PromptVersion]) -> None:
    """Two devices with a favourite each; LinUCB follows them nine times in ten."""
    one, two = prompts
    for day in range(4):
        for device, (liked, other) in {"mobile": (one, two), "desktop": (two, one)}.items():
            at = {"day": START.date() + timedelta(days=day), "device": device}
            cell(log, liked, 9500, 570, 0.95, **at)
            cell(log, other, 500, 10, 0.05, **at)
    found = build(log)
    assert found.clicks == 4 * 2 * 580
    assert found.random.clicks == pytest.approx(4 * 2 * 10_000 * 0.04)
    assert found.best.clicks == pytest.approx(4 * 2 * 10_000 * 0.04)
    assert found.won.low > 0
    assert found.regret.high < 0
    assert "choosing by shopper beats any single prompt" in report_learned.headline(found)
    drawn = report_learned.chart(found)
    assert drawn["series"][0]["values"][-1] == pytest.approx(4640 - 3200)
    assert report_learned.summary(found)["won"] == list(found.won)


def test_by_placement(log: LogRows, prompts: list[PromptVersion]) -> None:
    placement = factories.placement("home")
    cell(log, prompts[0], 10, 1, 0.5)
    cell(log, prompts[0], 30, 1, 0.5, placement="unknown to us")
    names = [segment.name for segment in build(log, "placement").pools[0].segments]
    assert names == ["unknown to us", str(placement)]


def test_the_cells_of_a_real_log_feed_it(log: LogRows, prompts: list[PromptVersion], pool: Category) -> None:
    rng = random.Random(5)
    for number in range(400):
        prompt = rng.choice(prompts)
        log.show(
            f"u{number}",
            hours=rng.uniform(0, 90),
            arm="personalised",
            arm_kind="personalised",
            category_id=pool.pk,
            prompt_version_id=prompt.pk,
            clicked_after=1 if rng.random() < 0.2 else None,
        )
    roll_up()
    found = build(log)
    assert sum(choice.share for choice in found.pools[0].segments[0].choices) == pytest.approx(1.0)
    assert found.valued
    assert found.won.low < 0 < found.won.high
