"""/reports/: the page and its CSV."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bandit.models import Impression
from creatives.models import Merchant
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def owner_client(client: Client, merchant: Merchant) -> Client:
    client.force_login(factories.member(merchant, "owner"))
    return client


def show(merchant: Merchant, **fields: object) -> None:
    moment = timezone.now() - timedelta(minutes=5)
    defaults = {
        "decision_id": uuid.uuid4(),
        "user_key": "u",
        "arm": "random",
        "arm_kind": "random",
        "placement": "home",
        "variant": "generated",
        "is_fallback": False,
        "propensity": 1.0,
        "policy_version": 0,
        "encoding_version": 1,
        "issued_at": moment,
        "occurred_at": moment,
    }
    Impression.objects.create(merchant=merchant, **(defaults | fields))


def test_the_page_shows_the_arms(owner_client: Client, merchant: Merchant) -> None:
    show(merchant, is_simulated=True)
    page = owner_client.get("/reports/")
    assert page.status_code == 200
    assert "random" in page.content.decode()
    assert "1 simulated" in page.content.decode()


def test_an_empty_log_says_what_to_do(owner_client: Client) -> None:
    assert "simulate --impressions" in owner_client.get("/reports/").content.decode()


def test_dates_are_whole_days(owner_client: Client, merchant: Merchant) -> None:
    show(merchant, occurred_at=timezone.now() - timedelta(days=40))
    day = (timezone.now() - timedelta(days=40)).date().isoformat()
    page = owner_client.get("/reports/", {"period": "", "start": day, "end": day})
    assert "<b>1</b>" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"period": "", "start": "2026-02-02", "end": "2026-02-01"},
            "From 2026-02-02 is after to 2026-02-01.",
        ),
        ({"period": "", "start": ""}, "Choose a period, or give both dates."),
        ({"split": "shoe size"}, "Select a valid choice. shoe size is not one of the available choices."),
    ],
)
def test_a_wrong_filter_is_explained(owner_client: Client, query: dict[str, str], message: str) -> None:
    page = owner_client.get("/reports/", query)
    assert page.status_code == 422
    assert message in page.content.decode()
    table = owner_client.get("/reports/export.csv", query)
    assert (table.status_code, message in table.content.decode()) == (422, True)


def test_csv_is_a_download(owner_client: Client, merchant: Merchant) -> None:
    show(merchant)
    answer = owner_client.get("/reports/export.csv", {"split": "shown"})
    assert answer["Content-Disposition"] == 'attachment; filename="report-shop-shown.csv"'
    assert answer.content.decode().splitlines()[1].startswith("generated,1,1,0,0.0,0.0,")


def test_another_merchants_report_does_not_exist(owner_client: Client) -> None:
    factories.merchant("rival")
    assert owner_client.get("/reports/", {"merchant": "rival"}).status_code == 404
    assert owner_client.get("/reports/export.csv", {"merchant": "rival"}).status_code == 404


def test_reviewers_have_no_reports(client: Client, merchant: Merchant) -> None:
    client.force_login(factories.member(merchant, "reviewer"))
    assert client.get("/reports/").status_code == 403
