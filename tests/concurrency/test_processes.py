"""`work` and `dispatch` as processes: they do their work and stop on SIGTERM within five seconds."""

from __future__ import annotations

import signal
import subprocess
import time

import django_rq
import pytest
from rq import Worker

from creatives.models import OutboxEntry, PositionedRendition, WebhookDelivery
from creatives.outbox import dispatch_once, wake
from creatives.services.creatives import approve
from creatives.services.generation import Want, request_positioned
from tests import factories, studio
from tests.concurrency.conftest import OwnRedis
from tests.concurrency.processes import process
from tests.endpoint import endpoint, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def stops_in_time(child: subprocess.Popen[bytes]) -> bool:
    asked = time.monotonic()
    child.send_signal(signal.SIGTERM)
    return child.wait(30) == 0 and time.monotonic() - asked < 5


def test_the_dispatcher_carries_sends_sweeps_survives_redis_and_stops(own_redis: OwnRedis) -> None:
    merchant = factories.merchant()
    with endpoint(200) as hook, process("manage.py", "dispatch", SWEEP_SECONDS=1) as dispatcher:
        studio.requested(merchant, studio.want(studio.photo(merchant), studio.version(), 250, 300))
        assert wait_until(lambda: django_rq.get_queue("generate").count == 1, 60)
        own_redis.stop()
        wake("render", ["1"])
        time.sleep(1.5)
        assert OutboxEntry.objects.filter(job="render").count() == 1
        assert dispatcher.poll() is None
        studio.recommender(merchant, url=hook.url)
        approve(studio.painted(merchant).pk)
        assert wait_until(lambda: WebhookDelivery.objects.get().status == "delivered")  # without Redis
        own_redis.start()
        assert wait_until(lambda: django_rq.get_queue("default").count == 1, 40)
        assert stops_in_time(dispatcher)
    assert len(hook.accepted) == 1


def test_the_worker_runs_jobs_without_loading_a_checkpoint_it_does_not_need_and_stops() -> None:
    merchant = factories.merchant()
    image = studio.photo(merchant)
    request_positioned(merchant, [Want(image.sha256, 0, 300, 250, studio.LAYOUT)])
    with process("manage.py", "work", CHECKPOINT_PROFILE="studio-tiny") as worker:
        assert dispatch_once() == 1
        assert wait_until(lambda: PositionedRendition.objects.get().file.name != "", 60)
        assert Worker.count(connection=django_rq.get_connection("default")) == 1
        assert stops_in_time(worker)
