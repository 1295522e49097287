"""Workers that are killed, stopped, or doubled leave exactly one creative and one accepted message."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from django.db import connection, transaction

from creatives.models import Creative, CreativeRequest, WebhookDelivery
from creatives.outbox import dispatch_once
from creatives.sender import Sender
from creatives.services.leases import LeaseLostError, claim, kept_alive, lock_held, release
from creatives.services.painting import paint_bucket
from creatives.services.sweeper import expire_leases, sweep
from tests import factories, studio
from tests.concurrency.processes import slow_worker
from tests.endpoint import endpoint, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def is_running() -> bool:
    return CreativeRequest.objects.filter(status="running").exists()


def test_a_worker_killed_in_the_middle_leaves_one_creative_and_one_accepted_message() -> None:
    merchant = factories.merchant(auto_approve=True)
    with endpoint(500) as hook:  # the first delivery is refused as well
        studio.recommender(merchant, url=hook.url)
        (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
        dispatch_once()
        with slow_worker(step_seconds=2, GENERATION_LEASE_SECONDS=2) as worker:
            assert wait_until(is_running, 60)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert Creative.objects.count() == 0
        assert wait_until(lambda: sweep()["expired_leases"] == 1)
        row.refresh_from_db()
        assert (row.status, row.attempts, row.error) == (
            "queued",
            1,
            "the worker stopped answering in attempt 1",
        )
        assert dispatch_once() == 1
        with slow_worker(BURST=1) as worker:
            assert worker.wait(60) == 0
        row.refresh_from_db()
        assert (row.status, row.attempts, row.fence, row.error) == ("done", 2, 2, "")
        delivery = WebhookDelivery.objects.get()
        for _ in range(2):
            Sender().send_due(delivery.recommender_id)
            WebhookDelivery.objects.filter(status="pending").update(due_at=delivery.created_at)
        Sender().send_due(delivery.recommender_id)
    assert Creative.objects.get().status == "approved"
    assert (len(hook.requests), len(hook.accepted)) == (2, 1)
    assert WebhookDelivery.objects.get().status == "delivered"


def test_a_frozen_worker_that_wakes_up_again_writes_nothing() -> None:
    merchant = factories.merchant(auto_approve=True)
    studio.recommender(merchant)
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    dispatch_once()
    with slow_worker(step_seconds=0.2, GENERATION_LEASE_SECONDS=1, BURST=1) as frozen:
        assert wait_until(is_running, 60)
        os.kill(frozen.pid, signal.SIGSTOP)
        assert wait_until(lambda: expire_leases() == 1)
        assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
        creative = Creative.objects.get()
        os.kill(frozen.pid, signal.SIGCONT)
        assert frozen.wait(60) == 0
    assert Creative.objects.get() == creative
    row.refresh_from_db()
    assert (row.status, row.fence, row.attempts) == ("done", 2, 2)
    assert WebhookDelivery.objects.count() == 1


def test_a_worker_asked_to_stop_gives_its_request_back_within_five_seconds() -> None:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    dispatch_once()
    with slow_worker(step_seconds=1) as worker:
        assert wait_until(is_running, 60)
        asked = time.monotonic()
        worker.terminate()
        worker.wait(30)
        assert time.monotonic() - asked < 5
    row.refresh_from_db()
    assert (row.status, row.attempts, row.lease_until) == ("queued", 0, None)
    assert Creative.objects.count() == 0


def test_two_workers_at_once_paint_everything_once() -> None:
    merchant, version = factories.merchant(), studio.version()
    images = [studio.photo(merchant, (20 * n, 90, 90)) for n in range(8)]
    studio.requested(merchant, *(studio.want(image, version) for image in images))
    dispatch_once()
    with slow_worker(0.01, GENERATION_BATCH_SIZE=2) as one, slow_worker(0.01, GENERATION_BATCH_SIZE=2) as two:

        def all_done() -> bool:
            dispatch_once()
            return not CreativeRequest.objects.exclude(status="done").exists()

        assert wait_until(all_done, 90)
        assert one.poll() is two.poll() is None
    assert Creative.objects.count() == 8
    assert set(CreativeRequest.objects.values_list("fence", "attempts")) == {(1, 1)}


def test_claims_of_two_workers_do_not_overlap() -> None:
    merchant, version = factories.merchant(), studio.version()
    images = [studio.photo(merchant, (20 * n, 90, 90)) for n in range(6)]
    studio.requested(merchant, *(studio.want(image, version) for image in images))
    start, taken = threading.Barrier(3), []

    def take() -> None:
        start.wait()
        while claims := claim(studio.key(), 1):
            taken.extend(one.request.pk for one in claims)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 6


def test_the_heartbeat_keeps_a_lease_and_an_overtaken_claim_holds_nothing(settings: object) -> None:
    settings.GENERATION_LEASE_SECONDS = 1  # type: ignore[attr-defined]
    merchant = factories.merchant()
    studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    (first,) = claim(studio.key(), 4)
    with kept_alive([first]):
        time.sleep(1.6)
        assert expire_leases() == 0
    time.sleep(1.1)
    assert expire_leases() == 1
    (second,) = claim(studio.key(), 4)
    assert (first.fence, second.fence) == (1, 2)
    assert release([first]) == 0
    with transaction.atomic():
        with pytest.raises(LeaseLostError):
            lock_held(first)
        assert lock_held(second).pk == second.request.pk


def test_a_request_that_brings_down_every_worker_fails_in_sight(settings: object) -> None:
    settings.GENERATION_LEASE_SECONDS, settings.GENERATION_MAX_ATTEMPTS = 0, 2  # type: ignore[attr-defined]
    merchant = factories.merchant()
    studio.recommender(merchant)
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    for _ in range(2):
        assert len(claim(studio.key(), 1)) == 1  # and never heard of again
        assert expire_leases() == 1
    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "the worker stopped answering in attempt 2")
    assert WebhookDelivery.objects.get().event_type == "creative.failed"
    assert sweep() == {"expired_leases": 0, "generate": 0, "render": 0, "position": 0, "compare": 0}
