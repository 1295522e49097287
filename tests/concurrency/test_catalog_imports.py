"""Imports at the same time: nothing doubled, nothing lost, no deadlock."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from creatives.models import CatalogImport, Merchant, Product, ProductImage
from creatives.services.catalog import CatalogError, add_product
from creatives.services.catalog_import import run_import
from creatives.services.imports import start_import
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 120


@pytest.fixture
def merchant(settings: Any) -> Merchant:
    settings.CATALOG_BATCH_ROWS = 10
    return factories.merchant("shop")


def feed(title: str, order: int) -> bytes:
    rows = [f"{n}\t{title}\thttps://s.example/{n}\thttps://s.example/{n}.jpg" for n in range(ROWS)]
    random.Random(order).shuffle(rows)
    return "\n".join(["id\ttitle\tlink\timage_link", *rows]).encode()


def together(*tasks: Callable[[], object]) -> list[object]:
    """Run all tasks at once; their results, an exception in the place of a result."""
    results: list[object] = [None] * len(tasks)
    gate = threading.Barrier(len(tasks))

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = tasks[number]()
        except Exception as error:  # reported by the assertion
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_feeds_of_one_merchant_in_different_order(merchant: Merchant) -> None:
    uploads = [
        start_import(merchant, io.BytesIO(feed(f"feed {n}", n)), "feed.tsv", queue=False) for n in range(2)
    ]
    results = together(*(lambda pk=upload.pk: run_import(pk) for upload in uploads))
    assert [getattr(result, "status", result) for result in results] == ["done", "done"]
    assert Product.objects.count() == ProductImage.objects.count() == ROWS
    done = CatalogImport.objects.all()
    assert sum(upload.created for upload in done) == ROWS
    assert sum(upload.changed for upload in done) == ROWS


def test_two_workers_with_the_same_import_run_it_once(merchant: Merchant) -> None:
    upload = start_import(merchant, io.BytesIO(feed("feed", 0)), "feed.tsv", queue=False)
    results = together(*(lambda: run_import(upload.pk) for _ in range(3)))
    assert sum(result is None for result in results) == 2
    upload.refresh_from_db()
    assert (upload.status, upload.rows_done, upload.created, upload.unchanged) == ("done", ROWS, ROWS, 0)
    assert Product.objects.count() == ROWS


def test_a_feed_and_a_person_add_the_same_product(merchant: Merchant) -> None:
    upload = start_import(merchant, io.BytesIO(feed("feed", 0)), "feed.tsv", queue=False)
    values = {"external_id": "7", "title": "by hand", "link": "https://s.example/7"}
    imported, added = together(lambda: run_import(upload.pk), lambda: add_product(merchant, values))
    assert getattr(imported, "status", imported) == "done"
    assert isinstance(added, Product | CatalogError)
    assert Product.objects.filter(external_id="7").count() == 1
