"""The catalogue's pages: gallery, filters, uploading a feed, watching its import."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from creatives.models import CatalogImport, ImportIssue, Merchant, OutboxEntry, Product, User
from creatives.services.catalog_import import run_import
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db

FEED = b"id,title,link,image_link\nA,Red shoe,https://s.example/a,https://s.example/a.jpg\n"


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


def send(page: Client, data: bytes = FEED, **fields: Any) -> Any:
    file = SimpleUploadedFile("feed.csv", data)
    return page.post(reverse("catalog-upload"), {"merchant": "shop", "mode": "upsert", "file": file} | fields)


def text(response: Any) -> str:
    return str(response.content.decode())


def test_an_empty_catalogue_offers_the_upload(page: Client) -> None:
    body = text(page.get(reverse("catalog")))
    assert "No products yet" in body
    assert 'name="dry_run"' in body


def test_gallery_and_list_show_ones_own_products(page: Client, merchant: Merchant) -> None:
    factories.image(factories.product(merchant, title="Red shoe"))
    factories.product(factories.merchant(), title="Foreign hat")
    for view in ("", "?view=list"):
        body = text(page.get(reverse("catalog") + view))
        assert "Red shoe" in body
        assert "Foreign hat" not in body


def test_cards_count_the_creatives_of_all_pictures(page: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, title="Red shoe")
    factories.image(product)
    creative(merchant, product=product)
    body = text(page.get(reverse("catalog")))
    assert "1 in review" in body


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=red+fleet", {"Red shoe"}),
        ("q=SKU-B", {"Blue hat"}),
        ("status=retired", {"Old coat"}),
        ("picture=ready", {"Red shoe"}),
        ("picture=failed", {"Blue hat"}),
        ("picture=none", {"Old coat"}),
        ("q=nothing", set()),
        ("sort=-created_at", {"Red shoe", "Blue hat", "Old coat"}),
    ],
)
def test_filters(page: Client, merchant: Merchant, query: str, shown: set[str]) -> None:
    shoe = factories.product(merchant, title="Red shoe", brand="Fleet")
    hat = factories.product(merchant, title="Blue hat", external_id="SKU-B")
    factories.product(merchant, title="Old coat", status="retired")
    factories.image(shoe)
    factories.image(hat, status="failed")
    response = page.get(f"{reverse('catalog')}?{query}")
    assert {card.product.title for card in response.context["cards"]} == shown


def test_a_category_includes_what_is_below_it(page: Client, merchant: Merchant) -> None:
    boots = factories.category("Apparel > Shoes > Boots")
    factories.product(merchant, title="Boot", category=boots)
    factories.product(merchant, title="Lamp", category=factories.category("Apparel > Shoestrings"))
    shoes = factories.category("Apparel > Shoes")
    response = page.get(f"{reverse('catalog')}?category={shoes.pk}")
    assert [card.product.title for card in response.context["cards"]] == ["Boot"]


def test_pages_of_a_long_catalogue_cost_few_queries(
    page: Client, merchant: Merchant, django_assert_max_num_queries: Any
) -> None:
    for _ in range(50):
        factories.image(factories.product(merchant))
    with django_assert_max_num_queries(16):
        response = page.get(f"{reverse('catalog')}?page=1")
    assert len(response.context["cards"]) == 48


def test_an_upload_is_queued_and_its_page_follows_it(page: Client, merchant: Merchant, editor: User) -> None:
    response = send(page, dry_run="on")
    upload = CatalogImport.objects.get()
    assert response["Location"] == reverse("import", args=[upload.pk])
    assert (upload.merchant, upload.created_by, upload.mode, upload.dry_run, upload.strict) == (
        merchant, editor, "upsert", True, False,
    )  # fmt: skip
    assert (
        OutboxEntry.objects.filter(job="creatives.jobs_catalog.run_import", key=str(upload.pk)).count() == 1
    )
    waiting = text(page.get(response["Location"]))
    assert 'hx-trigger="every 1s"' in waiting
    assert 'http-equiv="refresh"' in waiting
    run_import(upload.pk)
    done = text(page.get(response["Location"], headers={"HX-Request": "true", "HX-Target": "import"}))
    assert done.lstrip().startswith('<section id="import"')
    assert "hx-trigger" not in done
    assert "Import for real" in done
    assert not Product.objects.exists()


def test_a_dry_run_is_applied(page: Client) -> None:
    send(page, dry_run="on", mode="snapshot")
    dry = CatalogImport.objects.get()
    assert page.post(reverse("import-apply", args=[dry.pk])).status_code == 302
    assert CatalogImport.objects.count() == 1, "a dry run that is not done is not applied"
    run_import(dry.pk)
    response = page.post(reverse("import-apply", args=[dry.pk]))
    real = CatalogImport.objects.exclude(pk=dry.pk).get()
    assert response["Location"] == reverse("import", args=[real.pk])
    assert (real.dry_run, real.mode, real.filename) == (False, "snapshot", "feed.csv")
    run_import(real.pk)
    assert Product.objects.get().title == "Red shoe"


def test_an_upload_that_is_not_taken_says_why(page: Client, settings: Any) -> None:
    settings.CATALOG_MAX_UPLOAD_BYTES = 10
    response = send(page)
    assert response.status_code == 422
    assert "The upload has more than 0 MB; split it." in text(response)
    assert send(page, b"").status_code == 422
    assert not CatalogImport.objects.exists()


def test_errors_are_listed_by_line_and_downloaded_without_formulae(page: Client) -> None:
    send(page, FEED + b"=cmd(),,nowhere,x\n")
    upload = CatalogImport.objects.get()
    run_import(upload.pk)
    body = text(page.get(reverse("import", args=[upload.pk])))
    assert "title must not be blank." in body
    assert "3 errors" in body
    response = page.get(reverse("import-issues", args=[upload.pk]))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "record,line,id,column,value,severity,rule,fix"
    assert lines[1].startswith("2,3,'=cmd(),title,")
    assert len(lines) == 4


def test_the_problems_are_downloaded_as_they_are_narrowed_and_sorted(
    page: Client, merchant: Merchant
) -> None:
    upload = CatalogImport.objects.create(merchant=merchant, filename="f", file="f", status="done")
    for line, severity, column in ((2, "error", "price"), (3, "warning", "brand"), (4, "error", "link")):
        facts = {"record": f"SKU-{9 - line}", "rule": "Too long.", "fix": f"Shorten the {column}."}
        upload.issues.create(line=line, severity=severity, column=column, **facts)
    address = reverse("import-issues", args=[upload.pk])

    def lines(**query: str) -> list[str]:
        response = page.get(address, query)
        body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
        return [row["line"] for row in csv.DictReader(io.StringIO(body))]

    assert lines() == ["2", "4", "3"]
    assert lines(weight="error") == ["2", "4"]
    assert lines(sort="column") == ["3", "4", "2"]
    assert lines(sort="record") == ["4", "3", "2"]
    assert lines(q="shorten link") == ["4"]
    shown = text(page.get(reverse("import", args=[upload.pk]), {"weight": "warning", "page": "1"}))
    assert f'href="{address}?weight=warning"' in shown
    assert "1 problem<" in shown


def test_issues_come_in_pages(page: Client, merchant: Merchant) -> None:
    upload = CatalogImport.objects.create(merchant=merchant, filename="f", file="f", status="done")
    ImportIssue.objects.bulk_create(
        ImportIssue(catalog_import=upload, severity="error", line=line, rule="r") for line in range(2, 62)
    )
    url = reverse("import", args=[upload.pk])
    assert [issue.line for issue in page.get(f"{url}?page=2").context["page"]] == list(range(52, 62))


def test_the_list_of_imports(page: Client, merchant: Merchant) -> None:
    send(page)
    CatalogImport.objects.create(merchant=factories.merchant(), filename="foreign.csv", file="f")
    body = text(page.get(reverse("imports")))
    assert "feed.csv" in body
    assert "foreign.csv" not in body


def test_a_reviewer_looks_and_does_not_upload(client: Client, merchant: Merchant) -> None:
    factories.product(merchant, title="Red shoe")
    client.force_login(factories.member(merchant, "reviewer"))
    assert "Upload a feed" not in text(client.get(reverse("catalog")))
    assert send(client).status_code == 403
    assert not CatalogImport.objects.exists()


def test_somebody_elses_import_does_not_exist(page: Client) -> None:
    foreign = CatalogImport.objects.create(
        merchant=factories.merchant(), filename="f", file="f", status="done", dry_run=True
    )
    for name in ("import", "import-issues"):
        assert page.get(reverse(name, args=[foreign.pk])).status_code == 404
    assert page.post(reverse("import-apply", args=[foreign.pk])).status_code == 404
    assert send(page, merchant=foreign.merchant.slug).status_code == 404
    assert CatalogImport.objects.count() == 1
