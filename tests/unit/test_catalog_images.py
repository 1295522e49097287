"""Product pictures: stored once per content, changed by hand."""

from __future__ import annotations

import hashlib
import io

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from creatives.models import Merchant, OutboxEntry, Product
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
