"""Wake-ups survive a Redis that is away or comes back empty, and nothing is queued twice."""

from __future__ import annotations

import threading
from datetime import timedelta

import django_rq
import pytest
from django.db import connection, transaction
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from creatives.models import Creative, CreativeRequest, OutboxEntry
from creatives.outbox import dispatch_once, wake
from creatives.services.generation import request_creatives
from creatives.services.sweeper import sweep
from tests import factories, studio
from tests.concurrency.conftest import OwnRedis
from tests.concurrency.processes import slow_worker

pytestmark = pytest.mark.django_db(transaction=True)


def queued(name: str = "generate") -> list[str]:
    return [job.description for job in django_rq.get_queue(name).jobs]


def test_an_entry_goes_to_its_queue_and_is_gone() -> None:
    wake("generate", ["v:320x256"])
    wake("render", ["7"])
    assert dispatch_once() == 2
    assert (queued("generate"), queued("default")) == (["generate(v:320x256)"], ["render(7)"])
    assert OutboxEntry.objects.count() == 0
    assert dispatch_once() == 0


def test_a_job_of_another_room_goes_by_its_dotted_path() -> None:
    wake("creatives.jobs_catalog.run_import", ["7"])
    assert dispatch_once() == 1
    (job,) = django_rq.get_queue("default").jobs
    assert (job.func_name, job.args) == ("creatives.jobs_catalog.run_import", ("7",))
    wake("creatives.jobs_catalog.run_import", ["7"])
    assert dispatch_once() == 1
    assert django_rq.get_queue("default").count == 1


def test_an_entry_waits_for_its_time_and_an_earlier_time_brings_it_forward() -> None:
    later = timezone.now() + timedelta(hours=1)
    wake("generate", ["a"], at=later)
    assert dispatch_once() == 0
    wake("generate", ["a"], at=later + timedelta(hours=1))
    assert OutboxEntry.objects.get().available_at == later
    wake("generate", ["a"])
    assert dispatch_once() == 1


def test_a_job_that_still_waits_is_not_queued_again() -> None:
    for _ in range(3):
        wake("generate", ["a", "b"])
        dispatch_once()
    assert queued() == ["generate(a)", "generate(b)"]
    django_rq.get_queue(
        "generate"
    ).pop_job_id()  # a worker has started it: it may have missed what came since
    wake("generate", ["a"])
    dispatch_once()
    assert queued() == ["generate(b)", "generate(a)"]


def test_with_redis_down_at_commit_nothing_is_lost(own_redis: OwnRedis) -> None:
    merchant = factories.merchant()
    own_redis.stop()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    with pytest.raises(RedisConnectionError):
        dispatch_once()
    assert OutboxEntry.objects.get().key == studio.key()
    own_redis.start()
    assert dispatch_once() == 1
    assert queued() == [f"generate({studio.key()})"]
    assert row.status == "queued"


def test_a_redis_that_restarts_empty_leaves_exactly_one_creative(own_redis: OwnRedis) -> None:
    merchant = factories.merchant()
    studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    assert dispatch_once() == 1
    own_redis.stop()
    own_redis.start()
    assert queued() == []
    assert sweep()["generate"] == 1
    assert dispatch_once() == 1
    with slow_worker(BURST=1) as worker:
        assert worker.wait(60) == 0
    assert (Creative.objects.count(), CreativeRequest.objects.get().attempts) == (1, 1)


def test_an_entry_of_an_open_transaction_is_not_carried_early() -> None:
    done = threading.Event()
    written = threading.Event()

    def write() -> None:
        with transaction.atomic():
            wake("generate", ["a"])
            written.set()
            done.wait(10)
        connection.close()

    wake("generate", ["a"])
    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)
    assert dispatch_once() == 0  # the writer's rows could not be seen by the job yet
    done.set()
    writer.join()
    assert dispatch_once() == 1


def test_two_dispatchers_queue_each_entry_once() -> None:
    wake("generate", [f"bucket {n}" for n in range(60)])
    start, counts = threading.Barrier(3), []

    def dispatch() -> None:
        start.wait()
        while count := dispatch_once(limit=7):
            counts.append(count)
        connection.close()

    threads = [threading.Thread(target=dispatch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queued()) == len(set(queued())) == 60
    assert sum(counts) == 60
    assert OutboxEntry.objects.count() == 0


def test_doubled_requests_from_many_threads_are_one_row() -> None:
    merchant = factories.merchant()
    versions, image = [studio.version() for _ in range(3)], studio.photo(merchant)
    wants = [
        studio.want(image, version, *size)
        for version in versions
        for size in ((300, 250), (336, 280), (250, 300))
    ]
    start, sums = threading.Barrier(6), []

    def request(order: int) -> None:
        start.wait()
        for _ in range(3):
            sums.append(request_creatives(merchant, wants[::order]))
        connection.close()

    threads = [threading.Thread(target=request, args=(order,)) for order in (1, -1) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sums) == 18
    assert (sum(each.generations for each in sums), sum(each.sizes for each in sums)) == (6, 9)
    assert CreativeRequest.objects.count() == 6
    assert OutboxEntry.objects.count() == 2


def test_a_job_may_be_named_by_its_path() -> None:
    wake("creatives.jobs_catalog.run_import", ["0"])
    assert dispatch_once() == 1
    (job,) = django_rq.get_queue("default").jobs
    assert (job.func_name, job.args) == ("creatives.jobs_catalog.run_import", ("0",))
