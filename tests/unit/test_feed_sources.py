"""Feeds by address: fetched when due, imported when new, tried again when not, one run at a time."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from creatives import jobs_catalog
from creatives.models import CatalogImport, FeedRun, FeedSource, Merchant, OutboxEntry, Product
from creatives.services import feed_sources
from creatives.services.catalog_import import run_import
from creatives.services.catalog_sweep import sweep
from tests import factories

pytestmark = pytest.mark.django_db
FEED = b"id,title,link\nA,Shoe,https://s.example/a\nB,Hat,https://s.example/b\n"


class Host:
    """A shop's server: what it answers, and what it was asked with."""

    def __init__(self) -> None:
        self.status, self.body = 200, FEED
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.gate: threading.Event | None = None
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append(dict(self.headers))
                if host.gate is not None:
                    host.gate.wait(10)
                seen = self.headers.get("If-None-Match")
                known = seen is not None and seen == host.headers.get("ETag")
                self.send_response(304 if known else host.status)
                for name, value in host.headers.items():
                    self.send_header(name, value)
                body = b"" if known else host.body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/feeds/products.csv"


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    threading.Thread(target=host.server.serve_forever, daemon=True).start()
    yield host
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def source(host: Host) -> FeedSource:
    merchant = factories.merchant("shop")
    return feed_sources.save_source(FeedSource(merchant=merchant, name="Main", url=host.url))


def run(source: FeedSource, finish: bool = True) -> FeedRun:
    """Fetch the source now, and import what came of it."""
    FeedSource.objects.filter(pk=source.pk).update(next_run_at=timezone.now())
    done = feed_sources.run_source(source.pk)
    assert done is not None
    if finish and done.catalog_import_id:
        run_import(done.catalog_import_id)
    source.refresh_from_db()
    return done


def test_a_feed_is_fetched_and_imported(source: FeedSource, host: Host) -> None:
    done = run(source)
    assert (done.outcome, done.http_status, done.size) == ("imported", 200, len(FEED))
    upload = CatalogImport.objects.get()
    assert (upload.source, upload.filename, upload.mode, upload.status) == (
        source,
        "products.csv",
        "snapshot",
        "done",
    )
    assert Product.objects.count() == 2
    assert timedelta(hours=23) < source.next_run_at - timezone.now() < timedelta(hours=25)
    assert host.asked[0]["User-Agent"].startswith("ProductStudio/")


def test_it_is_not_fetched_before_its_time_nor_while_paused(source: FeedSource, host: Host) -> None:
    run(source)
    assert feed_sources.run_source(source.pk) is None
    FeedSource.objects.update(next_run_at=timezone.now(), is_paused=True)
    assert feed_sources.run_source(source.pk) is None
    assert len(host.asked) == 1


def test_the_host_is_asked_whether_there_is_news(source: FeedSource, host: Host) -> None:
    host.headers = {"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 00:00:00 GMT"}
    run(source)
    second = run(source)
    assert (second.outcome, second.http_status) == ("unchanged", 304)
    assert (host.asked[1]["If-None-Match"], host.asked[1]["If-Modified-Since"]) == (
        '"v1"',
        "Mon, 23 Nov 2026 00:00:00 GMT",
    )
    host.headers = {"ETag": '"v2"'}
    host.body = FEED.replace(b"Hat", b"Cap")
    assert run(source).outcome == "imported"
    assert Product.objects.get(external_id="B").title == "Cap"


def test_the_same_file_is_not_imported_twice(source: FeedSource) -> None:
    run(source)
    assert (run(source).detail, CatalogImport.objects.count()) == ("The file is the same as before.", 1)


def test_what_a_failed_import_left_undone_is_fetched_again(source: FeedSource, host: Host) -> None:
    host.headers = {"ETag": '"v1"'}
    run(source)
    CatalogImport.objects.update(status="failed")
    assert run(source).outcome == "imported"
    assert "If-None-Match" not in host.asked[1]


def test_a_source_waits_for_its_last_import(source: FeedSource, host: Host) -> None:
    run(source, finish=False)
    assert run(source).detail == "The last one is still being imported."
    assert len(host.asked) == 1


def test_a_packed_feed_is_unpacked(source: FeedSource, host: Host) -> None:
    host.body = gzip.compress(FEED)
    run(source)
    assert Product.objects.count() == 2


@pytest.mark.parametrize(
    ("status", "headers", "minutes"),
    [(503, {}, 5), (429, {"Retry-After": "1800"}, 30), (404, {}, 24 * 60)],
)
def test_failures_are_noted_and_what_may_pass_is_tried_sooner(
    source: FeedSource, host: Host, status: int, headers: dict[str, str], minutes: int
) -> None:
    host.status, host.headers = status, headers
    done = run(source)
    assert (done.outcome, done.http_status, done.detail) == ("failed", status, f"the host answered {status}")
    assert source.failures == 1
    wait = source.next_run_at - timezone.now()
    assert timedelta(minutes=minutes - 1) < wait <= timedelta(minutes=minutes)
    host.status = 200
    run(source)
    assert source.failures == 0


