"""A worker killed in the middle of an import: another one goes on, and every row is counted once."""

from __future__ import annotations

import io
import os
import signal
import time
from typing import Any

import pytest

from creatives.models import CatalogImport, Product, ProductImage
from creatives.services.catalog_sweep import sweep
from creatives.services.imports import ImportHow, start_import
from tests import factories, studio
from tests.concurrency.processes import process

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 4_000
HEADER = "id\ttitle\tlink\timage_link\tprice"


def feed() -> bytes:
    rows = (
        f"{n}\tProduct {n}\thttps://s.example/{n}\thttps://s.example/{n}.jpg\t{'cheap' if n % 1000 == 7 else '5.00 EUR'}"
        for n in range(ROWS)
    )
    return "\n".join([HEADER, *rows, ""]).encode()


def worker() -> Any:
    return process("manage.py", "work", "default", "--burst", CATALOG_BATCH_ROWS=50, CATALOG_LEASE_SECONDS=2)


def until(condition: Any, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_a_killed_import_goes_on_where_it_stopped() -> None:
    merchant = factories.merchant("shop")
    factories.product(merchant, external_id="gone")
    upload = start_import(merchant, io.BytesIO(feed()), "feed.tsv", ImportHow(mode="snapshot"))
    rows = CatalogImport.objects.filter(pk=upload.pk)
    studio.drain()
    with worker() as first:
        until(lambda: rows.filter(rows_done__gte=200).exists())
        os.killpg(first.pid, signal.SIGKILL)
    stopped = rows.get()
    assert (stopped.status, 200 <= stopped.rows_done < ROWS) == ("running", True)
    assert Product.objects.filter(merchant=merchant).count() == stopped.created + 1
    until(lambda: sweep() and rows.get().lease_until is not None and _is_woken(upload.pk), 30)
    studio.drain()
    with worker() as second:
        until(lambda: rows.exclude(status="running").exists())
        second.wait(60)
    done = rows.get()
    assert (done.status, done.rows_done, done.created, done.changed, done.unchanged, done.refused, done.retired) == (
        "done", ROWS, ROWS - 4, 0, 0, 4, 1,
    )  # fmt: skip
    assert done.issues.count() == 4
    assert Product.objects.filter(status="active").count() == ROWS - 4
    assert ProductImage.objects.count() == ROWS - 4


def _is_woken(import_id: int) -> bool:
    from creatives.models import OutboxEntry

    return OutboxEntry.objects.filter(job="creatives.jobs_catalog.run_import", key=str(import_id)).exists()
