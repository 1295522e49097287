"""What the stylesheets and scripts of each page weigh when they are sent compressed, as production sends them."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from tests.web.access import build_world
from tests.web.pages import pages

pytestmark = pytest.mark.django_db
GOAL = 150_000  # bytes of CSS and scripts a page, gzip
ASSETS = re.compile(r'<(?:link rel="stylesheet" href|script src)="/static/([^"?]+)')


@cache
def _weight(name: str) -> int:
    found = finders.find(name)
    assert isinstance(found, str), name
    return len(gzip.compress(Path(found).read_bytes(), 9))


def test_no_page_is_over_half_of_its_budget() -> None:
    world = build_world()
    weights: dict[str, int] = {}
    for role, addresses in pages(world).items():
        client = Client()
        if (person := world.people[role]) is not None:
            client.force_login(person)
        for address in addresses:
            assets = ASSETS.findall(client.get(address).content.decode())
            assert {"vendor/pico/pico.min.css", "css/app.css", "js/app.js"} <= set(assets), address
            assert len(assets) == len(set(assets)), address
            weights[address] = sum(map(_weight, assets))

    assert len(weights) > 60
    assert {address: weight for address, weight in weights.items() if weight > GOAL / 2} == {}
    assert max(weights.values()) > 40_000  # htmx and the stylesheets were counted
