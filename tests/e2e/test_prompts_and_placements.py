"""What htmx adds to the prompt and placement pages, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from creatives.models import MerchantPlacement, Placement, PromptVersion, User
from creatives.services.prompts import add_prompt, new_version
from tests import factories

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=15_000)


def _note(problems: list[str], message: ConsoleMessage) -> None:
    """Errors of the console, but not that an answer was a 409, which a page here means."""
    if message.type == "error" and "409 (Conflict)" not in message.text:
        problems.append(message.text)


@pytest.fixture
def admin() -> User:
    return factories.admin()


@pytest.fixture
def page(browser: Browser, live_server: Any, client: Any, admin: User) -> Iterator[Page]:
    """A phone, signed in as an administrator; a script error or policy violation fails the test."""
    client.force_login(admin)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844})
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: _note(problems, message))
    yield page
    context.close()
    assert problems == []


def test_a_pool_is_shown_without_leaving_the_page(page: Page, admin: User) -> None:
    for number in range(20):
        factories.category(f"Kind {number}")
    add_prompt(factories.category("Kind 19"), "Oak", "on an oak table", "", admin)
    page.goto("/prompts/")

    page.locator("#tree").get_by_text("Kind 7").click()

    expect(page.locator("#pool-title")).to_have_text("Kind 7")
    expect(page.locator("#pool-title")).to_be_in_viewport()
    expect(page.locator("#tree [aria-current]")).to_have_text("Kind 7")
    page.go_back()
    expect(page.locator("#pool")).to_contain_text("on an oak table")


def test_the_menu_of_a_phone_leads_on(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Menu").click()

    page.get_by_role("link", name="Placements", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Placements")


def test_the_drawing_follows_the_form_before_it_is_saved(page: Page) -> None:
    page.goto("/placements/add/")
    drawing = page.locator("#placement-preview")
    expect(drawing).to_contain_text("cropped to 300×250")

    page.get_by_label("Width, px").fill("728")
    page.get_by_label("Height, px").fill("90")
    expect(drawing).to_contain_text("cropped to 728×90")
    page.get_by_label("Height, px").fill("5")
    expect(drawing).to_contain_text("greater than or equal to 32")

    assert not Placement.objects.exists()


def test_the_room_for_a_text_is_drawn_while_a_merchant_types(page: Page) -> None:
    factories.merchant("acme")
    factories.placement("banner", 1200, 628)
    page.goto("/catalog/layouts/banner/?merchant=acme")
    drawing = page.locator("#placement-preview")
    product = drawing.locator(".drawing-product")
    before = float(product.get_attribute("x") or 0)
    expect(drawing.locator(".drawing-text")).to_have_count(0)

    text = page.get_by_role("group", name="Room for a text or logo")
    text.get_by_label("Width, %").fill("45")
    text.get_by_label("Height, %").fill("100")

    expect(drawing.locator(".drawing-text")).to_have_attribute("width", "540.0")
    assert float(product.get_attribute("x") or 0) >= 540 > before
    text.get_by_label("Width, %").fill("99")
    expect(drawing).to_contain_text("Text area leaves 0 % beside it")
    assert not MerchantPlacement.objects.exists()


def test_retiring_asks_first(page: Page, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    page.goto(f"/prompts/{prompt_id}/")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Retire").click()
    assert PromptVersion.objects.filter(retired_at=None).count() == 1

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Retire").click()

    expect(page.locator("#toasts")).to_contain_text("is retired")
    assert not PromptVersion.objects.filter(retired_at=None).exists()


def test_the_theme_is_remembered(page: Page) -> None:
    page.goto("/password/")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Dark theme").click()

    page.reload()

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"


def test_an_edit_that_came_second_is_shown_against_the_first(page: Page, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    page.goto(f"/prompts/{prompt_id}/edit/")
    new_version(prompt_id, 1, "on a beech table", "", admin)
    page.get_by_label("Prompt", exact=True).fill("on a pine table")

    page.get_by_role("button", name="Save as a new version").click()

    expect(page.get_by_role("alert")).to_contain_text("Version 2 was saved meanwhile")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_role("heading", name="Version 3")).to_be_visible()
