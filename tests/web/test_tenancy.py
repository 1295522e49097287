"""Every address with every role: what is not yours does not exist, and nothing is reachable that the table does not name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.web.access import KEYS, LOGIN, ROLES, ApiRow, Row, World, build_world
from tests.web.access_table import TABLE

pytestmark = pytest.mark.django_db
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def routes(patterns: Any, prefix: str = "") -> Iterator[str]:
    """Every route of the urlconf but Django's admin, which has a test of its own."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if route == "admin/":
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield _readable(route)


def _readable(route: str) -> str:
    """A regular expression's route in the form of the others."""
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route.removeprefix("^").removesuffix("$"))


def test_every_address_is_in_the_table() -> None:
    missing = set(routes(get_resolver().url_patterns)) - TABLE.routes

    assert not missing, f"add rows to tests/web/access_table.py for: {', '.join(sorted(missing))}"


def test_the_table_names_no_address_that_is_gone() -> None:
    gone = TABLE.routes - set(routes(get_resolver().url_patterns))

    assert not gone


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: f"{row.method} {row.route}")
def test_status(row: Row, role: str) -> None:
    world = build_world()
    client = Client(raise_request_exception=False)
    person = world.people[role]
    if person is not None:
        client.force_login(person)

    response = _send(client, row, world)

    expected = row.statuses[ROLES.index(role)]
    if expected == LOGIN:
        assert response.status_code == 302
        assert response["Location"].startswith("/login/")
    else:
        assert response.status_code == expected
        assert not response.get("Location", "").startswith("/login/?"), "sent to the sign-in page"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("row", TABLE.api_rows, ids=lambda row: f"{row.method} {row.route}")
def test_status_with_key(row: ApiRow, key: str) -> None:
    world = build_world()
    headers = {"Authorization": f"Bearer {world.secrets[key]}"} if key != "none" else {}

    response = _call(Client(raise_request_exception=False), row, world, headers)

    assert response.status_code == row.statuses[KEYS.index(key)]


@pytest.mark.parametrize("role", ROLES[1:])
@pytest.mark.parametrize("row", TABLE.api_rows, ids=lambda row: f"{row.method} {row.route}")
def test_a_session_opens_nothing_of_the_api(row: ApiRow, role: str) -> None:
    world = build_world()
    client = Client(raise_request_exception=False)
    client.force_login(world.people[role])  # type: ignore[arg-type]

    assert _call(client, row, world, {}).status_code == row.statuses[0]


def _send(client: Client, row: Row, world: World) -> Any:
    send = client.get if row.method == "GET" else client.post
    return send(_url(row, world), row.data(world))


def _call(client: Client, row: ApiRow, world: World, headers: dict[str, str]) -> Any:
    body = row.body(world) if callable(row.body) else row.body
    text = "" if body is None else json.dumps(body)
    return client.generic(
        row.method, _url(row, world), text, content_type="application/json", headers=headers
    )


def _url(row: Row | ApiRow, world: World) -> str:
    arguments = row.path(world)
    return "/" + _PARAMETER.sub(lambda found: str(arguments[found[1]]), row.route)


@pytest.mark.parametrize("role", ["anonymous", "foreign", "owner", "editor", "reviewer"])
def test_django_admin_is_for_administrators(role: str) -> None:
    world = build_world()
    client = Client()
    if (person := world.people[role]) is not None:
        client.force_login(person)
    patterns = next(p for p in get_resolver().url_patterns if str(p.pattern) == "admin/").url_patterns
    found = {_fill(_readable(route)) for route in _all(patterns, "admin/")}
    reached = {
        url: response.status_code
        for url in found - {"admin/login/"}
        if (response := client.get(f"/{url}")).status_code != 302 and response.status_code != 404
    }

    assert len(found) > 20
    assert not reached


def _all(patterns: Any, prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _all(pattern.url_patterns, route)
        else:
            yield route


def _fill(route: str) -> str:
    return _PARAMETER.sub("1", route)
