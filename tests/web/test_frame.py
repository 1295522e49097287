"""The frame of every page: navigation by role, accessibility basics, and nothing inline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from creatives.models import User
from tests import factories

pytestmark = pytest.mark.django_db
TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))


def _links(client: Client, person: User) -> set[str]:
    client.force_login(person)
    page = client.get("/password/").content.decode()
    navigation = page[page.index('<nav aria-label="Main">') : page.index("</nav>")]
    return set(re.findall(r'href="([^"]+)"', navigation))


def test_navigation_by_role(client: Client) -> None:
    shop = factories.merchant()
    reviewer = _links(client, factories.member(shop, "reviewer"))
    editor = _links(client, factories.member(shop, "editor"))
    owner = _links(client, factories.member(shop, "owner"))
    admin = _links(client, factories.admin())

    assert {"/", "/catalog/", "/review/", "/review/stats/"} <= reviewer
    assert not {"/prompts/", "/reports/", "/people/"} & reviewer
    assert {"/catalog/", "/prompts/", "/placements/", "/reports/"} <= editor
    assert not {"/review/", "/keys/", "/people/"} & editor
    assert owner == editor | {"/keys/", "/review/second/", "/review/rules/"}
    assert admin >= owner | reviewer | {"/people/", "/recommenders/", "/operations/"}


@pytest.mark.parametrize("role", ["owner", "reviewer", "admin"])
def test_every_link_of_the_navigation_opens(client: Client, role: str) -> None:
    shop = factories.merchant()
    person = factories.admin() if role == "admin" else factories.member(shop, role)

    statuses = {url: client.get(url).status_code for url in _links(client, person)}

    assert set(statuses.values()) == {200}, statuses


def test_one_entry_is_the_current_page(client: Client) -> None:
    client.force_login(factories.admin())

    for url, current in (("/", "/"), ("/review/stats/", "/review/stats/"), ("/people/add/", "/people/")):
        page = client.get(url).content.decode()
        navigation = page[page.index('<nav aria-label="Main">') : page.index("</nav>")]
        assert re.findall(r'<a href="([^"]+)" aria-current="page">', navigation) == [current]


def test_a_page_has_language_title_skip_link_and_one_heading(client: Client) -> None:
    client.force_login(factories.admin())

    page = client.get("/people/").content.decode()

    assert '<html lang="en-GB">' in page
    assert "<title>People and merchants · Product studio</title>" in page
    assert page.index('class="skip" href="#main"') < page.index("<nav")
    assert page.count("<h1") == 1
    assert 'id="main"' in page


def test_a_page_is_not_found_politely(client: Client) -> None:
    client.force_login(factories.user())

    response = client.get("/no-such-page/")

    assert response.status_code == 404
    assert "Not found" in response.content.decode()


def test_the_policy_allows_no_inline_script_or_style(client: Client) -> None:
    policy = client.get("/login/")["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_carry_nothing_inline_and_nothing_from_elsewhere(template: Path) -> None:
    text = re.sub(r"{#.*?#}", "", template.read_text())

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text)
    assert not re.search(r"(?:src|href)=[\"']https?:", text)
