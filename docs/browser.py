"""Chromium, and people of the demo who are signed in: what the scripts of this folder share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DESK, PHONE = (1280, 860), (390, 844)
Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the time of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def sign_in(
    browser: Browser, url: str, role: str, size: tuple[int, int] = DESK, scheme: Scheme = "light"
) -> Page:
    """A page of the demo's ``role`` (merchant, reviewer, admin) on its home; of nobody when it is empty."""
    viewport = {"width": size[0], "height": size[1]}
    options = {"base_url": url, "viewport": viewport, "color_scheme": scheme, "locale": "en-GB"}
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login/")
    if role:
        page.get_by_label("E-mail").fill(f"{role}@demo.test")
        page.get_by_label("Password").fill("demo")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
    return page
