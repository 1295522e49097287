"""Arms of pipeline versions: each shows only what its version has painted."""

from __future__ import annotations

import pytest

from bandit.experiments import ArmSpec, create_experiment, start_experiment
from creatives.models import CreativeRequest
from creatives.services.sizes import current_pipeline_version
from tests.bandit_rows import Shop

pytestmark = pytest.mark.django_db


def versus(shop: Shop, **versions: str) -> None:
    share = 100 // len(versions)
    arms = [ArmSpec(name, "random", share, pipeline_version=version) for name, version in versions.items()]
    start_experiment(create_experiment(shop.merchant, "II", arms, design="phase_2").pk)


def test_each_arm_shows_pictures_of_its_version() -> None:
    shop = Shop(prompts=1)
    old = shop.approve(shop.products[0], shop.versions[0])
    CreativeRequest.objects.update(pipeline_version="0-old")
    new = shop.approve(shop.products[0], shop.versions[0])
    versus(shop, before="0-old", after=current_pipeline_version())
    seen = set()
    for number in range(20):
        decided = shop.decide(user={"id": f"u{number}", "features": {}})
        seen.add((decided["experiment"]["arm"], decided["image"]["url"].rsplit("/", 1)[1]))
        assert (decided["variant"], decided["is_fallback"]) == ("generated", False)
    assert seen == {("before", f"{old.pk}.png"), ("after", f"{new.pk}.png")}


def test_a_past_version_paints_no_more_and_falls_back() -> None:
    shop = Shop(prompts=2)
    shop.approve(shop.products[0], shop.versions[0])
    CreativeRequest.objects.update(pipeline_version="0-old")
    versus(shop, before="0-old")
    for number in range(8):
        decided = shop.decide(user={"id": f"u{number}", "features": {}})
        assert (decided["prompt"]["id"], decided["propensity"]) == (shop.versions[0].prompt_id, 1.0)
    other = shop.product()
    decided = shop.decide(other)
    assert (decided["variant"], decided["is_fallback"], decided["generation"]) == ("original", True, "failed")
    assert CreativeRequest.objects.count() == 1
