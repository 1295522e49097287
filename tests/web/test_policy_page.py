"""/policy/: what LinUCB believes, for those whose shoppers taught it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from bandit.learning import learn_once
from bandit.models import Policy
from creatives.models import Merchant, User
from tests import factories
from tests.bandit_rows import FEATURES, pool, shown

pytestmark = pytest.mark.django_db


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def taught(merchant: Merchant) -> Policy:
    """Of two prompts the second is clicked on desktops."""
    versions = pool(factories.category(f"Home {merchant.slug}"), 2)
    for number in range(24):
        device = ("mobile", "desktop")[number // 2 % 2]
        features = FEATURES | {"user": {"device": device}}
        clicked = number % 2 == 1 and device == "desktop"
        shown(
            merchant, versions[number % 2], features=features, clicked_after=timedelta(0) if clicked else None
        )
    learn_once()
    return Policy.objects.get(merchant=merchant)


def test_it_says_what_was_learned() -> None:
    merchant = factories.merchant()
    policy = taught(merchant)
    best = pool_of(policy)[1]
    page = as_(factories.member(merchant, "owner")).get("/policy/").content.decode()
    assert f"<strong>{best.prompt.name}</strong> is believed best" in page
    assert "device is desktop (rather than mobile)" in page
    assert "Impressions learned</span><b>24</b>" in page
    assert "Clicked in time</span><b>6</b>" in page
    assert "style=" not in page


def pool_of(policy: Policy) -> list:
    from creatives.selectors.prompts import pool as versions

    return versions(policy.category)


def test_a_retired_prompt_keeps_what_was_learned_and_a_new_one_has_nothing_yet() -> None:
    merchant = factories.merchant()
    policy = taught(merchant)
    retired = pool_of(policy)[0]
    type(retired).objects.filter(pk=retired.pk).update(retired_at="2026-01-01T00:00Z")
    factories.prompt_version(policy.category)
    page = as_(factories.member(merchant, "editor")).get("/policy/").content.decode()
    assert "Retired" in page
    assert "not learned from yet" in page


def test_before_anything_was_learned() -> None:
    merchant = factories.merchant()
    version = pool(factories.category("Home"), 1)[0]
    factories.product(merchant, category=version.prompt.category)
    shown(merchant, version)
    page = as_(factories.member(merchant, "owner")).get("/policy/").content.decode()
    assert "Nothing learned yet" in page
    assert "1 is waiting" in page


def test_policies_of_others_do_not_exist() -> None:
    mine, theirs = factories.merchant(), factories.merchant()
    foreign = taught(theirs)
    taught(mine)
    client = as_(factories.member(mine, "owner"))
    pool_id = foreign.category_id
    assert client.get(f"/policy/?pool={pool_id}").status_code == 404
    assert client.get(f"/policy/?merchant={theirs.slug}").status_code == 404
    assert client.get("/policy/?pool=x").status_code == 404
    assert foreign.category.path not in client.get("/policy/").content.decode()
    assert as_(factories.admin()).get(f"/policy/?merchant={theirs.slug}&pool={pool_id}").status_code == 200


def test_reviewers_and_strangers_stay_out() -> None:
    merchant = factories.merchant()
    assert as_(factories.member(merchant, "reviewer")).get("/policy/").status_code == 403
    assert Client().get("/policy/").status_code == 302
