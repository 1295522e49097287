"""The keys of the desk in a real browser: decide, reject by digit, undo, skip, zoom, grid; and when they stay silent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from creatives.models import Creative, Merchant
from review.models import Decision
from tests import factories
from tests.review_rows import creative

# Playwright's event loop lives in this thread; Django's guard against synchronous queries in async code means another one.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def page(browser: Browser, live_server: Any, client: Any, merchant: Merchant) -> Iterator[Page]:
    """A page signed in as a reviewer; any script error or policy violation fails the test."""
    client.force_login(factories.member(merchant, "reviewer"))
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def queue(merchant: Merchant, count: int) -> list[Creative]:
    return [creative(merchant, drawn=True) for _ in range(count)]


def on_desk(page: Page, picture: Creative) -> None:
    expect(page.locator("[data-name]")).to_have_text(f"Creative {picture.pk}")


def trail() -> list[tuple[int, str, str]]:
    return list(Decision.objects.order_by("pk").values_list("creative", "action", "reason"))


def test_a_reviewer_works_by_keys(page: Page, merchant: Merchant) -> None:
    first, second, third = queue(merchant, 3)
    page.goto("/review/")
    on_desk(page, first)
    page.keyboard.press("a")
    on_desk(page, second)
    page.keyboard.press("r")
    expect(page.locator("[data-reject]")).to_have_attribute("open", "")
    page.keyboard.press("3")
    on_desk(page, third)
    page.keyboard.press("u")
    on_desk(page, second)
    page.keyboard.press("s")
    on_desk(page, third)
    page.keyboard.press("a")
    on_desk(page, second)
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()
    assert trail() == [
        (first.pk, "approve", ""),
        (second.pk, "reject", "size_mismatch"),
        (second.pk, "undo", ""),
        (third.pk, "approve", ""),
        (second.pk, "approve", ""),
    ]


def test_keys_are_silent_with_modifiers_in_fields_and_without_the_panel(
    page: Page, merchant: Merchant
) -> None:
    (picture,) = queue(merchant, 1)
    page.goto("/review/")
    for keys in ("Control+a", "Alt+a", "Shift+A", "Meta+a", "3"):
        page.keyboard.press(keys)
    page.keyboard.press("r")
    page.locator("textarea[name=note]").focus()
    page.keyboard.type("asru8")
    expect(page.locator("textarea[name=note]")).to_have_value("asru8")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("[data-reject]")).not_to_have_attribute("open", "")
    page.keyboard.press("3")
    on_desk(page, picture)
    assert trail() == []


def test_other_asks_for_a_note_first(page: Page, merchant: Merchant) -> None:
    (picture,) = queue(merchant, 1)
    page.goto("/review/")
    page.keyboard.press("r")
    page.keyboard.press("8")
    expect(page.locator("textarea[name=note]")).to_be_focused()
    page.keyboard.type("a second vase")
    page.locator("[data-digit='8']").click()
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()
    assert trail() == [(picture.pk, "reject", "other")]
    assert Decision.objects.get().note == "a second vase"


def test_zoom_and_flicker(page: Page, merchant: Merchant) -> None:
    queue(merchant, 1)
    page.goto("/review/")
    shown, original = page.locator("[data-creative]"), page.locator("[data-original]")
    own = shown.get_attribute("src")
    page.keyboard.press("o")
    expect(shown).to_have_js_property("src", original.evaluate("image => image.src"))
    page.keyboard.press("o")
    assert str(shown.evaluate("image => image.src")).endswith(str(own))
    page.keyboard.press("z")
    name = page.locator("[data-zoom-name]")
    expect(name).to_have_text("Creative")
    page.keyboard.press("a")  # behind the enlarged picture nothing is decided
    page.keyboard.press("o")
    expect(name).to_have_text("Original")
    page.keyboard.press("z")
    expect(page.locator("[data-zoom]")).to_be_hidden()
    assert trail() == []


def test_the_grid_by_keys(page: Page, merchant: Merchant) -> None:
    pictures = queue(merchant, 3)
    page.goto("/review/")
    page.keyboard.press("g")
    page.wait_for_url("**/review/?view=grid")
    page.locator(f"input[value='{pictures[1].pk}']").check()
    expect(page.locator("[data-count]")).to_have_text("1")
    page.keyboard.press("r")
    page.keyboard.press("6")
    expect(page.locator(".grid-tile")).to_have_count(2)
    page.keyboard.press("x")
    expect(page.locator("[data-count]")).to_have_text("2")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()
    assert sorted(trail()) == sorted(
        [
            (pictures[1].pk, "reject", "brand"),
            (pictures[0].pk, "approve", ""),
            (pictures[2].pk, "approve", ""),
        ]
    )


def test_a_hammered_key_decides_each_picture_once(page: Page, merchant: Merchant) -> None:
    pictures = queue(merchant, 8)
    page.goto("/review/")
    on_desk(page, pictures[0])
    for _ in range(200):
        if page.locator(".empty").count():
            break
        page.keyboard.press("a")
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()
    assert trail() == [(picture.pk, "approve", "") for picture in pictures]
