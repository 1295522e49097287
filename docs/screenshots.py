"""Take the README's pictures of a running demo, after ``make run`` and ``simulate``.

    .venv/bin/python docs/screenshots.py [URL]

Needs Chromium (``CHROMIUM`` or /usr/bin/chromium). Writes docs/images/*.png, cut to the upper part of each page.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(os.environ.get("IMAGES", Path(__file__).parent / "images"))
SIZE = {"width": 1280, "height": 860}
PAGES = (
    ("reviewer@demo.test", "review", "/review/"),
    ("merchant@demo.test", "product", None),
    ("merchant@demo.test", "report", "/reports/"),
    ("merchant@demo.test", "policy", "/policy/"),
    ("merchant@demo.test", "catalogue", "/catalog/"),
    ("merchant@demo.test", "home", "/"),
    ("admin@demo.test", "prompts", "/prompts/"),
    ("admin@demo.test", "placements", "/placements/"),
    ("admin@demo.test", "operations", "/operations/"),
    ("admin@demo.test", "experiments", "/experiments/"),
)


def sign_in(browser: Browser, url: str, email: str) -> Page:
    page = browser.new_context(base_url=url, viewport=SIZE, color_scheme="light").new_page()  # type: ignore[arg-type]
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")
    return page


def product_with_creatives(page: Page) -> str:
    """The path of the first product whose page shows a picture."""
    page.goto("/catalog/")
    paths = page.locator("a[href^='/products/']").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    for path in dict.fromkeys(path for path in paths if path.strip("/").split("/")[-1].isdecimal()):
        page.goto(path)
        if page.locator("#creatives img").count() >= 2:
            return path
    return paths[0]


def main(url: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        people: dict[str, Page] = {}
        for email, name, path in PAGES:
            page = (
                people.setdefault(email, sign_in(browser, url, email))
                if email not in people
                else people[email]
            )
            page.goto(path or product_with_creatives(page))
            page.wait_for_load_state("load")
            page.wait_for_timeout(800)
            target = IMAGES / f"{name}.png"
            page.screenshot(path=target)
            # 192 colours are plenty for a page and keep the repository small.
            Image.open(target).convert("RGB").quantize(192, dither=Image.Dither.NONE).save(
                target, optimize=True
            )
            print(target.name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
