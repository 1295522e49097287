"""Fetching pictures by address: in parallel within limits, once per address, again later, never over a newer one."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from PIL import Image

from creatives import jobs_catalog
from creatives.models import Merchant, OutboxEntry, Product, ProductImage
from creatives.net import FetchError
from creatives.services import image_fetch
from tests import factories

pytestmark = pytest.mark.django_db


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "PNG")
    return out.getvalue()


def busy(retry_after: float | None = None) -> FetchError:
    return FetchError("the host answered 503", is_transient=True, retry_after=retry_after)


@pytest.fixture
def product() -> Product:
    return factories.product(factories.merchant("shop"))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], list[str]]:
    """Answers of a made-up web by address; an exception is raised. The list of what was asked for comes back."""

    def set_up(answers: dict[str, Any]) -> list[str]:
        asked: list[str] = []

        def fetch(url: str, limits: Any = None, session: Any = None) -> bytes:
            asked.append(url)
            answer = answers[url]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return bytes(answer)

        monkeypatch.setattr(image_fetch, "fetch", fetch)
        return asked

    return set_up


def pending(product: Product, url: str, position: int = 0, **fields: Any) -> ProductImage:
    return ProductImage.objects.create(
        merchant=product.merchant, product=product, source_url=url, position=position, **fields
    )


def later(**passed: float) -> None:
    """Let time pass for what waits."""
    ProductImage.objects.update(due_at=F("due_at") - timedelta(**passed))


def state(image: ProductImage) -> tuple[str, str, int]:
    image.refresh_from_db()
    return image.status, image.error, image.attempts


def test_pending_pictures_are_fetched(product: Product, web: Any) -> None:
    image = pending(product, "https://s.example/a.png")
    asked = web({image.source_url: picture()})
    jobs_catalog.fetch_images(str(product.merchant_id))
    image.refresh_from_db()
    assert (image.status, image.error, image.width, image.height) == ("ready", "", 64, 48)
    assert image.sha256 == hashlib.sha256(picture()).hexdigest()
    assert image.fetched_at is not None
    jobs_catalog.fetch_images(str(product.merchant_id))
    assert asked == [image.source_url]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"<html>", "not an image of a known format"),
        (FetchError("the host answered 404"), "the host answered 404"),
    ],
)
def test_a_picture_that_cannot_be_had_says_why(product: Product, web: Any, answer: Any, error: str) -> None:
    image = pending(product, "https://s.example/a.png")
    asked = web({image.source_url: answer})
    assert image_fetch.fetch_pending(product.merchant_id) is True
    assert (state(image)[0], len(asked)) == ("failed", 1)
    assert image.error.startswith(error)


def test_a_moment_of_weakness_is_tried_again_after_a_pause(product: Product, web: Any) -> None:
    image = pending(product, "https://s.example/a.png")
    asked = web({image.source_url: [busy(), picture()]})
    image_fetch.fetch_pending(product.merchant_id)
    assert state(image) == ("pending", "the host answered 503", 1)
    image_fetch.fetch_pending(product.merchant_id)
    assert len(asked) == 1, "not before the pause is over"
    later(seconds=15)
    image_fetch.fetch_pending(product.merchant_id)
    assert state(image) == ("ready", "", 1)


def test_pauses_grow_and_the_fourth_try_is_the_last(product: Product, web: Any) -> None:
    image = pending(product, "https://s.example/a.png")
    web({image.source_url: busy()})
    for seconds in (15, 120, 900):
        image_fetch.fetch_pending(product.merchant_id)
        image.refresh_from_db()
        pause = image.due_at - timezone.now()
        assert timedelta(seconds=seconds - 5) < pause <= timedelta(seconds=seconds)
        later(seconds=seconds)
    image_fetch.fetch_pending(product.merchant_id)
    assert state(image) == ("failed", "the host answered 503", 3)


def test_a_host_that_asks_for_peace_gets_it(product: Product, web: Any) -> None:
    image = pending(product, "https://s.example/a.png")
    web({image.source_url: busy(retry_after=600)})
    image_fetch.fetch_pending(product.merchant_id)
    image.refresh_from_db()
    assert image.due_at - timezone.now() > timedelta(seconds=590)


def test_a_host_that_fails_all_the_time_is_left_alone_and_others_are_not(
    product: Product, web: Any, settings: Any
) -> None:
    settings.IMAGE_FETCH_THREADS = 1
    down = [pending(product, f"https://down.example/{n}.png", n) for n in range(10)]
    up = [pending(product, f"https://up.example/{n}.png", 10 + n) for n in range(3)]
    asked = web({image.source_url: busy() for image in down} | {image.source_url: picture() for image in up})
    image_fetch.fetch_pending(product.merchant_id)
    assert Counter(urlsplit(url).netloc for url in asked) == {"down.example": 6, "up.example": 3}
    assert [state(image)[0] for image in up] == ["ready"] * 3
    assert sorted(state(image)[2] for image in down) == [0] * 4 + [1] * 6


def test_an_address_that_several_rows_name_is_fetched_once(product: Product, web: Any) -> None:
    images = [pending(product, "https://s.example/a.png", n) for n in range(3)]
    asked = web({"https://s.example/a.png": picture()})
    image_fetch.fetch_pending(product.merchant_id)
    assert [state(image)[0] for image in images] == ["ready"] * 3
    assert len(asked) == 1


def test_a_host_is_asked_for_four_pictures_at_a_time(
    product: Product, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.IMAGE_FETCH_THREADS = 12
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock, together = threading.Lock(), threading.Barrier(8, timeout=20)

    def fetch(url: str, limits: Any = None, session: Any = None) -> bytes:
        host = urlsplit(url).netloc
        with lock:
            now[host] += 1
            most[host] = max(most[host], now[host])
        if int(urlsplit(url).path[1:-4]) < 8:  # the first four of each host meet here
            together.wait()
        with lock:
            now[host] -= 1
        return picture()

    monkeypatch.setattr(image_fetch, "fetch", fetch)
    for number in range(24):
        pending(product, f"https://{'ab'[number % 2]}.example/{number}.png", number)
    assert image_fetch.fetch_pending(product.merchant_id) is True
    assert most == {"a.example": 4, "b.example": 4}
    assert ProductImage.objects.filter(status="ready").count() == 24


def test_a_host_that_asks_for_a_pause_gets_it_for_all_its_addresses(
    product: Product, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_fetch, "BUFFER", 8)  # so that addresses are still unread when the answer comes
    asked = web(
        {f"https://s.example/{number}.png": busy(300) for number in range(30)}
        | {"https://other.example/a.png": picture()}
    )
    for number in range(30):
        pending(product, f"https://s.example/{number}.png", number)
    other = pending(product, "https://other.example/a.png", 30)
    image_fetch.fetch_pending(product.merchant_id)
    assert len(asked) <= 2 * image_fetch.PER_HOST + 1
    assert state(other)[0] == "ready"
    waiting = ProductImage.objects.filter(status="pending")
    assert waiting.count() == 30
    assert not waiting.filter(due_at__lt=timezone.now() + timedelta(seconds=290)).exists()


def test_an_address_changed_meanwhile_is_not_overwritten(
    product: Product, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pending(product, "https://s.example/old.png")
    web({image.source_url: picture()})
    save = image_fetch.save_outcomes

    def change_first(merchant_id: int, results: Any) -> None:
        ProductImage.objects.update(source_url="https://s.example/new.png")
        save(merchant_id, results)

    monkeypatch.setattr(image_fetch, "save_outcomes", change_first)
    image_fetch.fetch_pending(product.merchant_id)
    image.refresh_from_db()
    assert (image.source_url, image.status, image.sha256) == ("https://s.example/new.png", "pending", "")


def test_pictures_of_others_are_left_alone(product: Product, web: Any) -> None:
    foreign = pending(factories.product(factories.merchant()), "https://s.example/b.png")
    assert web({}) == []
    assert image_fetch.fetch_pending(product.merchant_id) is True
    assert state(foreign)[0] == "pending"


def test_what_is_left_when_time_is_up_is_woken_again(product: Product, web: Any) -> None:
    pending(product, "https://s.example/a.png")
    assert web({}) == []
    assert image_fetch.fetch_pending(product.merchant_id, seconds=0) is False


def test_the_job_comes_back_for_what_is_left(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_fetch, "fetch_pending", lambda merchant_id: False)
    jobs_catalog.fetch_images(str(product.merchant_id))
    assert OutboxEntry.objects.get().key == str(product.merchant_id)


@pytest.mark.django_db(transaction=True)
def test_one_worker_fetches_for_a_merchant_at_a_time(product: Product, web: Any) -> None:
    pending(product, "https://s.example/a.png")
    asked = web({"https://s.example/a.png": picture()})
    with psycopg.connect(**_dsn()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [jobs_catalog.FETCH_LOCK, product.merchant_id])
        jobs_catalog.fetch_images(str(product.merchant_id))
        assert asked == []
        other.execute("SELECT pg_advisory_unlock_all()")
    jobs_catalog.fetch_images(str(product.merchant_id))
    assert asked == ["https://s.example/a.png"]


def _dsn() -> dict[str, Any]:
    params = connection.get_connection_params()
    return {name: params[name] for name in ("dbname", "user", "host") if params.get(name)}


def test_merchants_do_not_wait_for_each_other(web: Any) -> None:
    mine, theirs = (factories.product(factories.merchant()) for _ in range(2))
    images = [pending(product, "https://s.example/a.png") for product in (mine, theirs)]
    web({"https://s.example/a.png": picture()})
    image_fetch.fetch_pending(mine.merchant_id)
    assert [state(image)[0] for image in images] == ["ready", "pending"]
    assert Merchant.objects.count() == 2
