"""A creative that the quality gate failed, on the desk in a real browser: its reasons, and where they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from creatives.models import Creative
from creatives.services.painting import paint_bucket
from tests import factories, studio

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_the_desk_says_why_a_creative_failed_and_shows_where(
    browser: Browser, live_server: Any, tmp_path: Path
) -> None:
    merchant = factories.merchant("acme")
    studio.requested(merchant, studio.want(studio.photo(merchant), studio.version("hopeless")))
    assert paint_bucket(studio.FlatPainter(spoils=("hopeless",)), studio.key()) == 1
    assert Creative.objects.get().record["verdict"] == "fail"
    client = Client()
    client.force_login(factories.member(merchant, "reviewer"))
    page = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900}).new_page()
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.goto("/review/")
    gate = page.get_by_role("region", name="Quality gate")
    expect(gate).to_contain_text("Quality gate: fail", timeout=30_000)
    expect(gate).to_contain_text("ignores the product's edges")
    page.keyboard.press("q")
    layer = page.locator("[data-card]:not([hidden]) [data-layer=finding]")
    expect(layer).to_be_visible(timeout=30_000)
    expect(page.locator("[data-legend]:visible")).to_contain_text(
        "edges of the product that the painting ignores"
    )
    page.wait_for_function("img => img.complete && img.naturalWidth > 0", arg=layer.element_handle())
    page.screenshot(path=os.environ.get("FINDING_SCREENSHOT", str(tmp_path / "finding.png")))
    page.context.close()
