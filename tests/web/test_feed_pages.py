"""Pages of feeds: checking first, naming columns, feeds by address."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from creatives.models import CatalogImport, FeedRun, FeedSource, Merchant, OutboxEntry, Product, User
from creatives.services.catalog_import import run_import
from tests import factories

pytestmark = pytest.mark.django_db
UNKNOWN = b"SKU;Name;URL;Weight\n1;Shoe <b>;https://s.example/1;5\n"
SHOPIFY = b"Handle,Title,Variant Price\ncap,Cap,5.00\n"


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def editor(merchant: Merchant) -> User:
    return factories.member(merchant, "editor")


@pytest.fixture
def page(client: Client, editor: User) -> Client:
    client.force_login(editor)
    return client


def send(page: Client, data: bytes, **fields: Any) -> Any:
    return page.post(
        reverse("catalog-upload"), {"merchant": "shop", "file": SimpleUploadedFile("feed.csv", data)} | fields
    )


def text(response: Any) -> str:
    return str(response.content.decode())


def source(merchant: Merchant, **fields: Any) -> FeedSource:
    return FeedSource.objects.create(
        **({"merchant": merchant, "name": "Main", "url": "https://shop.example/feed.tsv"} | fields)
    )


FORM = {
    "merchant": "shop", "name": "Main", "url": "https://shop.example/feed.tsv", "interval_minutes": "360",
    "mode": "auto", "format": "", "currency": "", "link_template": "", "retire_limit": "30",
}  # fmt: skip


def test_an_upload_is_taken_by_its_format_unless_said_otherwise(page: Client) -> None:
    send(page, b"id,title,link\n1,Shoe,https://s.example\n")
    assert CatalogImport.objects.get().mode == "auto"


def test_unknown_columns_are_asked_for_and_then_imported(page: Client, merchant: Merchant) -> None:
    response = send(page, UNKNOWN)
    upload = CatalogImport.objects.get()
    url = reverse("import-columns", args=[upload.pk])
    assert response["Location"] == url
    body = text(page.get(url))
    assert "Which column is which?" in body
    assert "Shoe &lt;b&gt;" in body
    assert '<option value="id" selected>' in body
    answer = page.post(url, {"column-0": "id", "column-1": "title", "column-2": "link", "column-3": ""})
    assert answer["Location"] == reverse("import", args=[upload.pk])
    run_import(upload.pk)
    assert Product.objects.get().title == "Shoe <b>"
    assert page.get(url)["Location"] == reverse("import", args=[upload.pk])
    assert send(page, UNKNOWN)["Location"] == reverse("import", args=[upload.pk + 1])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"column-1": "title"}, "Say which column is the id"),
        ({"column-0": "id", "column-1": "title", "column-2": "title"}, "Two columns cannot both be “Title”."),
        ({"column-0": "id", "currency": "XXX"}, "XXX is not an ISO 4217 currency code."),
        ({"column-0": "weight"}, "Select a valid choice"),
    ],
)
def test_an_answer_that_does_not_work_says_why(page: Client, answer: dict[str, str], message: str) -> None:
    send(page, UNKNOWN)
    upload = CatalogImport.objects.get()
    response = page.post(reverse("import-columns", args=[upload.pk]), answer)
    assert response.status_code == 422
    assert message in text(response)
    upload.refresh_from_db()
    assert (upload.status, upload.problem) == ("failed", "columns")


def test_shopify_asks_for_pages_and_currency_only(page: Client) -> None:
    response = send(page, SHOPIFY, dry_run="on")
    body = text(page.get(response["Location"]))
    assert "What the file does not say" in body
    assert "column-0" not in body
    assert page.post(response["Location"], {"currency": "EUR"}).status_code == 422
    assert (
        page.post(response["Location"], {"currency": "EUR", "link_template": "https://s.example"}).status_code
        == 302
    )
    upload = CatalogImport.objects.get()
    run_import(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.created, upload.dry_run) == ("done", 1, True)


def test_an_import_that_waits_for_a_word_links_to_the_question(page: Client) -> None:
    send(page, UNKNOWN)
    upload = CatalogImport.objects.get()
    body = text(page.get(reverse("import", args=[upload.pk])))
    assert reverse("import-columns", args=[upload.pk]) in body


def test_a_dry_run_says_what_would_retire(page: Client, merchant: Merchant) -> None:
    factories.product(merchant, external_id="OLD-1")
    send(page, b"id,title,link\n1,Shoe,https://s.example\n", dry_run="on")
    upload = CatalogImport.objects.get()
    run_import(upload.pk)
    body = text(page.get(reverse("import", args=[upload.pk])))
    assert "What would retire" in body
    assert "OLD-1" in body
    assert "Read as: Google Merchant Center, comma-separated, utf-8" in body
    assert Product.objects.get().status == "active"


def test_a_feed_by_address_is_added_and_fetched_at_once(
    page: Client, merchant: Merchant, editor: User
) -> None:
    response = page.post(reverse("feed-source-add"), FORM)
    found = FeedSource.objects.get()
    assert response["Location"] == reverse("feed-source", args=[found.pk])
    assert (found.merchant, found.interval_minutes, found.retire_limit, found.created_by) == (
        merchant, 360, 30, editor,
    )  # fmt: skip
    assert OutboxEntry.objects.get().key == str(found.pk)
    assert "Main" in text(page.get(reverse("feed-sources")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "ftp://shop.example/feed"}, "http or https address"),
        ({"url": "https://user:secret@shop.example/feed"}, "open to all"),
        ({"interval_minutes": "1"}, "Select a valid choice"),
        ({"retire_limit": "101"}, "less than or equal to 100"),
        ({"link_template": "nowhere"}, "are a web address such as"),
    ],
)
def test_a_feed_that_makes_no_sense_is_not_added(page: Client, changes: dict[str, str], message: str) -> None:
    response = page.post(reverse("feed-source-add"), FORM | changes)
    assert response.status_code == 422
    assert message in text(response)
    assert not FeedSource.objects.exists()
    assert not OutboxEntry.objects.exists()


def test_a_second_feed_of_a_name_is_not_added(page: Client, merchant: Merchant) -> None:
    source(merchant)
    response = page.post(reverse("feed-source-add"), FORM)
    assert response.status_code == 422
    assert "There is a feed named" in text(response)
    assert FeedSource.objects.count() == 1


def test_a_feed_shows_its_history(page: Client, merchant: Merchant) -> None:
    found = source(merchant)
    upload = CatalogImport.objects.create(
        merchant=merchant, filename="f", file="f", status="failed", problem="columns", source=found
    )
    FeedRun.objects.create(
        source=found, outcome="imported", catalog_import=upload, finished_at=upload.queued_at
    )
    FeedRun.objects.create(
        source=found, outcome="failed", detail="the host answered 404", finished_at=upload.queued_at
    )
    body = text(page.get(reverse("feed-source", args=[found.pk])))
    assert "the host answered 404" in body
    assert reverse("import-columns", args=[upload.pk]) in body
    assert "hx-trigger" not in body.partition('id="source"')[2].partition(">")[0]
    FeedRun.objects.create(source=found)
    assert 'hx-trigger="every 2s"' in text(page.get(reverse("feed-source", args=[found.pk])))


def test_the_history_is_searched_narrowed_sorted_and_exported(page: Client, merchant: Merchant) -> None:
    found, now = source(merchant), timezone.now()
    other = FeedSource.objects.create(merchant=merchant, name="Outlet", url="https://s.example/b")
    facts = {"created": 3, "changed": 2, "retired": 1, "refused": 4, "status": "done"}
    upload = CatalogImport.objects.create(merchant=merchant, filename="f", file="f", **facts)
    rows = [
        {"outcome": "imported", "catalog_import": upload, "http_status": 200, "size": 900},
        {"outcome": "failed", "detail": "=the host answered 404", "http_status": 404},
        {"outcome": "unchanged", "http_status": 200, "size": 1200},
    ]
    for row in rows:
        FeedRun.objects.create(source=found, finished_at=now, **row)
    FeedRun.objects.create(source=other, finished_at=now, outcome="failed", detail="answered 404 too")
    here = reverse("feed-source", args=[found.pk])

    def table(**query: str) -> list[dict[str, str]]:
        response = page.get(here, query | {"export": "csv"})
        assert response["Content-Type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(b"".join(response).decode())))

    def results(**query: str) -> list[str]:
        return [row["result"] for row in table(**query)]

    assert results() == ["unchanged", "failed", "imported"]
    assert results(sort="oldest") == ["imported", "failed", "unchanged"]
    assert results(sort="size") == ["unchanged", "imported", "failed"]
    assert results(sort="refused") == ["imported", "unchanged", "failed"]
    assert results(result="failed") == results(q="404 host") == ["failed"]
    assert results(result="running") == []
    assert table(q="404")[0]["said"] == "'=the host answered 404"
    first = table(result="imported")[0]
    names = ("http_status", "bytes", "import", "status", "created", "changed", "retired", "refused")
    assert [first[name] for name in names] == ["200", "900", str(upload.pk), "done", "3", "2", "1", "4"]
    shown = text(page.get(here, {"result": "unchanged"}))
    assert ("1 run<" in shown, "answered 404" in shown) == (True, False)
    assert "Nothing matches" in text(page.get(here, {"q": "teapot"}))


def test_pausing_running_and_deleting(page: Client, merchant: Merchant) -> None:
    found = source(merchant)
    product = factories.product(merchant)

    def act(action: str) -> int:
        return page.post(reverse("feed-source-action", args=[found.pk, action])).status_code

    assert act("pause") == 302
    found.refresh_from_db()
    assert found.is_paused
    act("run")
    assert not OutboxEntry.objects.exists()
    act("resume")
    act("run")
    assert OutboxEntry.objects.get().job == "creatives.jobs_catalog.fetch_feed"
    assert act("explode") == 404
    act("delete")
    assert not FeedSource.objects.exists()
    assert Product.objects.get() == product


def test_editing_keeps_what_is_not_said(page: Client, merchant: Merchant) -> None:
    found = source(merchant, etag='"v1"', is_paused=True)
    assert (
        page.post(reverse("feed-source-edit", args=[found.pk]), FORM | {"name": "Other"}).status_code == 302
    )
    found.refresh_from_db()
    assert (found.name, found.etag, found.is_paused) == ("Other", "", True)
    assert not OutboxEntry.objects.exists()


def test_a_reviewer_looks_and_changes_nothing(client: Client, merchant: Merchant) -> None:
    found = source(merchant)
    client.force_login(factories.member(merchant, "reviewer"))
    assert "Fetch now" not in text(client.get(reverse("feed-source", args=[found.pk])))
    assert client.post(reverse("feed-source-action", args=[found.pk, "delete"])).status_code == 403
    assert FeedSource.objects.exists()
