"""The pages of masks: those to be checked, and one to be fixed, with and without the page's script."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creatives.models import ImageMask, Merchant, OutboxEntry, ProductImage
from creatives.pipeline import Segmenter, encode_png, open_image
from creatives.services import masks
from creatives.services.files import load
from tests import factories, studio

pytestmark = pytest.mark.django_db
BOX = {"left": "10", "top": "15", "width": "80", "height": "80"}


@pytest.fixture
def shop() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def image(shop: Merchant) -> ProductImage:
    return studio.photo(shop)


@pytest.fixture
def reviewer(client: Client, shop: Merchant) -> Client:
    client.force_login(factories.member(shop, "reviewer"))
    return client


def upload(name: str = "mask.png") -> SimpleUploadedFile:
    pixels = np.zeros((120, 100), np.uint8)
    pixels[30:100, 30:80] = 255
    return SimpleUploadedFile(name, encode_png(pixels))


def body(response: Any) -> str:
    return str(response.content.decode())


def doubtful(image: ProductImage, confidence: float = 0.3) -> ImageMask:
    masks.find(image.pk, None, Segmenter())
    ImageMask.objects.update(confidence=confidence, warnings=["the mask is a guess"])
    return ImageMask.objects.get()


def test_the_list_shows_what_is_doubtful_first_and_the_rest_on_demand(
    reviewer: Client, image: ProductImage, shop: Merchant
) -> None:
    doubtful(image)
    address = f"/masks/{image.pk}/"
    assert address in body(reviewer.get("/masks/"))
    assert "confidence 30" in body(reviewer.get("/masks/"))
    assert address not in body(reviewer.get("/masks/?show=fixed"))
    masks.confirm(image, factories.user(), base=0)
    assert address not in body(reviewer.get("/masks/"))
    assert "Nothing to check" in body(reviewer.get("/masks/"))
    for shown in ("fixed", "all"):
        assert address in body(reviewer.get(f"/masks/?show={shown}"))
    assert reviewer.get("/masks/?show=else").status_code == 404


def test_the_masks_are_searched_narrowed_sorted_and_exported(
    reviewer: Client, image: ProductImage, shop: Merchant
) -> None:
    merchants = (shop, shop, factories.merchant("other"))
    for number, (of, confidence) in enumerate(zip(merchants, (0.2, 0.4, 0.1), strict=True)):
        product = factories.product(of, title=f"Blue mug {number}", external_id=f"M{number}")
        photo = factories.image(product, sha256=f"{number}" * 64)
        facts = {"confidence": confidence, "method": "cut-out", "warnings": ["clutter", "=thin"]}
        ImageMask.objects.create(merchant=of, image_sha256=photo.sha256, **facts)
    by_hand = {"revision": 1, "source": "brush", "confidence": 1, "method": "by hand"}
    ImageMask.objects.create(merchant=shop, image_sha256=image.sha256, **by_hand)

    def table(**query: str) -> list[dict[str, str]]:
        response = reviewer.get("/masks/", query | {"export": "csv"})
        assert response["Content-Type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(b"".join(response).decode())))

    def ids(**query: str) -> list[str]:
        return [row["products"] for row in table(**query)]

    assert ids() == ["M0", "M1"], "the least sure first; nothing of another merchant"
    assert ids(sort="sure") == ["M1", "M0"]
    assert ids(q="mug 1") == ids(q="m1") == ["M1"]
    assert ids(show="all", source="brush") == ids(show="fixed") == [image.product.external_id]
    assert ids(show="all", sort="latest")[0] == image.product.external_id
    first = table()[0]
    assert (first["confidence"], first["warnings"], first["titles"]) == (
        "0.2",
        "clutter; =thin",
        "Blue mug 0",
    )
    page = body(reviewer.get("/masks/", {"q": "mug 0", "show": "all"}))
    assert ("Blue mug 0" in page, "Blue mug 1" in page, 'name="show" value="all"' in page) == (
        True,
        False,
        True,
    )
    assert "Nothing matches" in body(reviewer.get("/masks/", {"q": "vase"}))
    assert reviewer.get("/masks/", {"merchant": "other"}).status_code == 404


def test_a_sure_mask_is_not_listed(reviewer: Client, image: ProductImage) -> None:
    doubtful(image, 0.9)
    assert f"/masks/{image.pk}/" not in body(reviewer.get("/masks/"))


def test_before_anyone_has_looked_a_person_can_have_it_looked_for(
    reviewer: Client, image: ProductImage
) -> None:
    assert "Look for it now" in body(reviewer.get(f"/masks/{image.pk}/"))
    response = reviewer.post(f"/masks/{image.pk}/", {"action": "find"})
    assert response.status_code == 302
    assert OutboxEntry.objects.get(job="mask").key == str(image.pk)


def test_the_page_says_what_is_known(reviewer: Client, image: ProductImage) -> None:
    doubtful(image)
    text = body(reviewer.get(f"/masks/{image.pk}/"))
    for words in ("not sure of this mask", "The mask is a guess", "found automatically", "It is right"):
        assert words in text
    assert "Back to the automatic one" not in text


def test_an_uploaded_mask_is_saved(reviewer: Client, image: ProductImage) -> None:
    doubtful(image)
    response = reviewer.post(
        f"/masks/{image.pk}/", {"action": "save", "base": "0", "matte": upload()}, follow=True
    )
    row = ImageMask.objects.get(revision=1)
    assert (row.source, row.confidence, row.created_by) == ("upload", 1.0, response.wsgi_request.user)
    assert "Saved. The mask is used for every creative" in body(response)
    assert open_image(load(str(row.file.name))).rgb[50, 25].max() == 0


def test_a_painted_mask_says_so(reviewer: Client, image: ProductImage) -> None:
    reviewer.post(
        f"/masks/{image.pk}/", {"action": "save", "base": "0", "source": "brush", "matte": upload()}
    )
    assert ImageMask.objects.get().source == "brush"


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"base": "0"}, 422, "Choose a file"),
        ({"base": "7", "matte": True}, 409, "since revision 7"),
        ({"base": "0", "matte": b"no picture"}, 422, "not an image of a known format"),
        ({"base": "0", "matte": True, "source": "forged"}, 422, ""),
    ],
)
def test_a_bad_save_says_why_and_keeps_nothing(
    reviewer: Client, image: ProductImage, fields: dict[str, Any], status: int, words: str
) -> None:
    if "matte" in fields:
        given = fields["matte"]
        fields = fields | {"matte": upload() if given is True else SimpleUploadedFile("m.png", given)}
    response = reviewer.post(f"/masks/{image.pk}/", {"action": "save"} | fields)
    assert response.status_code == status
    assert words in body(response)
    assert not ImageMask.objects.exists()


def test_a_box_by_numbers_is_found_and_saved(reviewer: Client, image: ProductImage) -> None:
    response = reviewer.post(f"/masks/{image.pk}/", {"action": "box", "base": "0"} | BOX)
    assert response.status_code == 302
    assert ImageMask.objects.get().source == "box"


def test_a_box_beyond_the_photo_is_refused(reviewer: Client, image: ProductImage) -> None:
    response = reviewer.post(f"/masks/{image.pk}/", {"action": "box", "base": "0"} | BOX | {"left": "40"})
    assert response.status_code == 422
    assert "The box ends at 120 %" in body(response)
    assert not ImageMask.objects.exists()


def test_the_scripts_box_answers_a_mask_and_keeps_nothing(reviewer: Client, image: ProductImage) -> None:
    response = reviewer.post(f"/masks/{image.pk}/box/", BOX)
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert open_image(response.content).rgb[60, 50].min() == 255
    refused = reviewer.post(
        f"/masks/{image.pk}/box/", BOX | {"left": "0", "top": "0", "width": "15", "height": "10"}
    )
    assert refused.status_code == 422
    assert "stands out" in body(refused)
    assert not ImageMask.objects.exists()


def test_confirming_and_going_back(reviewer: Client, image: ProductImage) -> None:
    doubtful(image)
    reviewer.post(f"/masks/{image.pk}/", {"action": "confirm", "base": "0"})
    assert ImageMask.objects.get(revision=1).source == "confirmed"
    stale = reviewer.post(f"/masks/{image.pk}/", {"action": "confirm", "base": "0"})
    assert stale.status_code == 409
    assert "Back to the automatic one" in body(reviewer.get(f"/masks/{image.pk}/"))
    reviewer.post(f"/masks/{image.pk}/", {"action": "revert", "base": "1"})
    assert ImageMask.objects.get(revision=2).source == "reverted"
    assert reviewer.post(f"/masks/{image.pk}/", {"action": "else"}).status_code == 404


def test_photo_and_mask_are_pictures_of_one_size(reviewer: Client, image: ProductImage) -> None:
    doubtful(image)
    photo, matte = (reviewer.get(f"/masks/{image.pk}/{name}") for name in ("photo.jpg", "matte.png"))
    assert (photo["Content-Type"], matte["Content-Type"]) == ("image/jpeg", "image/png")
    assert "private" in photo["Cache-Control"]
    assert open_image(photo.content).rgb.shape == open_image(matte.content).rgb.shape == (120, 100, 3)
    assert open_image(matte.content).rgb[60, 50].min() == 255


def test_strangers_find_no_mask(client: Client, image: ProductImage) -> None:
    client.force_login(factories.member(factories.merchant("other"), "owner"))
    doubtful(image)
    assert client.get(f"/masks/{image.pk}/").status_code == 404
    assert (
        client.post(f"/masks/{image.pk}/", {"action": "save", "base": "0", "matte": upload()}).status_code
        == 404
    )
    assert client.get(f"/masks/{image.pk}/matte.png").status_code == 404
    assert ImageMask.objects.count() == 1


def test_the_product_page_leads_to_the_mask(reviewer: Client, image: ProductImage) -> None:
    assert f'href="/masks/{image.pk}/"' in body(reviewer.get(f"/products/{image.product_id}/"))


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/review/?view=grid", "/review/?view=grid"),
        ("https://elsewhere.test/", None),
        ("//elsewhere.test", None),
        ("", None),
    ],
)
def test_who_came_from_the_desk_goes_back_to_it(
    reviewer: Client, image: ProductImage, target: str, lands: str | None
) -> None:
    doubtful(image)
    address = f"/masks/{image.pk}/?{urlencode({'next': target})}"
    assert ("Back to where you were" in body(reviewer.get(address))) is (lands is not None)
    answer = reviewer.post(address, {"action": "confirm", "base": 0})
    assert (answer.status_code, answer.headers["Location"]) == (302, lands or f"/masks/{image.pk}/")
    answer = reviewer.post(address, {"action": "box", "base": 1, **BOX})
    assert (answer.status_code, answer.headers["Location"]) == (302, lands or f"/masks/{image.pk}/")
