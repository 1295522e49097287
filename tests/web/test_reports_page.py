"""/reports/: the pages and their exports."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from bandit.models import DailyCreative, Impression
from bandit.rollups import roll_up
from bandit.views_reports import creatives, learned, report
from creatives.models import Merchant
from tests import factories
from tests.web.access import build_world

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
    roll_up()


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
    for kind in ("csv", "json"):
        table = owner_client.get(f"/reports/export.{kind}", query)
        assert (table.status_code, message in table.content.decode()) == (422, True)


def test_csv_is_a_download(owner_client: Client, merchant: Merchant) -> None:
    show(merchant)
    answer = owner_client.get("/reports/export.csv", {"split": "shown"})
    assert answer["Content-Disposition"] == 'attachment; filename="report-shop-shown.csv"'
    assert answer.content.decode().splitlines()[1].startswith("generated,generated,1,0,0.0,0.0,")


def test_json_is_a_download(owner_client: Client, merchant: Merchant) -> None:
    show(merchant)
    answer = owner_client.get("/reports/export.json", {"split": "shown"})
    assert answer["Content-Disposition"] == 'attachment; filename="report-shop-shown.json"'
    assert answer.json()["rows"][0]["impressions"] == 1


def test_events_that_are_not_counted_yet_are_mentioned(owner_client: Client, merchant: Merchant) -> None:
    show(merchant)
    assert "still being counted" not in owner_client.get("/reports/").content.decode()
    Impression.objects.update(flags=["bot"])
    assert "still being counted" in owner_client.get("/reports/").content.decode()


def test_best_creatives_with_their_pictures(owner_client: Client) -> None:
    made = build_world().creative
    DailyCreative.objects.create(
        merchant=made.merchant,
        day=timezone.now().date(),
        is_simulated=False,
        creative_id=made.pk,
        placement="home",
        impressions=500,
        clicks=20,
    )
    query = {"merchant": "ours", "split": "shown"}
    client = Client()
    client.force_login(factories.member(made.merchant, "editor"))
    page = client.get("/reports/creatives/", query).content.decode()
    assert f'src="{made.final.url}"' in page
    assert f"/products/{made.request.merchant.products.get().pk}/" in page
    assert "1.00 × its pool" in page
    rows = client.get("/reports/creatives.json", query).json()["rows"]
    assert [(row["creative"], row["clicks"]) for row in rows] == [(made.pk, 20)]
    assert (
        client.get("/reports/creatives.csv", query)
        .content.decode()
        .splitlines()[1]
        .startswith(f"best,{made.pk},")
    )


def test_what_the_bandit_learned(owner_client: Client, merchant: Merchant) -> None:
    version = factories.prompt_version(factories.category("Shoes"))
    fields = {"category_id": version.prompt.category_id, "prompt_version_id": version.pk, "device": "mobile"}
    show(merchant, arm="personalised", arm_kind="personalised", **fields)
    page = owner_client.get("/reports/learned/").content.decode()
    assert f"mobile: {version} most often (100%)" in page
    rows = owner_client.get("/reports/learned.json").json()["rows"]
    assert [(row["pool"], row["device"], row["share"]) for row in rows] == [("Shoes", "mobile", 1.0)]
    assert "Shoes,mobile," in owner_client.get("/reports/learned.csv").content.decode()


PATHS = ("/reports/", "/reports/creatives/", "/reports/learned/")
FILES = [f"/reports/{name}.{kind}" for name in ("export", "creatives", "learned") for kind in ("csv", "json")]


@pytest.mark.parametrize("path", [*PATHS, *FILES])
def test_another_merchants_report_does_not_exist(owner_client: Client, path: str) -> None:
    factories.merchant("rival")
    assert owner_client.get(path).status_code == 200
    assert owner_client.get(path, {"merchant": "rival"}).status_code == 404


@pytest.mark.parametrize("view", [report, creatives, learned])
def test_the_log_itself_is_not_read(
    view: Any, merchant: Merchant, rf: RequestFactory, django_assert_max_num_queries: Any
) -> None:
    request = rf.get("/")
    request.user = factories.member(merchant, "owner")
    request.htmx = False
    with django_assert_max_num_queries(25) as captured:
        assert view(request).status_code == 200
    logs = ("bandit_impression", "bandit_click", "bandit_conversion")
    assert not [query["sql"] for query in captured if any(name in query["sql"] for name in logs)]


def test_reviewers_have_no_reports(client: Client, merchant: Merchant) -> None:
    client.force_login(factories.member(merchant, "reviewer"))
    assert client.get("/reports/").status_code == 403