def test_pauses_double_up_to_the_interval(source: FeedSource, host: Host) -> None:
    host.status = 503
    FeedSource.objects.update(failures=3)
    run(source)
    assert timedelta(minutes=39) < source.next_run_at - timezone.now() <= timedelta(minutes=40)
    FeedSource.objects.update(failures=60)
    run(source)
    assert timedelta(hours=23) < source.next_run_at - timezone.now() <= timedelta(hours=24)


def test_a_feed_that_is_too_large_is_refused(source: FeedSource, settings: Any) -> None:
    settings.CATALOG_MAX_UPLOAD_BYTES = 10
    assert run(source).detail == "the answer has more than 0 MB"
    assert not CatalogImport.objects.exists()


def test_private_addresses_are_not_reached(source: FeedSource, host: Host, settings: Any) -> None:
    settings.ALLOW_PRIVATE_HOSTS = False
    assert run(source).detail == "the address does not lead to a public host"
    assert host.asked == []


def test_a_run_left_open_by_a_killed_worker_is_closed(source: FeedSource) -> None:
    left = FeedRun.objects.create(source=source)
    run(source)
    left.refresh_from_db()
    assert (left.outcome, left.detail) == ("failed", "The worker was stopped.")


def test_the_database_allows_one_run_at_a_time(source: FeedSource) -> None:
    FeedRun.objects.create(source=source)
    with pytest.raises(IntegrityError), transaction.atomic():
        FeedRun.objects.create(source=source)


@pytest.mark.django_db(transaction=True)
def test_two_workers_fetch_once(source: FeedSource, host: Host) -> None:
    from django.db import connection

    host.gate = threading.Event()
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(jobs_catalog.fetch_feed(str(source.pk)))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    host.gate.set()
    for thread in threads:
        thread.join()
    assert (len(host.asked), FeedRun.objects.count(), CatalogImport.objects.count()) == (1, 1, 1)


def test_the_sweep_wakes_what_is_due(source: FeedSource) -> None:
    OutboxEntry.objects.all().delete()
    assert sweep() == 1
    assert [(entry.job, entry.key) for entry in OutboxEntry.objects.all()] == [
        ("creatives.jobs_catalog.fetch_feed", str(source.pk))
    ]
    FeedSource.objects.update(next_run_at=timezone.now() + timedelta(minutes=1))
    assert sweep() == 0
    FeedSource.objects.update(next_run_at=timezone.now())
    Merchant.objects.update(is_active=False)
    assert sweep() == 0


def test_a_feed_that_leaves_out_too_much_retires_nothing(source: FeedSource, host: Host) -> None:
    run(source)
    host.body = b"id,title,link\nC,Bag,https://s.example/c\n"
    FeedSource.objects.update(retire_limit=60)
    run(source)
    upload = CatalogImport.objects.latest("pk")
    assert (upload.status, upload.created, upload.retired, upload.held_back) == ("done", 1, 0, 2)
    assert "leaves out more than 60 % of the catalogue" in upload.issues.get().rule
    assert Product.objects.filter(status="active").count() == 3
    host.body += b"A,Shoe,https://s.example/a\n"
    run(source)
    upload = CatalogImport.objects.latest("pk")
    assert (upload.retired, upload.retiring) == (1, ["B"])


def test_a_changed_source_forgets_what_it_has_seen(source: FeedSource, host: Host) -> None:
    host.headers = {"ETag": '"v1"'}
    run(source)
    source.mode = "upsert"
    feed_sources.save_source(source)
    assert run(source).outcome == "imported"
    assert CatalogImport.objects.latest("pk").mode == "upsert"


def test_run_now_fetches_whatever_was_seen(source: FeedSource) -> None:
    run(source)
    feed_sources.run_now(source.pk)
    done = feed_sources.run_source(source.pk)
    assert done is not None
    assert done.outcome == "imported"
    feed_sources.pause(source.pk, True)
    with pytest.raises(feed_sources.SourceError, match="paused"):
        feed_sources.run_now(source.pk)


def test_names_are_a_merchants_own(source: FeedSource) -> None:
    with pytest.raises(feed_sources.SourceError, match="There is a feed named 'Main' already"):
        feed_sources.save_source(FeedSource(merchant=source.merchant, name="Main", url="https://s.example/2"))
    feed_sources.save_source(
        FeedSource(merchant=factories.merchant(), name="Main", url="https://s.example/2")
    )
    assert FeedSource.objects.count() == 2


def test_history_does_not_grow_for_ever(source: FeedSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_sources, "KEPT_RUNS", 3)
    for _ in range(5):
        run(source)
    assert FeedRun.objects.count() == 3
