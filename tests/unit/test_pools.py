"""A product is painted with the prompts of its category, or of the nearest category above it that has any in use."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from creatives.models import PromptVersion
from creatives.selectors.prompts import pool, pool_category, pools_for
from tests import factories

pytestmark = pytest.mark.django_db


def _retire(version: PromptVersion) -> None:
    PromptVersion.objects.filter(pk=version.pk).update(retired_at=timezone.now())


def test_own_pool_comes_before_the_ancestors() -> None:
    shoes = factories.category("Apparel > Shoes")
    factories.prompt_version(shoes.parent)
    own = factories.prompt_version(shoes)

    assert pool_category(shoes) == shoes
    assert pool(shoes) == [own]


def test_nearest_ancestor_serves_a_category_without_prompts_in_use() -> None:
    boots = factories.category("Apparel > Shoes > Boots")
    shoes, apparel = boots.parent, boots.parent.parent
    factories.prompt_version(apparel)
    factories.prompt_version(shoes)
    _retire(factories.prompt_version(boots))

    assert pool_category(boots) == shoes
    assert pool(boots) == []


def test_no_pool_on_the_whole_way_up() -> None:
    boots = factories.category("Apparel > Boots")
    factories.prompt_version(factories.category("Home"))

    assert pool_category(boots) is None
    assert pools_for([boots.pk]) == {}


def test_a_sibling_whose_path_starts_alike_is_no_ancestor() -> None:
    factories.prompt_version(factories.category("Home"))
    homeware = factories.category("Homeware")

    assert pool_category(homeware) is None


def test_pools_for_many_in_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shoes, bags = factories.category("Apparel > Shoes"), factories.category("Apparel > Bags")
    home = factories.category("Home")
    of_apparel = factories.prompt_version(shoes.parent)
    first, second = factories.prompt_version(shoes), factories.prompt_version(shoes)
    _retire(factories.prompt_version(home))

    with django_assert_num_queries(2):
        pools = pools_for([shoes.pk, bags.pk, home.pk, None])

    assert {pk: (found.category.path, found.version_ids) for pk, found in pools.items()} == {
        shoes.pk: ("Apparel > Shoes", (first.pk, second.pk)),
        bags.pk: ("Apparel", (of_apparel.pk,)),
    }


def test_of_a_prompt_only_the_version_in_use_is_in_the_pool() -> None:
    home = factories.category("Home")
    old = factories.prompt_version(home)
    _retire(old)
    new = PromptVersion.objects.create(prompt=old.prompt, version=2, text="a shelf")

    assert pools_for([home.pk])[home.pk].version_ids == (new.pk,)
