"""Fixing a mask in a real browser: from the desk to the brush, the eraser and the box, and what becomes of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from creatives.models import Creative, ImageMask, Merchant, ProductImage
from creatives.pipeline import Segmenter, open_image
from creatives.services import masks
from creatives.services.files import load
from creatives.services.painting import paint_bucket
from tests import factories, studio

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=15_000)
WIDTH, HEIGHT = 100, 120
PRODUCT = (slice(30, 100), slice(20, 80))
"""Where `studio.photo` has its block."""


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def page(browser: Browser, live_server: Any, merchant: Merchant) -> Iterator[Page]:
    """A reviewer's; a script error or policy violation fails the test."""
    client = Client()
    client.force_login(factories.member(merchant, "reviewer"))
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 1000})
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def creative(merchant: Merchant) -> Creative:
    """In review, made with the mask that the segmenter found."""
    made = studio.painted(merchant)
    masks.find(image_of(made).pk, None, Segmenter())
    return made


def image_of(creative: Creative) -> ProductImage:
    return ProductImage.objects.get(sha256=creative.request.image_sha256)


def open_editor(page: Page, creative: Creative) -> None:
    page.goto(f"/masks/{image_of(creative).pk}/")
    expect(page.locator("canvas[data-ready]")).to_be_visible()


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Draw over these pixels of the photo."""
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    assert frame is not None
    places = [
        (frame["x"] + x * frame["width"] / WIDTH, frame["y"] + y * frame["height"] / HEIGHT)
        for x, y in points
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def brush(page: Page, thousandths: int) -> None:
    page.locator("[data-size]").fill(str(thousandths))


def shown(page: Page, x: int, y: int) -> int:
    """The mask's level at a pixel, as the editor shows it."""
    page.get_by_label("Show").select_option("mask")
    red = "([x, y]) => document.querySelector('canvas').getContext('2d').getImageData(x, y, 1, 1).data[0]"
    empty, level = page.evaluate(red, [2, 2]), page.evaluate(red, [x, y])
    return 255 if abs(level - empty) > 60 else 0


def saved(creative: Creative) -> NDArray[np.uint8]:
    matte = ImageMask.objects.filter(image_sha256=creative.request.image_sha256).order_by("-revision")[0]
    return open_image(load(str(matte.file.name))).rgb[..., 0]


def test_a_reviewer_fixes_a_mask_with_brush_and_eraser_and_the_next_picture_has_it(
    page: Page, creative: Creative
) -> None:
    page.goto("/review/?view=list")
    page.get_by_role("button", name="Fix the mask").or_(page.get_by_role("link", name="Fix the mask")).click()
    expect(page.locator("canvas[data-ready]")).to_be_visible()
    expect(page.locator("[data-save]")).to_be_disabled()
    brush(page, 100)  # a tenth of the picture: 10 pixels
    drag(page, (90, 50), (90, 80))
    page.get_by_role("button", name="Erase").click()
    drag(page, (25, 40), (25, 90))
    drag(page, (60, 60), (60, 60))
    page.get_by_role("button", name="Undo").click()  # the last stroke
    assert [shown(page, *at) for at in ((90, 65), (25, 65), (60, 60), (50, 65))] == [255, 0, 255, 255]
    page.get_by_role("button", name="Save this mask").click()

    page.wait_for_url("**/review/**")
    expect(page.locator("#toasts")).to_contain_text("1 creatives are painted again")
    row = ImageMask.objects.get(revision=1)
    assert (row.source, row.confidence) == ("brush", 1.0)
    matte = saved(creative)
    assert [int(matte[y, x]) for x, y in ((90, 65), (25, 65), (60, 60), (50, 65), (5, 5))] == [
        255,
        0,
        255,
        255,
        0,
    ]
    assert (matte[30:100, 35:80] == 255).all()  # the rest is as the segmenter had it

    open_editor(page, creative)
    page.reload()
    expect(page.locator("canvas[data-ready]")).to_be_visible()
    assert [shown(page, *at) for at in ((90, 65), (25, 65), (50, 65))] == [255, 0, 255]

    request = creative.request
    assert paint_bucket(studio.FlatPainter(), studio.key(request.bucket)) == 1
    made = Creative.objects.exclude(pk=creative.pk).get()
    assert made.record["mask"]["revision"] == 1
    assert np.array_equal(open_image(load(str(made.mask.name))).rgb[..., 0], matte)
    creative.refresh_from_db()
    assert creative.status == "retired"


def test_a_box_finds_the_product_and_the_brush_goes_on_from_there(page: Page, creative: Creative) -> None:
    masks.fix(image_of(creative), _left_half(), "upload", factories.user(), base=0)
    open_editor(page, creative)
    assert shown(page, 70, 65) == 0
    page.get_by_role("button", name="This is the product").click()
    drag(page, (12, 22), (88, 108))
    expect(page.locator("[data-say]")).to_contain_text("Found")
    assert [shown(page, *at) for at in ((70, 65), (90, 65))] == [255, 0]
    page.get_by_role("button", name="Undo").click()
    assert shown(page, 70, 65) == 0
    page.get_by_role("button", name="Redo").click()
    page.get_by_role("button", name="Brush").click()
    brush(page, 60)
    drag(page, (90, 50), (90, 80))
    page.get_by_role("button", name="Save this mask").click()

    expect(page.locator("#toasts")).to_contain_text("Saved")
    matte = saved(creative)
    truth = np.zeros((HEIGHT, WIDTH), np.bool_)
    truth[PRODUCT] = True
    found = matte[:, :84] >= 128
    assert (found & truth[:, :84]).sum() / (found | truth[:, :84]).sum() > 0.95
    assert matte[65, 90] == 255
    assert ImageMask.objects.get(revision=2).source == "brush"


def test_the_keyboard_alone_can_paint(page: Page, creative: Creative) -> None:
    open_editor(page, creative)
    page.locator("canvas").focus()
    page.keyboard.press("e")
    page.keyboard.press("Space")  # at the middle of the picture
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("button", name="Save this mask").click()
    expect(page.locator("#toasts")).to_contain_text("Saved")
    matte = saved(creative)
    assert matte[60, 50] == 0
    assert matte[90, 70] == 255


def _left_half() -> bytes:
    from creatives.pipeline import encode_png

    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[30:100, 20:50] = 255
    return encode_png(pixels)
