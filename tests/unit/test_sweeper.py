"""The sweeper finds what fell on the floor, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from creatives.models import CreativeRequest, OutboxEntry, PositionedRendition, Rendition
from creatives.services.creatives import reject
from creatives.services.generation import Want, request_creatives
from creatives.services.sweeper import sweep
from tests import factories, studio

pytestmark = pytest.mark.django_db

NOTHING = {"expired_leases": 0, "generate": 0, "render": 0, "position": 0, "compare": 0}
AGO, LATER = timedelta(minutes=-1), timedelta(minutes=1)


def asked(**fields: Any) -> CreativeRequest:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    CreativeRequest.objects.filter(pk=row.pk).update(**fields)
    OutboxEntry.objects.all().delete()
    return row


def wakes() -> set[tuple[str, str]]:
    return set(OutboxEntry.objects.values_list("job", "key"))


def test_a_due_request_whose_wake_up_was_lost() -> None:
    asked()
    assert sweep() == NOTHING | {"generate": 1}
    assert wakes() == {("generate", studio.key())}


@pytest.mark.parametrize("status", ["done", "failed", "running"])
def test_requests_that_do_not_wait_are_left_alone(status: str) -> None:
    asked(status=status, lease_until=timezone.now() + LATER)
    assert sweep() == NOTHING
    assert wakes() == set()


def test_a_request_that_is_not_due_is_left_alone() -> None:
    asked(due_at=timezone.now() + LATER)
    assert sweep() == NOTHING


def test_an_expired_lease_goes_back_to_the_queue_with_its_attempt_counted() -> None:
    row = asked(status="running", attempts=1, fence=1, lease_until=timezone.now() + AGO)
    assert sweep()["expired_leases"] == 1
    row.refresh_from_db()
    assert (row.status, row.attempts, row.fence, row.lease_until) == ("queued", 1, 1, None)
    assert wakes() == {("generate", studio.key())}


def test_a_size_without_a_file_is_rendered_only_while_its_creative_lives(settings: Any) -> None:
    creative = studio.painted(factories.merchant())
    OutboxEntry.objects.all().delete()
    row = Rendition.objects.create(request=creative.request, width=336, height=280)
    assert sweep() == NOTHING | {"render": 1}
    assert wakes() == {("render", str(creative.request_id))}
    Rendition.objects.filter(pk=row.pk).update(attempts=settings.GENERATION_MAX_ATTEMPTS)
    assert sweep() == NOTHING
    Rendition.objects.filter(pk=row.pk).update(attempts=0, due_at=timezone.now() + LATER)
    assert sweep() == NOTHING
    Rendition.objects.filter(pk=row.pk).update(due_at=timezone.now() + AGO)
    reject(creative.pk, "ugly")
    assert sweep() == NOTHING


def test_a_product_on_white_without_a_file() -> None:
    merchant = factories.merchant(fallback="positioned")
    request_creatives(merchant, [Want("a" * 64, studio.version().pk, 300, 250, studio.LAYOUT)])
    OutboxEntry.objects.all().delete()
    CreativeRequest.objects.update(status="done")
    assert sweep() == NOTHING | {"position": 1}
    assert wakes() == {("position", str(PositionedRendition.objects.get().pk))}
