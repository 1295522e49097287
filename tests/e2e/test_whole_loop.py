"""The whole loop, with nothing made up: feed → creatives → approval → decision → events → learner → report."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import requests
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from bandit.models import Click, HourlyCell, Impression, PolicySnapshot
from bandit.simulation.receiver import PictureCache, listening
from creatives.models import ApiKey, Creative, CreativeRequest, Product, Recommender, WebhookDelivery
from tests import factories
from tests.e2e.processes import Processes, processes

pytestmark = [pytest.mark.e2e, pytest.mark.model, pytest.mark.django_db(transaction=True)]
SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIz"
SHOP = "https://shop.example/p/mug"


def feed() -> bytes:
    """A ZIP with a Google feed of one mug and its photo."""
    photo = Image.new("RGB", (640, 640), "white")
    pen = ImageDraw.Draw(photo)
    pen.ellipse((400, 240, 560, 440), outline=(30, 70, 160), width=36)
    pen.rounded_rectangle((150, 160, 460, 540), 30, fill=(30, 70, 160))
    pen.ellipse((150, 130, 460, 200), fill=(20, 50, 120))
    picture, archive = io.BytesIO(), io.BytesIO()
    photo.save(picture, "JPEG", quality=92)
    rows = [
        "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tgoogle_product_category",
        f"MUG-1\tBlue mug\tA mug\t{SHOP}\tmug.jpg\tin stock\t12.00 EUR\tHome & Garden > Kitchen & Dining",
        f"BAD-1\tNo price\tA mug\t{SHOP}\tmug.jpg\tin stock\ttwelve\tHome & Garden",
    ]
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("products.tsv", "\n".join(rows) + "\n")
        bundle.writestr("mug.jpg", picture.getvalue())
    return archive.getvalue()


def sign_in(browser: Browser, site: Processes, email: str) -> Page:
    page = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900}).new_page()
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_be_visible()
    return page


def test_from_a_feed_to_a_report(browser: Browser, tmp_path: Path) -> None:
    merchant = factories.merchant("shop", attribution_minutes=0, exploration=0.1)
    owner, reviewer = factories.member(merchant, "owner"), factories.member(merchant, "reviewer")
    pool = factories.category("Home & Garden")
    factories.category("Home & Garden > Kitchen & Dining")
    versions = {
        factories.prompt_version(pool, text).prompt_id for text in ("on an oak table", "on a sandy beach")
    }
    factories.placement("home-top", 300, 250)
    cache = PictureCache(SECRET)
    with listening(cache) as webhook_url, processes(tmp_path) as site:
        recommender = Recommender.objects.create(name="shop", webhook_url=webhook_url, webhook_secret=SECRET)
        recommender.merchants.add(merchant)
        _, key = ApiKey.issue(recommender=recommender)
        api = requests.Session()
        api.headers["Authorization"] = f"Bearer {key}"

        def decide(user: str = "u1") -> dict[str, object]:
            body = {
                "user": {"id": user, "features": {"device": "mobile", "age": 31}},
                "placement": {"id": "home-top", "width": 300, "height": 250},
                "items": [{"merchant": "shop", "id": "MUG-1"}],
            }
            answer = api.post(f"{site.url}/api/v1/decisions", json=body, timeout=10)
            assert answer.status_code == 200, answer.text
            return answer.json()["decisions"][0]

        # The merchant uploads a feed; the good row lands, the bad one is explained.
        page = sign_in(browser, site, owner.email)
        page.goto("/catalog/upload/")
        page.locator("input[type=file]").set_input_files(
            {"name": "feed.zip", "mimeType": "application/zip", "buffer": feed()}
        )
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_text("BAD-1")).to_be_visible(timeout=30_000)
        product = Product.objects.get(external_id="MUG-1")
        assert not Product.objects.filter(external_id="BAD-1").exists()

        # The first decision only queues, and serves the original. Pictures appear on the product's page.
        first = decide()
        assert (first["variant"], first["is_fallback"], first["generation"]) == ("original", True, "queued")
        page.goto(f"/products/{product.pk}/")
        page.get_by_role("button", name="Ask for creatives").click()
        site.until(lambda: Creative.objects.filter(status="in_review").count() == 2, 120, "two pictures")
        assert CreativeRequest.objects.count() == 2
        page.goto(f"/products/{product.pk}/")
        expect(page.locator("#creatives figure img").first).to_be_visible()
        assert decide()["variant"] == "original"  # nothing unapproved is ever served
        assert cache.received == 0

        # A reviewer approves both by key; the recommender hears of it.
        desk = sign_in(browser, site, reviewer.email)
        desk.goto("/review/")
        for left in (1, 0):
            expect(desk.locator("[data-card][data-ready]:not([hidden]) [data-key=a]")).to_be_visible()
            desk.keyboard.press("a")
            site.until(
                lambda left=left: Creative.objects.filter(status="in_review").count() == left, 20, "approval"
            )  # type: ignore[misc]
        expect(desk.get_by_role("heading", name="All caught up")).to_be_visible()
        site.until(lambda: cache.received == 2, 30, "two webhooks")
        assert cache.refused == 0

        # Now a decision serves it, the shopper sees and clicks it.
        second = decide()
        assert (second["variant"], second["is_fallback"], second["generation"]) == (
            "generated",
            False,
            "ready",
        )
        assert second["prompt"]["id"] in versions  # type: ignore[index]
        assert second["image"]["url"] in cache.urls()  # type: ignore[index]
        served = Image.open(io.BytesIO(requests.get(second["image"]["url"], timeout=10).content))  # type: ignore[index]
        assert served.size == (300, 250)
        assert requests.get(second["impression_url"], timeout=10).headers["Content-Type"] == "image/gif"  # type: ignore[arg-type]
        click = requests.get(second["click_url"], timeout=10, allow_redirects=False)  # type: ignore[arg-type]
        assert (click.status_code, click.headers["Location"]) == (302, SHOP)

        # The same events reported again, in a batch sent twice, change nothing.
        batch = {
            "events": [
                {"type": kind, "token": second["token"], "event_id": kind} for kind in ("impression", "click")
            ]
        }
        for _ in range(2):
            receipt = api.post(f"{site.url}/api/v1/events", json=batch, timeout=10)
            assert (receipt.status_code, receipt.json()) == (
                202,
                {"accepted": 0, "duplicates": 2, "rejected": []},
            )
        assert (Impression.objects.count(), Click.objects.count()) == (1, 1)

        # The learner moves on by one version, and serving follows.
        site.until(lambda: PolicySnapshot.objects.filter(version=1).exists(), 30, "the learner")
        snapshot = PolicySnapshot.objects.get()
        assert (snapshot.impressions, snapshot.clicks) == (1, 1)
        site.until(lambda: decide()["policy_version"] == 1, 20, "the new policy to be served")

        # And the report counts it.
        site.until(HourlyCell.objects.filter(variant="generated", clicks=1).exists, 20, "the roll-ups")
        page.goto("/reports/?split=shown")
        row = page.get_by_role("row").filter(has_text="generated")
        expect(row).to_contain_text("100.00 %")
        expect(page.locator(".tile").filter(has_text="Impressions").locator("b")).to_have_text("1")
    assert Creative.objects.count() == 2
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"delivered"}
