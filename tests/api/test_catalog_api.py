"""Sending a feed over HTTP and watching its import."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creatives.models import ApiKey, CatalogImport, Merchant, OutboxEntry, Product
from creatives.services.catalog_import import run_import
from tests import factories

pytestmark = pytest.mark.django_db

FEED = b"id,title,link\nA,Red shoe,https://s.example/a\nB,,nowhere\n"
URL = "/api/v1/catalogs/shop"


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def api(merchant: Merchant) -> Client:
    _, secret = ApiKey.issue(merchant=merchant)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def multipart(api: Client, data: bytes = FEED, **fields: str) -> Any:
    return api.post(URL, {"file": SimpleUploadedFile("feed.csv", data)} | fields)


def test_a_multipart_upload_is_accepted_and_watched_to_its_end(api: Client, merchant: Merchant) -> None:
    response = multipart(api)
    upload = CatalogImport.objects.get()
    body = response.json()
    assert response.status_code == 202
    assert response["Location"] == body["url"] == f"http://testserver/api/v1/imports/{upload.pk}"
    assert (body["id"], body["merchant"], body["filename"]) == (upload.pk, "shop", "feed.csv")
    assert (body["status"], body["rows_done"], body["rows_total"], body["issues_total"]) == (
        "queued",
        0,
        None,
        0,
    )
    assert OutboxEntry.objects.get().key == str(upload.pk)
    run_import(upload.pk)
    done = api.get(body["url"]).json()
    assert (done["status"], done["rows_done"], done["rows_total"]) == ("done", 2, 2)
    assert done["counts"] == {
        "created": 1,
        "changed": 0,
        "unchanged": 0,
        "retired": 0,
        "refused": 1,
        "held_back": 0,
    }
    assert done["issues"][0] == {
        "record": 2, "line": 3, "id": "B", "column": "title", "value": "", "severity": "error",
        "rule": "title must not be blank.",
        "fix": "Fill it in, or leave the column out to keep what is stored.",
    }  # fmt: skip
    assert done["issues_total"] == len(done["issues"]) == 2
    assert Product.objects.get().title == "Red shoe"


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_a_raw_body_is_a_feed_with_options_in_the_query(api: Client, kind: str) -> None:
    query = "mode=snapshot&dry_run=true&strict=1&filename=nightly.csv"
    response = api.generic("POST", f"{URL}?{query}", FEED, content_type=kind)
    assert response.status_code == 202, response.content
    upload = CatalogImport.objects.get()
    assert (upload.mode, upload.dry_run, upload.strict, upload.filename) == (
        "snapshot",
        True,
        True,
        "nightly.csv",
    )
    with upload.file.open("rb") as stored:
        assert stored.read() == FEED


def test_options_may_be_form_fields(api: Client) -> None:
    assert multipart(api, mode="snapshot", dry_run="true").status_code == 202
    upload = CatalogImport.objects.get()
    assert (upload.mode, upload.dry_run, upload.strict) == ("snapshot", True, False)


def test_issues_come_in_pages(api: Client) -> None:
    multipart(api)
    upload = CatalogImport.objects.get()
    run_import(upload.pk)
    page = api.get(f"/api/v1/imports/{upload.pk}?limit=1&offset=1").json()
    assert ([issue["column"] for issue in page["issues"]], page["issues_total"]) == (["link"], 2)
    assert api.get(f"/api/v1/imports/{upload.pk}?limit=5000").status_code == 422


@pytest.mark.parametrize(
    ("data", "fields", "status", "detail"),
    [
        (b"", {}, 422, "The upload is empty."),
        (b"x" * (2 << 20), {}, 413, "The upload has more than 1 MB; split it."),
        (FEED, {"mode": "replace"}, 422, "mode: Input should be 'upsert', 'snapshot' or 'auto'"),
    ],
)
def test_what_is_not_taken_is_a_problem_and_leaves_nothing(
    api: Client, settings: Any, data: bytes, fields: dict[str, str], status: int, detail: str
) -> None:
    settings.CATALOG_MAX_UPLOAD_BYTES = 1 << 20
    response = multipart(api, data, **fields)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["detail"] == detail
    assert not CatalogImport.objects.exists()
    assert not OutboxEntry.objects.exists()


def test_a_multipart_body_needs_the_file(api: Client) -> None:
    response = api.post(URL, {"mode": "upsert"})
    assert response.status_code == 422
    assert response.json()["detail"].startswith("file: ")


def test_other_merchants_do_not_exist(api: Client) -> None:
    other = factories.merchant("other")
    foreign = CatalogImport.objects.create(merchant=other, filename="f", file="f")
    assert api.generic("POST", "/api/v1/catalogs/other", FEED, content_type="text/csv").status_code == 404
    assert api.get(f"/api/v1/imports/{foreign.pk}").status_code == 404
    assert CatalogImport.objects.count() == 1


def test_a_key_is_needed(merchant: Merchant) -> None:
    response = Client().generic("POST", URL, FEED, content_type="text/csv")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert not CatalogImport.objects.exists()
