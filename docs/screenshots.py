"""Take the pictures of the README and the tutorials, by following the tutorials in a browser.

    .venv/bin/python docs/screenshots.py          # a fresh demo of its own, which takes minutes
    .venv/bin/python docs/screenshots.py URL      # a fresh `make run` that is on already

Writes docs/images/*.webp (``IMAGES`` names another folder). The sheets of paintings, creatives.jpg and
studio-tiny-*.jpg, are made by ``python -m training sheet``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from browser import chromium, sign_in
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parent.parent
IMAGES = Path(os.environ.get("IMAGES", ROOT / "docs/images"))
FEED = ROOT / "docs/tutorials/sample-feed.zip"
PAINTED = "Herb shower gel"  # the demo paints some products by itself; this is one of them
LOOK_MS = 600  # a key of the review desk counts once the picture has been on screen for a moment


def shot(page: Page, name: str, at: Locator | None = None) -> None:
    """The window as it is, or scrolled to ``at``."""
    if at is not None:
        at.evaluate("element => element.scrollIntoView({block: 'start', behavior: 'instant'})")
        page.mouse.wheel(0, -24)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    raw = IMAGES / f"{name}.png"
    page.screenshot(path=raw)
    Image.open(raw).convert("RGB").save(raw.with_suffix(".webp"), quality=86, method=6)
    raw.unlink()
    print(f"{name}.webp", flush=True)


def wait_for_paintings(page: Page, seconds: float = 1200) -> None:
    """Until everything that the demo asked for is painted."""
    deadline = time.monotonic() + seconds
    while True:
        page.goto("/")
        waiting = page.locator(".tile", has_text="Being painted").locator("dd").inner_text()
        painted = page.locator(".tile", has_text="In review").locator("dd").inner_text()
        if waiting == "0" and painted != "0":
            return
        if time.monotonic() > deadline:
            sys.exit(f"{waiting} pictures of the demo are not painted after {seconds:.0f} s")
        time.sleep(5)


def merchant_before(page: Page) -> None:
    """docs/tutorials/merchant.md, up to the creatives."""
    page.goto("/")
    shot(page, "home")
    page.get_by_role("link", name="Catalogue", exact=True).first.click()
    page.get_by_role("button", name="Upload a feed").click()
    page.get_by_label("Feed", exact=True).set_input_files(FEED)
    page.get_by_label("Add and change products").check()
    page.get_by_role("button", name="Check first").click()
    page.get_by_role("button", name="Import for real").wait_for()
    shot(page, "merchant-check")
    page.get_by_role("button", name="Import for real").click()
    page.get_by_role("button", name="See the products").click()
    shot(page, "catalogue")
    page.get_by_role("link", name=PAINTED).click()
    page.locator("#creatives summary", has_text="The five steps").first.click()
    shot(page, "product")


def reviewer(page: Page) -> None:
    """docs/tutorials/reviewer.md."""
    page.goto("/")
    page.get_by_role("button", name="Start reviewing").click()
    _ready(page)
    shot(page, "review")
    page.keyboard.press("m")
    shot(page, "review-mask")
    page.keyboard.press("m")
    page.keyboard.press("r")
    shot(page, "review-reasons")
    page.keyboard.press("2")
    for keys in ("a", "a", "a", "ff", "a", "a"):
        _ready(page)
        for key in keys:
            page.keyboard.press(key)
    _ready(page)
    page.keyboard.press("g")
    page.locator(".grid-tile").first.wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    shot(page, "review-grid")
    page.goto("/review/stats/")
    shot(page, "review-stats")


def _ready(page: Page) -> None:
    page.locator("[data-card][data-ready]:not([hidden]) [data-key=a]").wait_for()
    page.wait_for_timeout(LOOK_MS)


def simulate(url: str, environment: dict[str, str]) -> None:
    """Made-up shoppers, on products that are painted already, and a minute until the bandit may learn."""
    command = [
        sys.executable,
        "manage.py",
        "simulate",
        "--impressions",
        "3000",
        "--items",
        "4",
        "--rate",
        "0",
    ]
    subprocess.run([*command, "--auto-approve", "--url", url], check=True, cwd=ROOT, env=environment)
    time.sleep(75)


def merchant_after(page: Page) -> None:
    """docs/tutorials/merchant.md, once there were shoppers."""
    page.goto("/reports/")
    shot(page, "report")
    page.get_by_role("link", name="Creatives", exact=True).click()
    shot(page, "report-creatives")
    page.goto("/policy/")
    page.get_by_role("link", name="Health & Beauty").click()
    shot(page, "policy")


def admin(page: Page) -> None:
    """docs/tutorials/admin.md."""
    page.goto("/prompts/")
    shot(page, "prompts")
    page.get_by_role("link", name="Oak and sage").click()
    page.get_by_role("button", name="Edit", exact=True).click()
    text = page.get_by_label("Prompt", exact=True)
    text.fill(text.input_value().replace("soft daylight", "warm evening light"))
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_role("heading", name="Version 2").wait_for()
    shot(page, "prompt")
    page.goto("/placements/hero/edit/")
    page.get_by_label("Product scale, %").fill("60")
    page.wait_for_timeout(800)
    shot(page, "placement")
    page.goto("/experiments/add/?merchant=demo")
    shot(page, "experiment-plan")
    page.goto("/operations/")
    shot(page, "operations")
    page.goto("/people/")
    shot(page, "people")


def follow(browser: Browser, url: str, environment: dict[str, str]) -> None:
    """All tutorials, in the order in which things happen."""
    merchant = sign_in(browser, url, "merchant")
    merchant.set_default_timeout(90_000)
    wait_for_paintings(merchant)
    merchant_before(merchant)
    for role, story in (("reviewer", reviewer), ("merchant", None), ("admin", admin)):
        if story is None:
            simulate(url, environment)
            merchant_after(merchant)
            continue
        page = sign_in(browser, url, role)
        page.set_default_timeout(90_000)
        story(page)


@contextmanager
def demo() -> Iterator[tuple[str, dict[str, str]]]:
    """A `make run` of its own in a temporary folder; its address and environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="studio-pictures-") as folder:
        environment = os.environ | {"STUDIO_VAR": folder, "PORT": str(port), "PUBLIC_BASE_URL": url}
        process = subprocess.Popen([sys.executable, "-m", "config.up"], cwd=ROOT, env=environment)
        try:
            while not _answers(url):
                if process.poll() is not None:
                    sys.exit("the demo did not start; its message stands above")
                time.sleep(1)
            yield url, environment
        finally:
            process.terminate()
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def main(url: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        if url:
            follow(browser, url.rstrip("/"), dict(os.environ))
        else:
            with demo() as (own, environment):
                follow(browser, own, environment)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
