"""Files that need a word from a person: what is asked, what is remembered, what runs then."""

from __future__ import annotations

import io
from typing import Any

import pytest

from creatives.models import CatalogImport, FeedMapping, Merchant, OutboxEntry, Product, User
from creatives.services.catalog import CatalogError
from creatives.services.catalog_import import run_import
from creatives.services.imports import ImportHow, explain, look_ahead, page_template, start_import
from tests import factories

pytestmark = pytest.mark.django_db
UNKNOWN = b"SKU;Name;URL\n1;Shoe;https://s.example/1\n"
COLUMNS = {"sku": "id", "name": "title", "url": "link"}
SHOPIFY = b"Handle,Title,Variant Price\ncap,Cap,5.00\n"


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def editor(merchant: Merchant) -> User:
    return factories.member(merchant, "editor")


def stored(merchant: Merchant, data: bytes, **how: Any) -> CatalogImport:
    return start_import(merchant, io.BytesIO(data), "feed.csv", ImportHow(**how))


def finished(upload: CatalogImport) -> CatalogImport:
    done = run_import(upload.pk)
    assert done is not None
    return done


@pytest.mark.parametrize(("data", "problem"), [(UNKNOWN, "columns"), (SHOPIFY, "pages")])
def test_a_file_that_needs_a_word_fails_with_what_is_missing(
    merchant: Merchant, data: bytes, problem: str
) -> None:
    done = finished(stored(merchant, data))
    assert (done.status, done.problem, len(done.fingerprint)) == ("failed", problem, 32)
    assert not Product.objects.exists()


def test_looking_ahead_says_so_before_a_worker_does(merchant: Merchant) -> None:
    upload = stored(merchant, UNKNOWN)
    assert look_ahead(upload) is True
    upload.refresh_from_db()
    assert (upload.status, upload.problem) == ("failed", "columns")
    assert look_ahead(stored(merchant, b"id,title,link\n1,Shoe,https://s.example\n")) is False
    assert look_ahead(stored(merchant, b"\x00\x01")) is False


def test_named_columns_are_imported_and_remembered(merchant: Merchant, editor: User) -> None:
    upload = finished(stored(merchant, UNKNOWN, mode="upsert"))
    OutboxEntry.objects.all().delete()
    explain(upload, COLUMNS, "EUR", "", editor)
    assert OutboxEntry.objects.get().key == str(upload.pk)
    done = finished(upload)
    assert (done.status, done.created, done.problem, done.error) == ("done", 1, "", "")
    assert Product.objects.get().link == "https://s.example/1"
    known = FeedMapping.objects.get()
    assert (known.columns, known.currency, known.updated_by) == (COLUMNS, "EUR", editor)
    again = finished(stored(merchant, b"url,name,sku\nhttps://s.example/1,Boot,1\n"))
    assert (again.status, again.changed, again.columns) == ("done", 1, COLUMNS)


def test_what_is_remembered_is_a_merchants_own(merchant: Merchant, editor: User) -> None:
    explain(finished(stored(merchant, UNKNOWN)), COLUMNS, "", "", editor)
    assert finished(stored(factories.merchant(), UNKNOWN)).problem == "columns"


def test_shopify_is_told_its_pages_and_currency_once(merchant: Merchant, editor: User) -> None:
    upload = finished(stored(merchant, SHOPIFY))
    explain(upload, {}, "eur", "https://shop.example/", editor)
    done = finished(upload)
    assert (done.status, done.created) == ("done", 1)
    product = Product.objects.get()
    assert (product.external_id, product.link, product.currency) == (
        "cap",
        "https://shop.example/products/cap",
        "EUR",
    )
    assert product.attributes["variants"][0]["price"] == "5.00"
    assert finished(stored(merchant, SHOPIFY)).unchanged == 1


@pytest.mark.parametrize(
    ("columns", "currency", "pages", "message"),
    [
        ({"sku": "title"}, "", "", "No column of the file is named as the id."),
        ({"sku": "weight"}, "", "", "columns cannot be weight."),
        (COLUMNS, "XXX", "", "'XXX' is not an ISO 4217 currency code."),
        (COLUMNS, "", "shop.example", "The products' pages are a web address"),
    ],
)
def test_a_word_that_does_not_suffice_changes_nothing(
    merchant: Merchant, editor: User, columns: dict[str, str], currency: str, pages: str, message: str
) -> None:
    upload = finished(stored(merchant, UNKNOWN))
    with pytest.raises(CatalogError) as caught:
        explain(upload, columns, currency, pages, editor)
    assert str(caught.value).startswith(message)
    upload.refresh_from_db()
    assert (upload.status, upload.problem) == ("failed", "columns")
    assert not FeedMapping.objects.exists()


def test_an_import_is_explained_once(merchant: Merchant, editor: User) -> None:
    upload = finished(stored(merchant, UNKNOWN))
    explain(upload, COLUMNS, "", "", editor)
    with pytest.raises(CatalogError, match="under way already"):
        explain(upload, COLUMNS, "", "", editor)


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("", ""),
        ("https://shop.example", "https://shop.example/products/{id}"),
        ("https://shop.example/p?sku={id}", "https://shop.example/p?sku={id}"),
    ],
)
def test_pages(text: str, template: str) -> None:
    assert page_template(text) == template


def test_the_mode_follows_the_format_when_asked_to(merchant: Merchant, editor: User) -> None:
    google = b"id,title,link\n1,Shoe,https://s.example\n"
    assert finished(stored(merchant, google, mode="auto")).mode == "snapshot"
    upload = finished(stored(merchant, UNKNOWN, mode="auto"))
    explain(upload, COLUMNS, "", "", editor)
    assert finished(upload).mode == "upsert"


def test_what_a_file_was_read_as_is_said(merchant: Merchant) -> None:
    done = finished(stored(merchant, b"id\ttitle\tlink\n1\tShoe\thttps://s.example\n"))
    assert done.read_as == "Google Merchant Center, tab-separated, utf-8"
