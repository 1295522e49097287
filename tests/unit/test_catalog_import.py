"""Importing a feed: what lands, what is counted, what is refused, what retires."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from creatives.models import CatalogImport, Merchant, OutboxEntry, Product, ProductImage
from creatives.services import catalog_import
from creatives.services.catalog import CatalogError
from creatives.services.catalog_import import run_import
from creatives.services.catalog_sweep import sweep
from creatives.services.images import inspect_image
from creatives.services.imports import ImportHow, start_import
from tests import factories

pytestmark = pytest.mark.django_db

HEADER = "id\ttitle\tlink\timage_link\tprice\tgoogle_product_category"


def row(name: str, **changes: str) -> str:
    cells = {
        "title": f"Product {name}", "link": f"https://s.example/{name}", "image": f"https://s.example/{name}.jpg",
        "price": "29.00 EUR", "category": "Home",
    }  # fmt: skip
    return "\t".join([name, *(cells | changes).values()])


def feed(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def load(merchant: Merchant, data: bytes, **options: Any) -> CatalogImport:
    upload = start_import(merchant, io.BytesIO(data), "feed.tsv", ImportHow(**options), queue=False)
    done = run_import(upload.pk)
    assert done is not None
    return done


def counts(upload: CatalogImport) -> dict[str, int]:
    names = ("created", "changed", "unchanged", "retired", "refused")
    return {name: value for name in names if (value := getattr(upload, name))}


def png(colour: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


@pytest.fixture
def merchant() -> Merchant:
    factories.category("Home")
    return factories.merchant("shop")


def test_new_changed_and_unchanged_are_told_apart(merchant: Merchant) -> None:
    first = load(merchant, feed(row("A"), row("B")))
    assert (first.status, first.rows_total, first.rows_done, counts(first)) == ("done", 2, 2, {"created": 2})
    second = load(merchant, feed(row("A"), row("B", title="Other"), row("C")))
    assert counts(second) == {"created": 1, "changed": 1, "unchanged": 1}
    assert list(Product.objects.order_by("external_id").values_list("external_id", "title")) == [
        ("A", "Product A"), ("B", "Other"), ("C", "Product C"),
    ]  # fmt: skip


def test_every_field_is_stored(merchant: Merchant) -> None:
    shoes = factories.category("Apparel & Accessories > Shoes")
    header = (
        "id,title,description,link,availability,price,brand,color,size,gender,google_product_category,product_type,"
        "item_group_id"
    )
    text = (
        'A,Shoe,Light,https://s.example/a,in stock,"1.299,50 EUR",Fleet,red,42,female,'
        "Apparel & Accessories > Shoes > Boots,Boots,G1"
    )
    load(merchant, feed(text, header=header))
    product = Product.objects.get()
    assert (product.title, product.description, product.link) == ("Shoe", "Light", "https://s.example/a")
    assert (product.price, product.currency, product.availability) == (Decimal("1299.50"), "EUR", "in_stock")
    assert (product.brand, product.color, product.category, product.status) == (
        "Fleet",
        "red",
        shoes,
        "active",
    )
    assert product.attributes == {
        "size": "42", "gender": "female", "google_product_category": "Apparel & Accessories > Shoes > Boots",
        "product_type": "Boots", "item_group_id": "G1",
    }  # fmt: skip


def test_an_absent_column_keeps_and_a_blank_cell_clears(merchant: Merchant) -> None:
    header = "id,title,link,brand,color,size,price,google_product_category"
    load(merchant, feed("A,Shoe,https://s.example/a,Fleet,red,42,5 EUR,Home", header=header))
    upload = load(merchant, feed("A,,", header="id,color,price"))
    product = Product.objects.get()
    assert (product.title, product.brand, product.color, product.price, product.currency) == (
        "Shoe",
        "Fleet",
        "",
        None,
        "",
    )
    assert (product.attributes["size"], product.category is not None) == ("42", True)
    assert counts(upload) == {"changed": 1}
    load(merchant, feed("A,,", header="id,size,google_product_category"))
    product.refresh_from_db()
    assert (product.category, product.attributes) == (None, {})


def test_bad_rows_are_reported_and_good_rows_land(merchant: Merchant) -> None:
    upload = load(merchant, feed(row("A"), row("B", price="cheap"), row("A"), row("C", link="x")))
    assert counts(upload) == {"created": 1, "refused": 3}
    assert list(Product.objects.values_list("external_id", flat=True)) == ["A"]
    assert list(upload.issues.values_list("line", "record", "column", "value", "severity")) == [
        (3, "B", "price", "cheap", "error"), (4, "A", "id", "A", "error"), (5, "C", "link", "x", "error"),
    ]  # fmt: skip


def test_strict_imports_nothing_when_a_row_is_refused(merchant: Merchant) -> None:
    upload = load(merchant, feed(row("A"), row("B", price="cheap")), strict=True)
    assert (upload.status, upload.error) == (
        "failed",
        "1 of 2 rows were refused; strict, so nothing was imported.",
    )
    assert (counts(upload), upload.issues.count()) == ({"refused": 1}, 1)
    assert not Product.objects.exists()
    assert load(merchant, feed(row("A")), strict=True).status == "done"


def test_a_dry_run_counts_and_writes_nothing(merchant: Merchant) -> None:
    load(merchant, feed(row("A"), row("B"), row("D")))
    before = list(Product.objects.order_by("pk").values())
    upload = load(
        merchant,
        feed(row("A"), row("B", title="x"), row("C"), row("D", price="?")),
        dry_run=True,
        mode="snapshot",
    )
    assert counts(upload) == {"created": 1, "changed": 1, "unchanged": 1, "refused": 1}
    assert load(merchant, feed(row("A")), dry_run=True, mode="snapshot").retired == 2
    assert list(Product.objects.order_by("pk").values()) == before
    assert ProductImage.objects.count() == 3


def test_a_snapshot_retires_what_is_missing_and_brings_back_what_returns(merchant: Merchant) -> None:
    other = factories.product(factories.merchant())
    load(merchant, feed(row("A"), row("B"), row("C")))
    upload = load(merchant, feed(row("A"), row("B", price="?")), mode="snapshot")
    assert counts(upload) == {"unchanged": 1, "retired": 1, "refused": 1}
    assert dict(Product.objects.filter(merchant=merchant).values_list("external_id", "status")) == {
        "A": "active", "B": "active", "C": "retired",
    }  # fmt: skip
    other.refresh_from_db()
    assert other.status == "active"
    assert counts(load(merchant, feed(row("C")))) == {"changed": 1}
    assert Product.objects.get(external_id="C").status == "active"


@pytest.mark.parametrize("broken", ["B\tonly two cells", row("")])
def test_a_snapshot_with_rows_that_cannot_be_read_retires_nothing(merchant: Merchant, broken: str) -> None:
    load(merchant, feed(row("A"), row("B")))
    upload = load(merchant, feed(row("A"), broken), mode="snapshot")
    assert (upload.status, counts(upload)) == ("done", {"unchanged": 1, "refused": 1})
    assert "nothing was retired" in upload.issues.get(severity="warning").rule
    assert Product.objects.filter(status="active").count() == 2


def test_a_file_that_is_no_feed_fails_in_words(merchant: Merchant) -> None:
    upload = load(merchant, b"name,price\nx,1\n")
    assert upload.status == "failed"
    assert upload.error.startswith("The first line has no column named id.")
    assert not Product.objects.exists()


def test_a_new_product_needs_title_and_link(merchant: Merchant) -> None:
    upload = load(merchant, feed("A,red", header="id,color"))
    assert counts(upload) == {"refused": 1}
    assert list(upload.issues.values_list("column", flat=True)) == ["title", "link"]


def test_an_unknown_category_is_a_warning(merchant: Merchant) -> None:
    upload = load(merchant, feed(row("A", category="Vehicles > Boats")))
    assert counts(upload) == {"created": 1}
    assert list(upload.issues.values_list("severity", "column")) == [("warning", "google_product_category")]
    assert Product.objects.get().category is None


def test_googles_category_numbers_are_known(merchant: Merchant) -> None:
    shoes = factories.category("Apparel & Accessories > Shoes")
    load(merchant, feed(row("A", category="187")))
    assert Product.objects.get().category == shoes


def test_columns_nobody_reads_are_named(merchant: Merchant) -> None:
    upload = load(merchant, feed("A,T,https://s.example,1", header="id,title,link,gtin"))
    assert list(upload.issues.values_list("value", "rule")) == [("gtin", "These columns are not used.")]


def test_pictures_by_address_wait_for_the_worker(merchant: Merchant) -> None:
    load(merchant, feed(row("A")))
    image = ProductImage.objects.get()
    assert (image.source_url, image.status, image.position) == ("https://s.example/A.jpg", "pending", 0)
    assert list(OutboxEntry.objects.values_list("job", "key")) == [
        ("creatives.jobs_catalog.fetch_images", str(merchant.pk))
    ]


def test_a_new_address_replaces_the_picture_and_keeps_the_old_file_meanwhile(merchant: Merchant) -> None:
    load(merchant, feed(row("A")))
    ProductImage.objects.update(status="ready", sha256="ab" * 32, file="images/x.png")
    assert counts(load(merchant, feed(row("A")))) == {"unchanged": 1}
    assert counts(load(merchant, feed(row("A", image="https://s.example/new.jpg")))) == {"changed": 1}
    image = ProductImage.objects.get()
    assert (image.source_url, image.status, image.file.name) == (
        "https://s.example/new.jpg",
        "pending",
        "images/x.png",
    )


def test_a_failed_picture_is_tried_again_and_the_product_counts_as_unchanged(merchant: Merchant) -> None:
    load(merchant, feed(row("A")))
    ProductImage.objects.update(status="failed", error="the host answered 404")
    assert counts(load(merchant, feed(row("A")))) == {"unchanged": 1}
    assert list(ProductImage.objects.values_list("status", "error")) == [("pending", "")]


def test_additional_pictures_come_and_go_and_the_merchants_own_stay(merchant: Merchant) -> None:
    header = "id,title,link,image_link,additional_image_link"
    base = "https://s.example"
    load(merchant, feed(f'A,T,{base},{base}/0.jpg,"{base}/1.jpg,{base}/2.jpg"', header=header))
    product = Product.objects.get()
    factories.image(product, position=3, source_url="")
    upload = load(merchant, feed(f'A,T,{base},{base}/0.jpg,"{base}/2.jpg,{base}/4.jpg"', header=header))
    assert counts(upload) == {"changed": 1}
    assert list(product.images.values_list("position", "source_url")) == [
        (0, f"{base}/0.jpg"), (2, f"{base}/2.jpg"), (3, ""), (4, f"{base}/4.jpg"),
    ]  # fmt: skip
    load(merchant, feed(f"A,T,{base},{base}/2.jpg,", header=header))
    assert list(product.images.values_list("position", "source_url")) == [(0, f"{base}/2.jpg"), (3, "")]


def test_a_picture_of_the_merchants_own_in_the_first_place_stays_there(merchant: Merchant) -> None:
    product = factories.product(merchant, external_id="A")
    factories.image(product, source_url="")
    load(merchant, feed(row("A")))
    load(merchant, feed(row("A")))
    assert list(product.images.values_list("position", "source_url")) == [
        (0, ""),
        (1, "https://s.example/A.jpg"),
    ]


def test_pictures_of_a_zip_are_stored_at_once(merchant: Merchant) -> None:
    text = feed(row("A", image="a.png"), row("B", image="b.png"), row("C", image="c.png"))
    upload = load(merchant, zipped(products_tsv=text, a_png=png(), b_png=png("blue"), c_png=b"not a picture"))
    assert counts(upload) == {"created": 2, "refused": 1}
    (issue,) = upload.issues.all()
    assert (issue.line, issue.record, issue.column) == (4, "C", "image_link")
    assert issue.rule.startswith("The picture cannot be used: not an image of a known format")
    image = ProductImage.objects.get(product__external_id="A")
    assert (image.status, image.width, image.height, image.source_url) == ("ready", 64, 48, "zip:a.png")
    assert image.file.name == f"images/{image.sha256[:2]}/{image.sha256}.png"
    with default_storage.open(image.file.name) as stored:
        assert stored.read() == png()
    assert not OutboxEntry.objects.exists()


def test_the_same_zip_again_changes_nothing_and_new_bytes_do(merchant: Merchant) -> None:
    text = feed(row("A", image="a.png"))
    load(merchant, zipped(products_tsv=text, a_png=png()))
    assert counts(load(merchant, zipped(products_tsv=text, a_png=png()))) == {"unchanged": 1}
    assert counts(load(merchant, zipped(products_tsv=text, a_png=png("green")))) == {"changed": 1}
    assert ProductImage.objects.count() == 1


def test_a_dry_run_of_a_zip_stores_no_picture(merchant: Merchant) -> None:
    data = png("purple", (77, 77))
    upload = load(merchant, zipped(products_tsv=feed(row("A", image="a.png")), a_png=data), dry_run=True)
    assert counts(upload) == {"created": 1}
    assert not default_storage.exists(inspect_image(data).name)


def test_an_import_resumes_where_it_stopped(
    merchant: Merchant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CATALOG_BATCH_ROWS = 2
    upload = start_import(
        merchant, io.BytesIO(feed(*map(row, "ABCDE"))), "feed.tsv", ImportHow(mode="snapshot"), queue=False
    )
    write = catalog_import.write_plan
    monkeypatch.setattr(
        catalog_import, "write_plan", lambda of, plan: None if _has(plan, "C") else write(of, plan)
    )
    with pytest.raises(KeyboardInterrupt):
        run_import(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.rows_done, upload.created) == ("running", 2, 2)
    assert run_import(upload.pk) is None  # somebody holds it
    monkeypatch.undo()
    settings.CATALOG_BATCH_ROWS = 2
    CatalogImport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweep() == 2  # the import, and the pictures that wait
    done = run_import(upload.pk)
    assert done is not None
    assert (done.status, done.rows_done, counts(done)) == ("done", 5, {"created": 5})


def _has(plan: Any, external_id: str) -> bool:
    if any(write.external_id == external_id for write in plan.writes):
        raise KeyboardInterrupt  # what a killed worker looks like: nothing after this line runs
    return False


def test_a_second_runner_stops_when_it_sees_the_first_go_on(merchant: Merchant, settings: Any) -> None:
    settings.CATALOG_BATCH_ROWS = 1
    upload = start_import(merchant, io.BytesIO(feed(*map(row, "ABC"))), "feed.tsv", queue=False)

    def overtake(_: CatalogImport) -> None:
        CatalogImport.objects.filter(pk=upload.pk, rows_done=1).update(rows_done=2)

    assert run_import(upload.pk, overtake) is None
    assert list(Product.objects.values_list("external_id", flat=True)) == ["A"]


def test_a_finished_import_does_not_run_again(merchant: Merchant) -> None:
    upload = load(merchant, feed(row("A")))
    assert run_import(upload.pk) is None


def test_an_import_given_up_fails_in_sight(merchant: Merchant) -> None:
    upload = start_import(merchant, io.BytesIO(feed(row("A"))), "feed.tsv", queue=False)
    CatalogImport.objects.update(queued_at=timezone.now() - timedelta(days=2))
    assert sweep() == 0
    upload.refresh_from_db()
    assert (upload.status, upload.error) == ("failed", "The import did not finish within a day.")


def test_starting_an_import_wakes_a_worker_once(merchant: Merchant) -> None:
    upload = start_import(merchant, io.BytesIO(feed(row("A"))), "../../My feed.tsv")
    assert upload.filename == "My_feed.tsv"
    assert list(OutboxEntry.objects.values_list("job", "key")) == [
        ("creatives.jobs_catalog.run_import", str(upload.pk))
    ]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "The upload is empty."),
        (b"x" * 2_000_000, {}, "The upload has more than 1 MB; split it."),
        (b"id\n1\n", {"mode": "replace"}, "mode is auto, upsert, snapshot; not 'replace'."),
    ],
)
def test_uploads_that_are_not_taken_leave_nothing(
    merchant: Merchant, settings: Any, data: bytes, options: dict[str, str], message: str
) -> None:
    settings.CATALOG_MAX_UPLOAD_BYTES = 1 << 20
    with pytest.raises(CatalogError) as caught:
        start_import(merchant, io.BytesIO(data), "feed.tsv", ImportHow(**options))
    assert str(caught.value) == message
    assert not CatalogImport.objects.exists()
    assert not OutboxEntry.objects.exists()


def test_two_merchants_may_use_the_same_id(merchant: Merchant) -> None:
    other = factories.merchant()
    load(merchant, feed(row("A")))
    assert counts(load(other, feed(row("A", title="Theirs")))) == {"created": 1}
    assert Product.objects.get(merchant=merchant).title == "Product A"


def test_a_batch_costs_a_constant_number_of_queries(
    merchant: Merchant, django_assert_max_num_queries: Any
) -> None:
    upload = start_import(
        merchant, io.BytesIO(feed(*(row(str(n)) for n in range(120)))), "feed.tsv", queue=False
    )
    with django_assert_max_num_queries(40):
        run_import(upload.pk)
