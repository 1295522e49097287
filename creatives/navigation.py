"""The pages of the navigation, by group, and who sees them; which addresses lead back to this site."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

MERCHANT = frozenset({"owner", "editor", "admin"})
OWNER = frozenset({"owner", "admin"})
REVIEWER = frozenset({"reviewer", "admin"})
ADMIN = frozenset({"admin"})


@dataclass(frozen=True)
class NavPage:
    """A page: its url name, label, the roles that see it, and other paths that count as being on it."""

    name: str
    label: str
    roles: frozenset[str]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class NavLink:
    """A rendered entry."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class NavGroup:
    """A titled group of entries."""

    title: str
    links: list[NavLink]


NAVIGATION: tuple[tuple[str, tuple[NavPage, ...]], ...] = (
    ("", (NavPage("home", "Home", MERCHANT | REVIEWER),)),
    (
        "Make",
        (
            NavPage("catalog", "Catalogue", MERCHANT | REVIEWER, ("/products/", "/imports/")),
            NavPage("prompts", "Prompts", MERCHANT, ("/categories/",)),
            NavPage("placements", "Placements", MERCHANT, ("/catalog/layouts/",)),
        ),
    ),
    (
        "Check",
        (
            NavPage("review", "Review", REVIEWER),
            NavPage("review-approved", "Approved creatives", REVIEWER),
            NavPage("masks", "Masks", MERCHANT | REVIEWER),
            NavPage("review-history", "Review history", MERCHANT | REVIEWER),
            NavPage("review-stats", "Review statistics", REVIEWER),
            NavPage("review-second", "Second opinions", OWNER),
            NavPage("review-rules", "Review rules", OWNER),
            NavPage("review-gold", "Gold items", ADMIN),
        ),
    ),
    (
        "Learn",
        (
            NavPage("reports", "Reports", MERCHANT),
            NavPage("experiments", "Experiments", MERCHANT),
            NavPage("policy", "Policy", MERCHANT),
        ),
    ),
    (
        "Run",
        (
            NavPage("operations", "Operations", ADMIN),
            NavPage("audit", "Changes", ADMIN),
            NavPage("profiles", "Checkpoints", ADMIN),
            NavPage("people", "People", ADMIN, ("/merchants/",)),
            NavPage("keys", "API keys", OWNER),
            NavPage("recommenders", "Recommenders", ADMIN),
        ),
    ),
)


def groups_for(roles: set[str], path: str) -> list[NavGroup]:
    """The groups with the pages that ``roles`` may open; the longest match of ``path`` is the current one."""
    groups = [
        (title, [(page, _url(page)) for page in pages if page.roles & roles]) for title, pages in NAVIGATION
    ]
    matches = [
        prefix
        for _, pages in groups
        for page, url in pages
        for prefix in _prefixes(page, url)
        if _on(prefix, path)
    ]
    best = max(matches, key=len, default=None)
    return [
        NavGroup(
            title, [NavLink(page.label, url, best in _prefixes(page, url)) for page, url in pages if url]
        )
        for title, pages in groups
        if any(url for _, url in pages)
    ]


def _url(page: NavPage) -> str:
    try:
        return reverse(page.name)
    except NoReverseMatch:
        return ""


def _prefixes(page: NavPage, url: str) -> tuple[str, ...]:
    return tuple(prefix for prefix in (url, *page.also) if prefix)


def _on(prefix: str, path: str) -> bool:
    return path == prefix if prefix == "/" else path.startswith(prefix)


def own_address(request: HttpRequest, target: str) -> str:
    """``target`` if it is an address of this site, else empty: a "next" that somebody made up leads nowhere else."""
    hosts = {request.get_host()}
    return target if url_has_allowed_host_and_scheme(target, hosts, require_https=request.is_secure()) else ""
