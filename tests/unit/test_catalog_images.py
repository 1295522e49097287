"""Product pictures: stored once per content, fetched by the worker, changed by hand."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.db import connection
from PIL import Image

from creatives import jobs_catalog
from creatives.models import Merchant, OutboxEntry, Product, ProductImage
from creatives.net import FetchError
from creatives.pipeline.image_io import ImageError
from creatives.services import catalog, images
from tests import factories

pytestmark = pytest.mark.django_db


def picture(colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def product(merchant: Merchant) -> Product:
    return factories.product(merchant)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], list[str]]:
    """Answers of a made-up web by address; an exception is raised. The list of what was asked for comes back."""

    def set_up(answers: dict[str, Any]) -> list[str]:
        asked: list[str] = []

        def fetch(url: str, limits: Any = None) -> bytes:
            asked.append(url)
            answer = answers[url]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return bytes(answer)

        monkeypatch.setattr(images, "fetch", fetch)
        monkeypatch.setattr(images, "BACKOFF_SECONDS", 0.0)
        return asked

    return set_up


def pending(product: Product, url: str, position: int = 0) -> ProductImage:
    return ProductImage.objects.create(
        merchant=product.merchant, product=product, source_url=url, position=position
    )


def positions(product: Product) -> list[tuple[int, str]]:
    return list(product.images.values_list("position", "source_url"))


@pytest.mark.parametrize(
    ("kind", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("TIFF", "tif")]
)
def test_the_name_is_the_content(kind: str, extension: str) -> None:
    data = picture("teal", kind)
    stored = images.store_image(data)
    digest = hashlib.sha256(data).hexdigest()
    assert stored == images.StoredImage(digest, f"images/{digest[:2]}/{digest}.{extension}", 64, 48)
    assert images.store_image(data) == stored
    with default_storage.open(stored.name) as file:
        assert file.read() == data


def test_a_file_cut_short_by_a_killed_writer_is_not_trusted() -> None:
    data = picture("olive")
    name = images.inspect_image(data).name
    with default_storage.open(default_storage.save(name, io.BytesIO(data[:10])), "rb") as cut:  # type: ignore[arg-type]
        assert len(cut.read()) == 10
    stored = images.store_image(data)
    with default_storage.open(stored.name) as file:
        assert file.read() == data


@pytest.mark.parametrize("data", [b"", b"<svg/>", picture(size=(8, 8)), picture()[:60]])
def test_what_is_no_usable_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        images.store_image(data)


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
    ("answer", "error", "asks"),
    [
        (b"<html>", "not an image of a known format", 1),
        (FetchError("the host answered 404"), "the host answered 404", 1),
        (
            FetchError("the host did not answer in time", is_transient=True),
            "the host did not answer in time",
            3,
        ),
    ],
)
def test_a_picture_that_cannot_be_had_says_why(
    product: Product, web: Any, answer: Any, error: str, asks: int
) -> None:
    image = pending(product, "https://s.example/a.png")
    asked = web({image.source_url: answer})
    images.fetch_pending(product.merchant_id)
    image.refresh_from_db()
    assert image.status == "failed"
    assert image.error.startswith(error)
    assert len(asked) == asks


def test_a_moment_of_weakness_is_forgiven(product: Product, web: Any) -> None:
    image = pending(product, "https://s.example/a.png")
    web({image.source_url: [FetchError("busy", is_transient=True), picture()]})
    images.fetch_pending(product.merchant_id)
    image.refresh_from_db()
    assert image.status == "ready"


def test_an_address_changed_meanwhile_is_not_overwritten(
    product: Product, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pending(product, "https://s.example/old.png")
    web({image.source_url: picture()})
    save = images._save_outcome

    def change_first(pk: int, url: str, outcome: Any) -> None:
        ProductImage.objects.filter(pk=pk).update(source_url="https://s.example/new.png")
        save(pk, url, outcome)

    monkeypatch.setattr(images, "_save_outcome", change_first)
    images.fetch_pending(product.merchant_id)
    image.refresh_from_db()
    assert (image.source_url, image.status, image.sha256) == ("https://s.example/new.png", "pending", "")


def test_pictures_of_others_are_left_alone(product: Product, web: Any) -> None:
    foreign = pending(factories.product(factories.merchant()), "https://s.example/b.png")
    assert web({}) == []
    assert images.fetch_pending(product.merchant_id) is True
    foreign.refresh_from_db()
    assert foreign.status == "pending"


def test_what_is_left_when_time_is_up_is_woken_again(product: Product, web: Any, monkeypatch: Any) -> None:
    pending(product, "https://s.example/a.png")
    web({})
    monkeypatch.setattr(images, "fetch_pending", lambda merchant_id: False)
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


def test_a_picture_by_hand_comes_last_or_first(product: Product) -> None:
    catalog.add_image(product.pk, image=picture())
    catalog.add_image(product.pk, image_url="https://s.example/2.png")
    catalog.add_image(product.pk, image_url="https://s.example/3.png", primary=True)
    assert positions(product) == [
        (0, "https://s.example/3.png"), (1, "https://s.example/2.png"), (2, ""),
    ]  # fmt: skip
    assert OutboxEntry.objects.get().job == "creatives.jobs_catalog.fetch_images"


def test_a_refused_picture_adds_nothing(product: Product) -> None:
    with pytest.raises(ImageError):
        catalog.add_image(product.pk, image=b"nothing")
    assert not product.images.exists()


def test_another_first_picture(product: Product) -> None:
    first, second = (
        factories.image(product, position=n, source_url=f"https://s.example/{n}") for n in (0, 1)
    )
    catalog.make_primary(second.pk, product.pk)
    assert [source for _, source in positions(product)] == [second.source_url, first.source_url]
    catalog.make_primary(second.pk, product.pk)
    assert [source for _, source in positions(product)] == [second.source_url, first.source_url]


def test_the_next_picture_takes_the_place_of_the_removed_one(product: Product) -> None:
    first, second = (
        factories.image(product, position=n, source_url=f"https://s.example/{n}") for n in (0, 3)
    )
    catalog.remove_image(first.pk, product.pk)
    assert positions(product) == [(0, second.source_url)]
    catalog.remove_image(second.pk, product.pk)
    assert positions(product) == []


def test_failed_pictures_are_tried_again(product: Product) -> None:
    failed = factories.image(product, status="failed", error="404", source_url="https://s.example/a.png")
    foreign = factories.image(
        factories.product(factories.merchant()), status="failed", source_url="https://s.example/b.png"
    )
    assert catalog.retry_images([failed.pk, foreign.pk], product.merchant_id) == 1
    failed.refresh_from_db()
    foreign.refresh_from_db()
    assert (failed.status, failed.error, foreign.status) == ("pending", "", "failed")
    assert OutboxEntry.objects.count() == 1
