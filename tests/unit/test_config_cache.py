"""What decisions are made with is kept in memory, and never older than the request."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bandit.config_cache import ConfigCache, forget_old_changes
from bandit.experiments import ArmSpec, create_experiment, start_experiment
from bandit.models import ConfigChange, PausedPrompt, PoolControl
from creatives.models import ApiKey, Merchant, Placement, PromptVersion
from tests import factories
from tests.bandit_rows import Shop

pytestmark = pytest.mark.django_db


def test_values_are_read_once_until_something_changes() -> None:
    cache, asked = ConfigCache(), []

    def read(keys: set[str]) -> dict[str, int]:
        asked.append(sorted(keys))
        return {key: len(key) for key in keys if key != "none"}

    assert cache.view().many("kind", ["a", "bb", "none"], read) == {"a": 1, "bb": 2}
    assert cache.view().many("kind", ["a", "none", "ccc"], read) == {"a": 1, "ccc": 3}
    assert cache.view().many("other", ["a"], read) == {"a": 1}
    assert asked == [["a", "bb", "none"], ["ccc"], ["a"]]
    factories.placement()
    assert cache.view().many("kind", ["a"], read) == {"a": 1}
    assert asked[-1] == ["a"]


def _retire(shop: Shop) -> None:
    PromptVersion.objects.filter(pk=shop.versions[0].pk).update(retired_at=timezone.now())


def _experiment(shop: Shop) -> None:
    start_experiment(create_experiment(shop.merchant, "x", [ArmSpec("r", "random", 100)]).pk)


@pytest.mark.parametrize(
    "change",
    [
        lambda shop: factories.category("Another"),
        lambda shop: factories.prompt_version(shop.category),
        _retire,
        _experiment,
        lambda shop: Placement.objects.filter(pk=shop.placement.pk).update(name="x"),
        lambda shop: Merchant.objects.filter(pk=shop.merchant.pk).update(alpha=0.1),
        lambda shop: ApiKey.objects.update(revoked_at=timezone.now()),
        lambda shop: PoolControl.objects.create(merchant=shop.merchant, category=shop.category),
        lambda shop: PausedPrompt.objects.create(
            merchant=shop.merchant, category=shop.category, prompt_version=shop.versions[0]
        ),
    ],
)
def test_every_change_that_matters_is_noticed(change: Callable[[Shop], object]) -> None:
    shop, cache = Shop(), ConfigCache()
    before = cache.view()
    assert cache.view() is before
    change(shop)
    assert cache.view() is not before


def test_a_decision_asks_for_little_once_its_configuration_is_known() -> None:
    shop = Shop(prompts=1)  # a second one would be asked for whenever it is chosen
    shop.approve(shop.products[0], shop.versions[0])
    shop.decide()  # starts the merchant's default experiment, which is a change
    shop.decide()
    with CaptureQueriesContext(connection) as captured:
        shop.decide()
    tables = [re.findall(r'(?:FROM|JOIN) "?(\w+)', query["sql"]) for query in captured]
    assert [next(name for name in found if "_" in name) for found in tables] == [
        "bandit_configchange",
        "creatives_product",
        "creatives_creativerequest",
    ]


def test_a_revoked_key_is_refused_at_once() -> None:
    shop = Shop()
    assert shop.ask().status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    assert shop.ask().status_code == 401


def test_old_changes_are_forgotten_but_the_newest() -> None:
    factories.merchant()
    ConfigChange.objects.update(at=timezone.now() - timedelta(hours=1))
    newest = ConfigChange.objects.order_by("-id")[0]
    cache = ConfigCache()
    before = cache.view()
    forget_old_changes()
    assert list(ConfigChange.objects.all()) == [newest]
    factories.placement()
    after = cache.view()
    assert after is not before
    assert cache.view() is after
    assert ConfigChange.objects.count() == 2
