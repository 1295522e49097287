"""Every page against axe (WCAG 2.2 A and AA, and its best practices), light on a desk and dark on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.access import World, build_world

# Playwright's event loop lives in this thread; Django's guard against synchronous queries in async code means another one.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SCREENS = {"desk, light": ("light", 1280, 900), "phone, dark": ("dark", 390, 844)}
PAGES = {
    "anonymous": ["/login/"],
    "owner": [
        *("/", "/catalog/", "/catalog/?view=list", "/catalog/upload/", "/catalog/imports/", "/products/add/"),
        *("/catalog/feeds/", "/catalog/feeds/add/", "/catalog/layouts/", "/catalog/layouts/home-top/"),
        *("/catalog/imports/{feed}/", "/products/{product}/", "/products/{product}/edit/"),
        *("/prompts/", "/prompts/{prompt}/", "/placements/", "/reports/", "/experiments/", "/policy/"),
        *("/reports/creatives/", "/reports/learned/", "/experiments/phases/", "/experiments/{experiment}/"),
        *(
            "/policy/pools/{category}/settings/",
            "/policy/why/",
            "/policy/compare/",
            "/policy/compare/{comparison}/",
        ),
        *("/keys/", "/password/", "/no-such-page/", "/people/"),
        *("/review/second/", "/review/second/?tab=open", "/review/rules/"),
    ],
    "reviewer": [
        "/",
        "/review/",
        "/review/?view=grid",
        "/review/stats/",
        "/review/history/",
        "/review/approved/",
    ],
    "admin": [
        *("/", "/prompts/", "/prompts/{prompt}/", "/prompts/{prompt}/edit/", "/categories/add/"),
        *("/categories/{category}/prompts/add/", "/placements/", "/placements/add/"),
        *("/placements/home-top/edit/", "/people/", "/people/add/", "/people/{person}/"),
        *("/merchants/add/", "/merchants/ours/settings/", "/recommenders/", "/recommenders/{recommender}/"),
        *("/keys/", "/operations/", "/experiments/?merchant=ours", "/experiments/add/?merchant=ours"),
        *("/experiments/add/?merchant=ours&design=phase_1", "/experiments/{experiment}/"),
        *("/review/gold/", "/review/gold/?tab=retired", "/review/history/", "/review/rules/?merchant=ours"),
    ],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def _addresses(role: str, world: World) -> list[str]:
    editor = world.people["editor"]
    assert editor is not None
    keys = {
        "feed": world.feed.pk,
        "product": world.product.pk,
        "prompt": world.version.prompt_id,
        "category": world.product.category_id,
        "person": editor.pk,
        "recommender": world.recommender.pk,
        "experiment": world.experiment.pk,
        "comparison": world.comparison.pk,
    }
    return [address.format(**keys) for address in PAGES[role]]


def _findings(page: Page) -> list[str]:
    found = [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in Axe().run(page, options=RULES).response["violations"]
    ]
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"{beyond} pixels wider than the screen"] if beyond > 0 else [])]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("role", PAGES)
def test_pages_are_clean(browser: Browser, live_server: Any, role: str, screen: str) -> None:
    scheme, width, height = SCREENS[screen]
    world, client = build_world(), Client()
    context = browser.new_context(
        base_url=live_server.url,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": height},
        bypass_csp=True,
    )
    if (person := world.people[role]) is not None:
        client.force_login(person)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()

    findings: dict[str, list[str]] = {}
    for address in _addresses(role, world):
        page.goto(address)
        if found := _findings(page):
            findings[address] = found
    context.close()

    assert findings == {}
