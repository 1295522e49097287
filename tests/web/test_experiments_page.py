"""/experiments/: who sees what, and who may change it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bandit.models import Experiment
from bandit.services import DEFAULT_ARMS as ARMS
from bandit.services import create_experiment, ensure_default_experiments
from creatives.models import User
from tests import factories

pytestmark = pytest.mark.django_db
SHARES = {"share_personalised": 60, "share_random": 10, "share_original": 30, "share_positioned": 0}


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_owner_sees_the_arms_of_their_experiments_only() -> None:
    mine, theirs = factories.merchant(), factories.merchant()
    ensure_default_experiments([mine.pk])
    create_experiment(theirs, "Secret plan", ARMS)
    page = as_(factories.member(mine, "owner")).get("/experiments/").content.decode()
    assert "LinUCB against random prompts" in page
    assert "80 %" in page
    assert "20 %" in page
    assert "Secret plan" not in page
    assert "Stop" not in page
    assert "Plan an experiment" not in page


def test_a_foreign_merchant_does_not_exist() -> None:
    mine, theirs = factories.merchant(), factories.merchant()
    client = as_(factories.member(mine, "owner"))
    assert client.get(f"/experiments/?merchant={theirs.slug}").status_code == 404
    assert client.get("/experiments/?merchant=nobody").status_code == 404


@pytest.mark.parametrize("role", ["owner", "editor", "reviewer"])
def test_only_admins_change_experiments(role: str) -> None:
    merchant = factories.merchant()
    draft = create_experiment(merchant, "Photos", ARMS)
    client = as_(factories.member(merchant, role))
    assert client.get("/experiments/add/").status_code == 403
    assert (
        client.post("/experiments/add/", {"name": "x", "merchant": merchant.slug} | SHARES).status_code == 403
    )
    for step in ("start", "stop"):
        assert client.post(f"/experiments/{draft.pk}/{step}/").status_code == 403
    assert Client().post(f"/experiments/{draft.pk}/start/")["Location"].startswith("/login/")
    assert Experiment.objects.get().status == "draft"


def test_reviewers_have_no_business_here() -> None:
    merchant = factories.merchant()
    assert as_(factories.member(merchant, "reviewer")).get("/experiments/").status_code == 403


def test_an_admin_plans_starts_and_stops() -> None:
    merchant = factories.merchant()
    client = as_(factories.admin())
    made = client.post("/experiments/add/", {"name": "Photos", "merchant": merchant.slug} | SHARES)
    assert made["Location"] == f"/experiments/?merchant={merchant.slug}"
    experiment = Experiment.objects.get()
    assert [(arm.name, arm.kind, arm.share) for arm in experiment.arms.all()] == [
        ("personalised", "personalised", 60),
        ("random", "random", 10),
        ("original", "original", 30),
    ]
    for step, status in (("start", "running"), ("stop", "stopped"), ("start", "stopped")):
        assert client.post(f"/experiments/{experiment.pk}/{step}/").status_code == 302
        assert Experiment.objects.get().status == status
    page = client.get("/experiments/", {"merchant": merchant.slug}).content.decode()
    assert "only a draft experiment can be started" in page
    assert "No experiment is running" in page


def test_starting_a_second_one_is_explained() -> None:
    merchant = factories.merchant()
    ensure_default_experiments([merchant.pk])
    draft = create_experiment(merchant, "Photos", ARMS)
    client = as_(factories.admin())
    page = client.post(f"/experiments/{draft.pk}/start/", follow=True).content.decode()
    assert "stop it first" in page
    assert Experiment.objects.get(pk=draft.pk).status == "draft"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share_original": 29}, "add up to 99 %"),
        ({"share_original": -1}, "greater than or equal to 0"),
        ({"share_original": "many"}, "whole number"),
        ({"name": ""}, "required"),
        ({"name": "Taken"}, "already has an experiment named"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(change: dict[str, Any], message: str) -> None:
    merchant = factories.merchant()
    create_experiment(merchant, "Taken", ARMS)
    data = {"name": "Photos", "merchant": merchant.slug} | SHARES | change
    response = as_(factories.admin()).post("/experiments/add/", data)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert Experiment.objects.count() == 1


def test_get_changes_nothing() -> None:
    draft = create_experiment(factories.merchant(), "Photos", ARMS)
    assert as_(factories.admin()).get(f"/experiments/{draft.pk}/start/").status_code == 405
    assert as_(factories.admin()).post("/experiments/999999/start/").status_code == 404
