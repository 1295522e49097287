"""What merchants and administrators do, in a real browser at a desk and on a phone: from an empty catalogue on.

Jobs run in the test itself, with a painter that paints plain colours: the worker has tests of its own.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from creatives.models import (
    CatalogImport,
    ComparisonEntry,
    Creative,
    CreativeRequest,
    Merchant,
    Product,
    PromptVersion,
    User,
)
from creatives.pipeline import encode_png
from creatives.services.catalog_import import run_import
from creatives.services.comparisons import paint_entry
from creatives.services.creatives import approve
from creatives.services.painting import paint_bucket
from creatives.services.prompts import add_prompt
from tests import factories, studio
from tests.unit.test_prompt_trials import Painter

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SCREENS = {"desk": (1280, 900), "phone": (390, 844)}
expect.set_options(timeout=20_000)


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop", name="Shop")


@pytest.fixture
def admin() -> User:
    return factories.admin()


@contextmanager
def opened(browser: Browser, live_server: Any, client: Any, person: User, screen: str) -> Iterator[Page]:
    """A browser of that size, signed in; a script error, policy violation or a page that is too wide fails the test."""
    client.force_login(person)
    width, height = SCREENS[screen]
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": width, "height": height}, accept_downloads=True
    )
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: _note(problems, said))
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert problems == []
    assert beyond <= 0


def _note(problems: list[str], message: ConsoleMessage) -> None:
    """Errors of the console, but not that an answer was a 422, which a page here means."""
    if message.type == "error" and "422" not in message.text:
        problems.append(message.text)


@pytest.fixture(params=SCREENS)
def page(
    request: pytest.FixtureRequest, browser: Browser, live_server: Any, client: Any, merchant: Merchant
) -> Iterator[Page]:
    """Of the shop's owner."""
    owner = factories.member(merchant, "owner")
    with opened(browser, live_server, client, owner, request.param) as page:
        yield page


@pytest.fixture(params=SCREENS)
def admin_page(
    request: pytest.FixtureRequest, browser: Browser, live_server: Any, client: Any, admin: User
) -> Iterator[Page]:
    """Of an administrator."""
    with opened(browser, live_server, client, admin, request.param) as page:
        yield page


def catalogue() -> bytes:
    """A ZIP with a feed of one mug and its picture."""
    import numpy as np

    pixels = np.full((120, 100, 3), 255, np.uint8)
    pixels[30:100, 20:80] = (200, 40, 40)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "feed.tsv",
            "id\ttitle\tlink\timage_link\tproduct_type\nMUG-1\tRed mug\thttps://shop.example/1\tmug.png\tHome\n",
        )
        archive.writestr("mug.png", encode_png(pixels))
    return out.getvalue()


def import_latest() -> CatalogImport:
    done = run_import(CatalogImport.objects.latest("pk").pk)
    assert done is not None
    return done


def paint_all() -> None:
    for request in CreativeRequest.objects.filter(status="queued"):
        paint_bucket(studio.FlatPainter(), studio.key(request.bucket))


def try_all() -> None:
    @contextmanager
    def lend(profile: Any) -> Iterator[Any]:
        yield Painter()

    for entry in ComparisonEntry.objects.filter(status="queued").order_by("pk"):
        paint_entry(entry.pk, lend)


