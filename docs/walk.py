"""Open every page of a running demo as each role and take pictures of them, to be looked at.

    .venv/bin/python docs/walk.py http://127.0.0.1:8000 [FOLDER]

Follows the links of each page, one page for each address of the urlconf (and its tabs and views), on a desk and on a phone,
light and dark. Writes FOLDER/<role>/<page>-<screen>.png (var/pages unless given) and prints what is wrong: answers from 400
on, errors of scripts, pages wider than the screen, and addresses that no link leads to.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import django
from browser import DESK, PHONE, Scheme, chromium, sign_in
from playwright.sync_api import Browser, Page

ROLES = ("", "merchant", "reviewer", "admin")
SCREENS: dict[str, tuple[Scheme, tuple[int, int]]] = {
    "desk-light": ("light", DESK),
    "desk-dark": ("dark", DESK),
    "phone-light": ("light", PHONE),
    "phone-dark": ("dark", PHONE),
}
VIEWS = {
    "view",
    "tab",
    "split",
    "category",
    "design",
    "by",
}  # parameters that make another page of the same address
MOST_VIEWS = 4
TALLEST = 3000
IGNORED = re.compile(r"^/(admin|media|static|metrics|api|e|c)/|\.(csv|json|zip|png|jpg)$")


@dataclass
class Walk:
    """The pages found, by name, and what is wrong with them."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)
    routes: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def explore(self, page: Page) -> None:
        """Follow links breadth first, without a browser's work."""
        waiting = ["/"]
        seen = set(waiting)
        while waiting:
            address = waiting.pop(0)
            name = self._name(address)
            if name is None or name in self.pages:
                continue
            answer = page.request.get(address)
            if answer.status >= 400:
                self.problems.append(f"{address} answers {answer.status}")
                continue
            self.pages[name] = address
            for link in re.findall(r'<a\b[^>]*\shref="([^"#]+)', answer.text()):
                target = urljoin(address, unescape(link))
                if (
                    target.startswith("/")
                    and not IGNORED.search(urlsplit(target).path)
                    and target not in seen
                ):
                    seen.add(target)
                    waiting.append(target)

    def _name(self, address: str) -> str | None:
        """A name for the kind of page: the route and its views. None for what is no page, or one view too many."""
        from django.urls import Resolver404, resolve

        parts = urlsplit(address)
        try:
            route = resolve(parts.path).route
        except Resolver404:
            self.problems.append(f"{address} is no address of the site")
            return None
        views = [f"{key}={value}" for key, value in parse_qsl(parts.query) if key in VIEWS]
        plain = re.sub(r"<\w+:(\w+)>", r"\1", route).strip("/") or "home"
        if views and sum(name.startswith(f"{plain}?") for name in self.pages) >= MOST_VIEWS:
            return None
        self.routes.add(route)
        return plain + ("?" + "&".join(sorted(views)) if views else "")


def shoot(page: Page, walk: Walk, folder: Path, screen: str) -> None:
    """A picture of every page found; notes scripts that fail and pages that are too wide."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    for name, address in walk.pages.items():
        errors.clear()
        page.goto(address)
        page.wait_for_timeout(150)
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}  # type: ignore[index]
        target = folder / f"{re.sub('[^a-z0-9=_]+', '-', name)}-{screen}.png"
        page.screenshot(path=target, full_page=True, clip=clip)  # type: ignore[arg-type]
        if beyond > 0:
            walk.problems.append(f"{address} is {beyond} pixels wider than the screen, {screen}")
        walk.problems += [f"{address}, {screen}: {error}" for error in errors]


def pages_of_the_site() -> Iterator[str]:
    """Routes of the urlconf that look like pages."""
    from django.urls import URLPattern, get_resolver

    for entry in get_resolver().url_patterns:
        children = getattr(entry, "url_patterns", [entry]) if str(entry.pattern) == "" else [entry]
        for child in children:
            route = str(child.pattern)
            if isinstance(child, URLPattern) and route.endswith("/"):
                yield route


def walk_as(browser: Browser, url: str, role: str, folder: Path, screens: list[str]) -> Walk:
    """All pages of one role in ``screens``."""
    folder.mkdir(parents=True, exist_ok=True)
    walk = Walk(url, {} if role else {"login": "/login/"})
    if role:
        page = sign_in(browser, url, role)
        walk.explore(page)
        page.context.close()
    for screen in screens:
        scheme, size = SCREENS[screen]
        page = sign_in(browser, url, role, size, scheme)
        shoot(page, walk, folder, screen)
        page.context.close()
    return walk


def main(url: str, folder: Path, screens: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    django.setup()
    reached: set[str] = set()
    problems: list[str] = []
    with chromium() as browser:
        for role in ROLES:
            walk = walk_as(browser, url.rstrip("/"), role, folder / (role or "anyone"), screens)
            print(f"{role or 'anyone'}: {len(walk.pages)} pages")
            reached |= walk.routes
            problems += [f"{role or 'anyone'}: {problem}" for problem in walk.problems]
    print("No link of the walk leads to:", ", ".join(sorted(set(pages_of_the_site()) - reached)))
    print("\n".join(problems) or "Nothing is wrong.")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: walk.py URL [FOLDER] [desk-light|desk-dark|phone-light|phone-dark …]")
    sys.exit(
        main(
            sys.argv[1],
            Path(sys.argv[2] if len(sys.argv) > 2 else "var/pages"),
            sys.argv[3:] or list(SCREENS),
        )
    )
