"""The operators' page: what it shows, and what its buttons change."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_rq.settings import QUEUES

from creatives.models import CreativeRequest, OutboxEntry, PositionedRendition, Rendition, WebhookDelivery
from creatives.services.creatives import approve
from creatives.services.leases import claim
from tests import factories, studio

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.admin())
    return client


def failed_request(**fields: Any) -> CreativeRequest:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    CreativeRequest.objects.filter(pk=row.pk).update(
        **{"status": "failed", "attempts": 5, "fence": 5, "error": "no <b>luck</b>"} | fields
    )
    return row


def dead_message() -> WebhookDelivery:
    merchant = factories.merchant()
    studio.recommender(merchant)
    approve(studio.painted(merchant).pk)
    WebhookDelivery.objects.update(status="dead", attempts=10, response_status=500, error="not now")
    return WebhookDelivery.objects.get()


def page(client: Client, **headers: str) -> str:
    response = client.get(reverse("operations"), headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def test_an_idle_installation_says_so(admin: Client) -> None:
    text = page(admin)
    for line in (
        "Nothing waits to be painted.",
        "Every message has been accepted.",
        "No worker is listening.",
    ):
        assert line in text


def test_queues_leases_and_generations_saved(admin: Client) -> None:
    merchant, version = factories.merchant(name="Shop"), studio.version()
    first, second = studio.photo(merchant), studio.photo(merchant, (1, 2, 3))
    sizes = [(300, 250), (336, 280), (600, 500)]
    studio.requested(
        merchant,
        *(studio.want(first, version, *size) for size in sizes),
        studio.want(second, version, 250, 300),
    )
    claim(studio.key("256x320"), 1)
    text = page(admin)
    assert "50 % of 4 sizes share another" in text
    assert "<td>320x256</td>" in text
    assert "<td>256x320</td>" in text
    assert text.count("<td>Shop</td>") == 1  # one lease
    assert "2 wake-ups" in text


def test_failures_show_their_reason_escaped_and_are_queued_again(admin: Client) -> None:
    row = failed_request()
    OutboxEntry.objects.all().delete()
    assert "no &lt;b&gt;luck&lt;/b&gt;" in page(admin)
    response = admin.post(reverse("operations-requeue", args=[row.pk]), follow=True)
    assert f"Request {row.pk} is queued again." in response.content.decode()
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("queued", 0, "")
    assert OutboxEntry.objects.get().key == studio.key()
    again = admin.post(reverse("operations-requeue", args=[row.pk]), follow=True)
    assert "not failed any more" in again.content.decode()
    assert admin.post(reverse("operations-requeue", args=[0])).status_code == 404


def test_all_failures_are_queued_again_at_once(admin: Client) -> None:
    rows = [failed_request(), failed_request(), failed_request(status="done")]
    response = admin.post(reverse("operations-requeue-all"), follow=True)
    assert "2 of 2 failed requests" in response.content.decode()
    states = dict(CreativeRequest.objects.values_list("pk", "status"))
    assert states == {rows[0].pk: "queued", rows[1].pk: "queued", rows[2].pk: "done"}


def test_sizes_that_could_not_be_rendered_show_why_and_are_tried_again(admin: Client, settings: Any) -> None:
    row = failed_request(status="done", error="")
    spent = {"error": "disk <full>", "attempts": settings.GENERATION_MAX_ATTEMPTS}
    Rendition.objects.filter(request=row).update(**spent)
    PositionedRendition.objects.create(
        merchant=row.merchant,
        image_sha256=row.image_sha256,
        layout=row.layout,
        width=300,
        height=250,
        **spent,
    )
    assert page(admin).count("disk &lt;full&gt;") == 2
    response = admin.post(reverse("operations-requeue-all"), follow=True)
    assert "0 of 0 failed requests, 2 missing sizes." in response.content.decode()
    assert set(Rendition.objects.values_list("attempts", flat=True)) == {0}
    assert set(PositionedRendition.objects.values_list("attempts", flat=True)) == {0}


def test_a_dead_message_shows_its_response_and_is_sent_again(admin: Client) -> None:
    delivery = dead_message()
    text = page(admin)
    assert "500 not now" in text
    assert "1 dead" in text
    response = admin.post(reverse("operations-replay", args=[delivery.pk]), follow=True)
    assert f"Message {delivery.message_id} goes to" in response.content.decode()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("pending", 0)
    refused = admin.post(reverse("operations-replay", args=[delivery.pk]), follow=True)
    assert "Not sent again" in refused.content.decode()
    assert admin.post(reverse("operations-replay", args=[0])).status_code == 404


def test_htmx_gets_the_part_that_changes(admin: Client) -> None:
    text = page(admin, **{"HX-Request": "true", "HX-Target": "operations"})
    assert text.lstrip().startswith('<div id="operations"')
    assert "<html" not in text


def test_the_page_says_when_redis_is_away(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("generate", "default"):
        monkeypatch.setitem(QUEUES[name], "URL", "redis://127.0.0.1:9/0")
    assert "Redis cannot be reached" in page(admin)


@pytest.mark.parametrize("name", ["operations-requeue-all", "operations-requeue", "operations-replay"])
def test_buttons_are_for_admins_and_posts_only(name: str, admin: Client) -> None:
    row, delivery = failed_request(), dead_message()
    arguments = {"operations-requeue": [row.pk], "operations-replay": [delivery.pk]}.get(name, [])
    url = reverse(name, args=arguments)
    assert admin.get(url).status_code == 405
    owner = Client()
    owner.force_login(factories.member(row.merchant, "owner"))
    assert owner.post(url).status_code == 403
    assert owner.get(reverse("operations")).status_code == 403
    assert Client().post(url).status_code == 302
    row.refresh_from_db()
    delivery.refresh_from_db()
    assert (row.status, delivery.status) == ("failed", "dead")


def test_the_page_takes_a_constant_number_of_queries(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        failed_request()
    dead_message()
    with django_assert_max_num_queries(16):
        page(admin)
