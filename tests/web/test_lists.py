"""Lists: search, filters and sort in the address, pages, and the whole list as CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from creatives.models import CatalogImport, CreativeRequest, FeedSource, Merchant, Product
from creatives.services import audit
from tests import factories, studio
from tests.review_rows import creative

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.admin())
    return client


def table(client: Client, address: str, **query: Any) -> list[dict[str, str]]:
    """The rows of a list's CSV."""
    response = client.get(address, query | {"export": "csv"})
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv")
    body = b"".join(response) if response.streaming else response.content
    return list(csv.DictReader(io.StringIO(body.decode())))


def shown(client: Client, address: str, **query: Any) -> str:
    response = client.get(address, query)
    assert response.status_code == 200
    return str(response.content.decode())


def test_imports(admin: Client, merchant: Merchant) -> None:
    for number in range(60):
        facts = {"filename": f"feed-{number:02}.tsv", "refused": number, "dry_run": number % 2 == 1}
        CatalogImport.objects.create(merchant=merchant, status="done" if number else "failed", **facts)
    here = "/catalog/imports/"
    assert [row["file"] for row in table(admin, here, merchant="shop", sort="refused")][:2] == [
        "feed-59.tsv",
        "feed-58.tsv",
    ]
    assert len(table(admin, here, merchant="shop", kind="dry")) == 30
    assert [row["file"] for row in table(admin, here, merchant="shop", q="FEED-07")] == ["feed-07.tsv"]
    assert [row["status"] for row in table(admin, here, merchant="shop", status="failed")] == ["failed"]
    page = shown(admin, here, merchant="shop", page=2, sort="oldest")
    assert "feed-59.tsv" in page
    assert "feed-09.tsv" not in page
    assert 'name="merchant" value="shop"' in page, "the merchant stays chosen while one filters"


def test_the_problems_of_an_import(admin: Client, merchant: Merchant) -> None:
    upload = CatalogImport.objects.create(merchant=merchant, filename="feed.tsv", status="done")
    for line, severity in ((2, "error"), (3, "warning")):
        upload.issues.create(line=line, severity=severity, record=f"SKU-{line}", rule="Too long.")
    address = f"/catalog/imports/{upload.pk}/"
    page = shown(admin, address, weight="warning")
    assert ("SKU-3" in page, "SKU-2" in page) == (True, False)
    assert "No problem matches." in shown(admin, address, q="SKU-9")


def test_products(admin: Client, merchant: Merchant) -> None:
    factories.product(merchant, external_id="A", title="=1+1", price="9.50", currency="EUR")
    factories.product(merchant, external_id="B", title="Mug", status="retired")
    factories.product(factories.merchant(), external_id="C")
    found = table(admin, "/catalog/", merchant="shop")
    assert [(row["id"], row["title"], row["price"]) for row in found] == [
        ("A", "'=1+1", "9.50 EUR"),
        ("B", "Mug", ""),
    ]
    assert [row["id"] for row in table(admin, "/catalog/", merchant="shop", status="retired")] == ["B"]
    assert Product.objects.count() == 3


def test_feeds_by_address(admin: Client, merchant: Merchant) -> None:
    FeedSource.objects.create(merchant=merchant, name="Main", url="https://s.example/a")
    FeedSource.objects.create(merchant=merchant, name="Outlet", url="https://s.example/b", failures=3)
    FeedSource.objects.create(merchant=merchant, name="Old", url="https://s.example/c", is_paused=True)
    here = "/catalog/feeds/"
    for state, names in (("active", ["Main"]), ("failing", ["Outlet"]), ("paused", ["Old"])):
        assert [row["name"] for row in table(admin, here, merchant="shop", state=state)] == names
    assert "Nothing matches" in shown(admin, here, merchant="shop", q="nothing like it")


def test_people(admin: Client, merchant: Merchant) -> None:
    editor = factories.member(merchant, "editor")
    reviewer = factories.member(factories.merchant("other"), "reviewer")
    assert [row["email"] for row in table(admin, "/people/", role="editor")] == [editor.email]
    assert [row["email"] for row in table(admin, "/people/", of="other")] == [reviewer.email]
    assert [row["administrator"] for row in table(admin, "/people/", role="admin")] == ["yes"]
    assert [row["roles"] for row in table(admin, "/people/", q="shop")] == ["editor of Shop"]
    assert len(table(admin, "/people/", sort="seen")) == 3


def test_recommenders_and_keys(admin: Client, merchant: Merchant) -> None:
    studio.recommender(merchant, name="Front page")
    studio.recommender(merchant, name="Mail", is_active=False)
    assert [row["name"] for row in table(admin, "/recommenders/", state="inactive")] == ["Mail"]
    assert [row["merchants"] for row in table(admin, "/recommenders/", q="front")] == ["shop"]
    admin.post("/keys/add/", {"merchant": "shop"})
    found = table(admin, "/keys/", merchant="shop", state="active")
    assert [(len(row["key"]), row["revoked"]) for row in found] == [(13, "")]
    assert table(admin, "/keys/", merchant="shop", state="revoked") == []


def test_requests_and_messages_of_operations(admin: Client, merchant: Merchant) -> None:
    row = creative(merchant)
    CreativeRequest.objects.filter(pk=row.request_id).update(status="failed", error="no luck", demand=7)
    creative(merchant)
    found = table(admin, "/operations/requests/", status="failed", q="luck")
    assert [(line["request"], line["wanted"]) for line in found] == [(str(row.request_id), "7")]
    assert f"/operations/requests/{row.request_id}/requeue/" in shown(
        admin, "/operations/requests/", of="shop"
    )
    assert table(admin, "/operations/messages/", status="dead") == []


def test_approved_creatives(admin: Client, merchant: Merchant) -> None:
    mug = factories.product(merchant, title="Mug", external_id="M")
    creative(merchant, product=mug, status="approved")
    creative(merchant, status="approved")
    creative(merchant)
    assert len(table(admin, "/review/approved/")) == 2
    assert [row["products"] for row in table(admin, "/review/approved/", q="mug")] == ["M"]
    oldest = table(admin, "/review/approved/", sort="oldest")
    assert [row["creative"] for row in oldest] == sorted((row["creative"] for row in oldest), key=int)


def test_changes(admin: Client, merchant: Merchant) -> None:
    person = factories.user("pat@test.example")
    audit.note(person, "people", "added", "somebody", merchant=merchant)
    audit.note(None, "keys", "made a key", "sk_m_1")
    assert [row["by"] for row in table(admin, "/changes/", q="pat")] == ["pat@test.example"]
    assert [row["action"] for row in table(admin, "/changes/", area="keys")] == ["made a key"]
    assert [row["merchant"] for row in table(admin, "/changes/", of="shop")] == ["shop"]


def test_what_a_list_does_not_know_is_passed_over(admin: Client) -> None:
    assert "sort" in shown(admin, "/people/", sort="password", role="king", page="x", q="\x00")