def test_three_steps_from_nothing_to_the_first_creative(page: Page) -> None:
    factories.placement("home-top")
    factories.prompt_version(factories.category("Home"), "on an oak table")
    page.goto("/")
    expect(page.get_by_role("heading", name="Three steps to your first creative")).to_be_visible()

    page.get_by_role("button", name="Upload a feed").click()
    file = {"name": "catalogue.zip", "mimeType": "application/zip", "buffer": catalogue()}
    page.get_by_label("Feed", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and import").click()
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    import_latest()
    page.get_by_role("button", name="See the products").click()  # the page finds out by itself
    page.get_by_role("link", name="Red mug").click()

    page.get_by_role("button", name="Ask for creatives").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    paint_all()
    expect(page.get_by_label("From creative to original")).to_be_visible()
    assert Creative.objects.get().status == "in_review"


def test_columns_are_named_once_after_a_look_at_the_file(page: Page, merchant: Merchant) -> None:
    page.goto(f"/catalog/upload/?merchant={merchant.slug}")
    text = "SKU;Name;URL;Bild\nA;Mug;https://shop.example/a;https://shop.example/a.png\nB;;https://shop.example/b;\n"
    file = {"name": "eigene.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.get_by_label("Feed", exact=True).set_input_files(file)
    page.get_by_role("button", name="Check first").click()

    expect(page.get_by_role("heading", name="Which column is which?")).to_be_visible()
    for column, meaning in (("SKU", "id"), ("Name", "title"), ("URL", "link"), ("Bild", "image_link")):
        page.get_by_label(column, exact=True).select_option(meaning)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    import_latest()
    expect(page.get_by_role("heading", name="Problems by line")).to_be_visible()
    expect(page.locator("#issues")).to_contain_text("title must not be blank")
    assert not Product.objects.exists()

    page.get_by_role("button", name="Import for real").click()
    import_latest()
    expect(page.get_by_role("button", name="See the products")).to_be_visible()
    assert list(Product.objects.values_list("external_id", "title")) == [("A", "Mug")]


@pytest.fixture
def creative(merchant: Merchant) -> Creative:
    made = studio.painted(merchant)
    Product.objects.update(category=factories.category("Home"))
    approve(made.pk)
    return made


def test_a_gallery_is_kept(page: Page, creative: Creative) -> None:
    product = Product.objects.get()
    page.goto(f"/products/{product.pk}/")
    slider = page.get_by_label("From creative to original")
    slider.fill("80")
    at = slider.evaluate("slider => getComputedStyle(slider.closest('.compare')).getPropertyValue('--at')")
    assert at == "80%"

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#toasts")).to_contain_text("not served")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download 1 approved as ZIP").click()
    assert len(zipfile.ZipFile(Path(download.value.path())).namelist()) == 2

    page.get_by_text("This prompt is not for …").click()
    page.get_by_role("button", name="this product").click()
    expect(page.get_by_role("heading", name="Prompts that are not used here")).to_be_visible()
    creative.refresh_from_db()
    assert creative.status == "retired"
    page.get_by_role("button", name="Use it again").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()

    page.get_by_role("button", name="Another picture").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    paint_all()
    expect(page.get_by_text("in review", exact=False).first).to_be_visible()
    assert sorted(Creative.objects.values_list("status", flat=True)) == ["in_review", "retired"]


def test_a_prompt_is_tried_saved_and_retired(admin_page: Page, merchant: Merchant, admin: User) -> None:
    studio.photo(merchant)
    Product.objects.update(category=factories.category("Home"), title="Red mug")
    version = add_prompt(factories.category("Home"), "Oak", "on an oak table", "", admin)
    admin_page.goto(f"/prompts/{version.prompt_id}/edit/")
    admin_page.get_by_label("Prompt", exact=True).fill("on a pine table")
    admin_page.get_by_text("Try it on products first").click()
    admin_page.get_by_role("button", name="Try it", exact=True).click()

    expect(admin_page.get_by_role("heading", name="Trying “Oak”")).to_be_visible()
    expect(admin_page.locator(".diff ins")).to_have_text(["a", "pine"])
    expect(admin_page.locator("#trial")).to_contain_text("waiting for a worker")
    try_all()
    expect(admin_page.get_by_role("img", name="Tried: Red mug")).to_be_visible()
    expect(admin_page.get_by_role("img", name="In use: Red mug")).to_be_visible()
    assert PromptVersion.objects.count() == 1, "nothing is saved yet"

    admin_page.get_by_role("button", name="Save as version 2").click()
    expect(admin_page.locator("#toasts")).to_contain_text("now version 2")
    admin_page.get_by_role("button", name="Retire").click()
    expect(admin_page.locator("#figures ~ *").first).to_contain_text("not chosen since")
    assert not PromptVersion.objects.filter(retired_at=None).exists()


def test_pools_come_from_a_file_after_a_look(admin_page: Page, admin: User) -> None:
    add_prompt(factories.category("Home"), "Oak", "on an oak table", "", admin)
    admin_page.goto("/prompts/")
    admin_page.get_by_role("button", name="Import and export").click()
    rows = "category,name,text\nHome,Oak,on a pine table\nHome > Mugs,Sand,on sand\n"
    broken = {"name": "pools.csv", "mimeType": "text/csv", "buffer": (rows + "Home,,\n").encode()}
    admin_page.get_by_label("File", exact=True).set_input_files(broken)
    admin_page.get_by_role("button", name="Look at what would change").click()
    expect(admin_page.get_by_role("heading", name="2 problems")).to_be_visible()

    admin_page.get_by_label("File", exact=True).set_input_files({**broken, "buffer": rows.encode()})
    admin_page.get_by_role("button", name="Look at what would change").click()
    expect(admin_page.get_by_role("heading", name="1 new, 1 with a new version")).to_be_visible()
    admin_page.get_by_role("button", name="Import 2 changes").click()
    expect(admin_page.locator("#toasts")).to_contain_text("1 new, 1 with a new version")
    in_use = PromptVersion.objects.filter(retired_at=None).order_by("text")
    assert list(in_use.values_list("text", "version")) == [("on a pine table", 2), ("on sand", 1)]


def test_a_person_gets_a_role_and_the_change_is_taken_back(admin_page: Page, merchant: Merchant) -> None:
    admin_page.goto("/people/")
    admin_page.get_by_role("button", name="Add a person").click()
    admin_page.get_by_label("E-mail address").fill("pat@shop.example")
    admin_page.get_by_label("Name").fill("Pat")
    admin_page.get_by_role("button", name="Add", exact=True).click()
    admin_page.get_by_label("Role").select_option("reviewer")
    admin_page.get_by_label("Merchant").select_option(str(merchant.pk))
    admin_page.get_by_role("button", name="Add role").click()
    expect(admin_page.get_by_role("button", name="Remove Reviewer of Shop")).to_be_visible()

    admin_page.goto("/changes/?area=people")
    expect(admin_page.locator("#changes")).to_contain_text("Gave a role")
    admin_page.get_by_role("button", name="Take back").first.click()
    expect(admin_page.locator("#changes")).to_contain_text("taken back by")
    assert not User.objects.get(email="pat@shop.example").memberships.exists()
