"""Every page against axe (WCAG 2.2 A and AA, and its best practices), on a desk and a phone, light and dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.web.access import World, build_world
from tests.web.pages import VIEWS, pages

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SCREENS = {"desk": (1280, 900), "phone": (390, 844)}
PARTS = {
    "anonymous": 1,
    "owner": 4,
    "reviewer": 1,
    "admin": 3,
}  # so that no test takes minutes on a busy machine
FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  if (!element.matches(":focus")) return { html: "", outline: true };  // the calendar button inside a date field
  const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { html: element.outerHTML.slice(0, 120), outline };
}"""


def _findings(page: Page) -> list[str]:
    """Everything in the light, and in the dark what a change of colours may break."""
    found = []
    for scheme, rules in (("light", RULES), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found += [
            f"{scheme}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
            for violation in Axe().run(page, options=rules).response["violations"]
        ]
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"{beyond} pixels wider than the screen"] if beyond > 0 else [])]


def _context(browser: Browser, url: str, world: World, role: str, screen: str) -> BrowserContext:
    """A browser in which ``role`` is signed in."""
    width, height = SCREENS[screen]
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        bypass_csp=True,
    )
    if (person := world.people[role]) is not None:
        client = Client()
        client.force_login(person)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    return context


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(("role", "part"), [(role, part) for role in VIEWS for part in range(PARTS[role])])
def test_pages_are_clean(browser: Browser, live_server: Any, role: str, part: int, screen: str) -> None:
    world = build_world()
    context = _context(browser, live_server.url, world, role, screen)
    page = context.new_page()

    findings: dict[str, list[str]] = {}
    for address in pages(world)[role][part :: PARTS[role]]:
        page.goto(address)
        if found := _findings(page):
            findings[address] = found
    context.close()

    assert findings == {}


def test_focus_is_seen_wherever_the_keyboard_goes(browser: Browser, live_server: Any) -> None:
    """Every stop of the Tab key on some busy pages has an outline of its own, or is drawn differently."""
    world = build_world()
    context = _context(browser, live_server.url, world, "owner", "desk")
    page = context.new_page()
    unseen = []
    for address in ("/catalog/", f"/products/{world.product.pk}/", "/reports/", "/catalog/upload/"):
        page.goto(address)
        stops = 0
        while stops < 60:
            page.keyboard.press("Tab")
            stop = page.evaluate(FOCUSED)
            if stop is None:
                break
            stops += 1
            if not stop["outline"]:
                unseen.append(f"{address}: {stop['html']}")
        assert stops > 12, address
    context.close()

    assert unseen == []
