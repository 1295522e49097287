"""Webhooks: signed, retried with back-off, given up in sight, replayed under the same id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import WebhookVerificationError

from creatives import webhooks
from creatives.models import Creative, WebhookDelivery
from creatives.sender import Sender
from creatives.services.creatives import approve, retire
from creatives.services.delivery import ReplayError, claim_delivery, record_answer, replay
from tests import factories, studio
from tests.endpoint import Endpoint, endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.5
    settings.WEBHOOK_BACKOFF_SECONDS = [5, 300]


def approved_for(url: str, **fields: Any) -> tuple[Creative, WebhookDelivery]:
    merchant = factories.merchant()
    studio.recommender(merchant, url=url, **fields)
    creative = studio.painted(merchant)
    approve(creative.pk)
    return creative, WebhookDelivery.objects.get(merchant=merchant)


def send(delivery: WebhookDelivery) -> WebhookDelivery:
    """One round for the recommender of ``delivery``, whatever is due."""
    Sender().send_due(delivery.recommender_id)
    delivery.refresh_from_db()
    return delivery


def make_due() -> None:
    WebhookDelivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_an_accepted_message_is_signed_as_the_specification_says() -> None:
    with endpoint(200) as hook:
        creative, delivery = approved_for(hook.url)
        send(delivery)
    assert (delivery.status, delivery.attempts, delivery.response_status, delivery.error) == (
        "delivered",
        1,
        200,
        "",
    )
    assert delivery.delivered_at is not None
    assert hook.payloads[0]["data"]["id"] == creative.pk  # verified by the specification's own library
    assert hook.requests[0]["webhook-id"] == f"msg_{delivery.message_id.hex}"
    assert hook.requests[0]["content-type"] == "application/json"


@pytest.mark.parametrize("known", [studio.SECRET, studio.OLD_SECRET])
def test_while_a_secret_is_rotated_both_verify(known: str) -> None:
    with endpoint(200, secret=known) as hook:
        _, delivery = approved_for(hook.url, webhook_secret_previous=studio.OLD_SECRET)
        send(delivery)
    assert delivery.status == "delivered"
    assert len(hook.requests[0]["webhook-signature"].split(" ")) == 2


def test_another_secret_does_not_verify() -> None:
    hook = Endpoint(secret=studio.OLD_SECRET)
    _, delivery = approved_for("http://127.0.0.1:9/")
    body = webhooks.body_of(delivery)
    with pytest.raises(WebhookVerificationError):
        hook.take(webhooks.headers_of(delivery, body, timezone.now()), body)


def test_refusals_back_off_and_the_same_id_is_accepted_once_in_the_end() -> None:
    with endpoint(500, 503) as hook:
        _, delivery = approved_for(hook.url)
        for pause, status in ((5, 500), (300, 503)):
            send(delivery)
            assert (delivery.status, delivery.response_status, delivery.error) == (
                "pending",
                status,
                "not now",
            )
            assert pause - 1 < (delivery.due_at - timezone.now()).total_seconds() < pause * 1.1 + 1
            assert send(delivery).attempts == len(hook.requests)  # not due: not sent
            make_due()
        send(delivery)
    assert (delivery.status, delivery.attempts) == ("delivered", 3)
    assert {request["webhook-id"] for request in hook.requests} == hook.accepted
    assert len(hook.accepted) == 1


def test_after_the_last_attempt_it_is_dead_and_a_replay_keeps_its_id() -> None:
    with endpoint(500, 500, 500) as hook:
        _, delivery = approved_for(hook.url)
        for _ in range(3):
            send(delivery)
            make_due()
        assert (delivery.status, delivery.attempts) == ("dead", 3)
        send(delivery)
        assert len(hook.requests) == 3
        replay(delivery.pk)
        send(delivery)
    assert (delivery.status, delivery.attempts) == ("delivered", 1)
    assert len({request["webhook-id"] for request in hook.requests}) == 1


def test_410_ends_it_at_once() -> None:
    with endpoint(410) as hook:
        _, delivery = approved_for(hook.url)
        send(delivery)
    assert (delivery.status, delivery.attempts, delivery.response_status) == ("dead", 1, 410)
    assert len(hook.requests) == 1


def test_a_redirect_is_a_refusal_and_is_not_followed() -> None:
    with endpoint(302) as hook:
        _, delivery = approved_for(hook.url)
        send(delivery)
    assert (delivery.status, delivery.response_status) == ("pending", 302)
    assert len(hook.requests) == 1


def test_an_endpoint_that_never_answers_times_out_and_its_other_messages_wait_too() -> None:
    with endpoint("hang") as hook:
        merchant = factories.merchant()
        studio.recommender(merchant, url=hook.url)
        for _ in range(2):
            approve(studio.painted(merchant).pk)
        first, second = WebhookDelivery.objects.order_by("pk")
        assert Sender().send_due(first.recommender_id) == 0
        first.refresh_from_db()
        second.refresh_from_db()
    assert (first.status, first.attempts, first.response_status) == ("pending", 1, None)
    assert "ReadTimeout" in first.error
    assert (second.attempts, second.status) == (0, "pending")
    assert second.due_at > timezone.now() + timedelta(seconds=3)
    assert len(hook.requests) == 1


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    with endpoint("drip") as hook:
        _, delivery = approved_for(hook.url)
        send(delivery)
    assert (delivery.status, delivery.response_status) == ("pending", 500)


def test_private_addresses_are_refused_unless_the_installation_allows_them(settings: Any) -> None:
    settings.ALLOW_PRIVATE_HOSTS = False
    with endpoint(200) as hook:
        _, delivery = approved_for(hook.url)
        send(delivery)
    assert (delivery.status, delivery.response_status) == ("pending", None)
    assert "InvalidIPAddress" in delivery.error
    assert hook.requests == []


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!"])
def test_a_recommender_without_a_usable_secret_gets_nothing_unsigned(secret: str) -> None:
    with endpoint(200) as hook:
        _, delivery = approved_for(hook.url, webhook_secret=secret)
        send(delivery)
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert delivery.error != ""
    assert hook.requests == []


def test_a_sender_that_died_half_way_lets_the_message_fall_due_again_under_its_id() -> None:
    with endpoint(200, 200) as hook:
        _, delivery = approved_for(hook.url)
        claimed = claim_delivery(delivery.recommender_id)
        assert claimed is not None
        webhooks.post(claimed)  # accepted, but never recorded
        assert claim_delivery(delivery.recommender_id) is None  # nobody sends it meanwhile
        make_due()
        send(delivery)
    assert (delivery.status, delivery.attempts) == ("delivered", 2)
    assert len(hook.requests) == 2
    assert len(hook.accepted) == 1


def test_a_late_refusal_does_not_undo_a_delivery() -> None:
    _, delivery = approved_for("http://127.0.0.1:9/")
    WebhookDelivery.objects.update(status="delivered")
    record_answer(delivery, webhooks.Answer(500, "late"))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error) == ("delivered", "")


def test_what_was_overtaken_is_neither_sent_nor_replayed() -> None:
    with endpoint(200) as hook:
        creative, approval = approved_for(hook.url)
        retire(creative.pk, "old")
        send(approval)
        assert (approval.status, [payload["type"] for payload in hook.payloads]) == (
            "superseded",
            ["creative.retired"],
        )
        with pytest.raises(ReplayError, match="superseded"):
            replay(approval.pk)
        WebhookDelivery.objects.filter(pk=approval.pk).update(status="dead")
        with pytest.raises(ReplayError, match="overtaken"):
            replay(approval.pk)


@pytest.mark.django_db(transaction=True)
def test_a_hanging_endpoint_holds_up_no_other(settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 10
    with endpoint("hang") as silent, endpoint(200) as good:
        _, stuck = approved_for(silent.url)
        _, fine = approved_for(good.url)
        sender = Sender()
        assert sender.start_due() == 2
        sender.wait(1)
        fine.refresh_from_db()
        stuck.refresh_from_db()
        assert fine.status == "delivered"
        assert stuck.status == "pending"
        make_due()
        assert sender.start_due() == 0  # still at it: one thread per recommender
        silent.released.set()
        sender.wait(5)
