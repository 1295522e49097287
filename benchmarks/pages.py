"""Every page in a real browser, as who may open it: until it can be used, and what its stylesheets and scripts weigh.

Interactive is ``domContentLoadedEventEnd``: the document is parsed and every deferred script has run. The browser has
nothing cached before the first page of each role. The site is gunicorn with one worker on loopback.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.decisions import _database

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

GOAL_MS = 1000.0
TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const assets = performance.getEntriesByType("resource").filter((one) => /\\.(css|js)$/.test(new URL(one.name).pathname));
  return { interactive: page.domContentLoadedEventEnd, bytes: assets.reduce((sum, one) => sum + one.decodedBodySize, 0) };
}"""


def run() -> list[Result]:
    """Milliseconds until interactive, median and slowest; bytes of CSS and scripts of the heaviest page."""
    with _database():
        times, weights = _visits()
    slowest = max(times, key=lambda address: times[address])
    heaviest = max(weights, key=lambda address: weights[address])
    return [
        _result(f"interactive, median of {len(times)} pages", statistics.median(times.values()), "ms"),
        _result(f"interactive, slowest ({slowest})", times[slowest], "ms"),
        _result(
            f"CSS and scripts, heaviest ({heaviest}), before compression", weights[heaviest] / 1000, "kB"
        ),
    ]


def _visits() -> tuple[dict[str, float], dict[str, int]]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's event loop lives in this thread
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from tests.e2e.processes import processes
    from tests.web.access import build_world
    from tests.web.pages import pages

    world = build_world()
    times: dict[str, float] = {}
    weights: dict[str, int] = {}
    with (
        tempfile.TemporaryDirectory() as logs,
        processes(Path(logs), "web") as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        for role, addresses in pages(world).items():
            context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 860})
            if (person := world.people[role]) is not None:
                client = Client()
                client.force_login(person)
                session = client.cookies["sessionid"].value
                context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
            page = context.new_page()
            page.request.get("/login/")  # the first request of a worker loads the code
            for address in addresses:
                page.goto(address)
                seen = page.evaluate(TIMES)
                times[f"{address} as {role}"] = seen["interactive"]
                weights[f"{address} as {role}"] = seen["bytes"]
            context.close()
        browser.close()
    return times, weights


def _result(name: str, value: float, unit: str) -> Result:
    goal = {"versus": "goal", "ratio": value / GOAL_MS} if unit == "ms" else {}
    return {"name": name, "value": value, "unit": unit, **goal}  # type: ignore[typeddict-item]
