"""The desk in a real browser: the keys, what they never do, several reviewers at once, and a connection that fails."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from creatives.models import Creative, Merchant, User
from review.models import Claim, Decision, SecondOpinion
from tests import factories
from tests.review_rows import STEPS, creative

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SHOWN = "[data-card]:not([hidden])"
expect.set_options(timeout=15_000)
SignIn = Callable[..., Page]


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def sign_in(browser: Browser, live_server: Any, merchant: Merchant) -> Iterator[SignIn]:
    """A page for a new reviewer, or ``person``; any script error or policy violation fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(person: User | None = None, **options: Any) -> Page:
        client = Client()
        client.force_login(person or factories.member(merchant, "reviewer"))
        options = {"viewport": {"width": 1280, "height": 900}} | options
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in problems if "ERR_FAILED" not in text] == []  # connections that a test cuts


@pytest.fixture
def page(sign_in: SignIn) -> Page:
    return sign_in()


def queue(merchant: Merchant, count: int) -> list[Creative]:
    """Creatives that share their pictures, so that drawing them takes no time."""
    first = creative(merchant, drawn=True)
    files = {step: getattr(first, step).name for step in STEPS}
    photo = merchant.products.get().images.get().file.name
    made = [creative(merchant, **files) for _ in range(count - 1)]
    for product in merchant.products.all():
        product.images.update(file=photo)
    return [first, *made]


def on_desk(page: Page, picture: Creative) -> None:
    """The picture is on screen, and may be decided."""
    expect(page.locator(f"{SHOWN} [data-name]")).to_have_text(f"Creative {picture.pk}")
    page.wait_for_selector(f"{SHOWN}[data-ready]")


def caught_up(page: Page) -> None:
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()


def trail() -> list[tuple[int, str, str]]:
    return list(Decision.objects.order_by("pk").values_list("creative", "action", "reason"))


def test_a_reviewer_works_by_keys(page: Page, merchant: Merchant) -> None:
    first, second, third = queue(merchant, 3)
    page.goto("/review/")
    on_desk(page, first)
    page.keyboard.press("a")
    on_desk(page, second)
    page.keyboard.press("r")
    expect(page.locator(f"{SHOWN} [data-panel=reject]")).to_have_attribute("open", "")
    page.keyboard.press("3")
    on_desk(page, third)
    page.keyboard.press("u")
    on_desk(page, second)
    page.keyboard.press("s")
    on_desk(page, third)
    page.keyboard.press("a")
    on_desk(page, second)
    page.keyboard.press("a")
    caught_up(page)
    assert trail() == [
        (first.pk, "approve", ""),
        (second.pk, "reject", "size_mismatch"),
        (second.pk, "undo", ""),
        (third.pk, "approve", ""),
        (second.pk, "approve", ""),
    ]


def test_keys_are_silent_with_modifiers_in_fields_and_without_the_panel(
    page: Page, merchant: Merchant
) -> None:
    (picture,) = queue(merchant, 1)
    page.goto("/review/")
    on_desk(page, picture)
    for keys in ("Control+a", "Alt+a", "Shift+A", "Meta+a", "3", "ArrowRight", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(keys)
    page.keyboard.press("r")
    note, panel = page.locator("textarea[name=note]"), page.locator("[data-panel=reject]")
    note.focus()
    page.keyboard.type("asrufg8")
    expect(note).to_have_value("asrufg8")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(panel).not_to_have_attribute("open", "")
    page.keyboard.press("3")
    on_desk(page, picture)
    assert trail() == []


def test_other_asks_for_a_note_first(page: Page, merchant: Merchant) -> None:
    (picture,) = queue(merchant, 1)
    page.goto("/review/")
    on_desk(page, picture)
    page.keyboard.press("r")
    page.keyboard.press("8")
    expect(page.locator("textarea[name=note]")).to_be_focused()
    page.keyboard.type("a second vase")
    page.locator("[name=reason][value=other]").click()
    caught_up(page)
    assert trail() == [(picture.pk, "reject", "other")]
    assert Decision.objects.get().note == "a second vase"


def test_a_flag_goes_to_another_reviewer_who_does_not_see_it(sign_in: SignIn, merchant: Merchant) -> None:
    (picture,) = queue(merchant, 1)
    first, second = sign_in(), sign_in()
    first.goto("/review/")
    on_desk(first, picture)
    first.keyboard.press("f")
    first.keyboard.press("a")
    expect(first.locator(".toast")).to_contain_text("Another reviewer will look")
    second.goto("/review/")
    on_desk(second, picture)
    assert "approve" not in second.locator(".desk-aside").inner_text().lower()
    second.keyboard.press("r")
    second.keyboard.press("2")
    expect(second.locator(".toast")).to_contain_text("an owner or administrator decides")
    case = SecondOpinion.objects.get()
    assert (case.status, case.lean) == ("disputed", "approve")
    assert trail() == [(picture.pk, "flag", ""), (picture.pk, "reject", "space_mismatch")]
    assert Creative.objects.get().status == "in_review"


def test_looking_closer_decides_nothing(page: Page, merchant: Merchant) -> None:
    (picture,) = queue(merchant, 1)
    page.goto("/review/")
    on_desk(page, picture)
    shown, original = page.locator("[data-creative]"), page.locator("[data-original]")
    own = shown.get_attribute("src")
    page.keyboard.press("o")
    expect(shown).to_have_js_property("src", original.evaluate("image => image.src"))
    page.keyboard.press("o")
    assert str(shown.evaluate("image => image.src")).endswith(str(own))
    for key, layer in (("e", "edges"), ("q", "finding"), ("m", "mask")):
        page.keyboard.press(key)
        overlay = page.locator(f"{SHOWN} figure:last-child [data-layer={layer}]")
        expect(overlay).to_be_visible()
        page.wait_for_function("image => image.naturalWidth === 640", arg=overlay.element_handle())
    page.keyboard.press("z")
    name, layers = page.locator("[data-zoom-name]"), page.locator("[data-zoom-stage] .layers")
    expect(name).to_have_text("Creative")
    expect(layers.locator("[data-layer=edges]")).to_be_visible()
    for key in ("+", "+", "ArrowRight", "a", "r", "3"):  # behind the enlarged picture nothing is decided
        page.keyboard.press(key)
    assert "scale(1.5625)" in str(layers.get_attribute("style"))
    assert "translate(-60px" in str(layers.get_attribute("style"))
    page.keyboard.press("o")
    expect(name).to_have_text("Original")
    page.keyboard.press("0")
    assert "scale(1)" in str(layers.get_attribute("style"))
    page.keyboard.press("z")
    expect(page.locator("[data-zoom]")).to_be_hidden()
    assert trail() == []


def test_the_grid_by_keys(page: Page, merchant: Merchant) -> None:
    pictures = queue(merchant, 3)
    page.goto("/review/")
    on_desk(page, pictures[0])
    page.keyboard.press("g")
    page.wait_for_url("**/review/?view=grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator("[data-count]")).to_have_text("1")
    page.keyboard.press("r")
    page.keyboard.press("6")
    expect(page.locator(".grid-tile")).to_have_count(2)
    page.keyboard.press("x")
    expect(page.locator("[data-count]")).to_have_text("2")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Approve 2 pictures?")).to_be_visible()
    page.keyboard.press("a")  # the question is not answered by accident
    page.keyboard.press("Escape")
    assert len(trail()) == 1
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    caught_up(page)
    page.keyboard.press("u")
    expect(page.locator(".grid-tile")).to_have_count(2)
    actions = Counter((action, reason) for _, action, reason in trail())
    assert actions == {("reject", "brand"): 1, ("approve", ""): 2, ("undo", ""): 2}
    assert trail()[0][0] == pictures[1].pk


def test_space_begins_with_the_first_picture_and_scrolls_nothing(page: Page, merchant: Merchant) -> None:
    pictures = queue(merchant, 6)
    page.set_viewport_size({"width": 700, "height": 420})
    page.goto("/review/?view=grid")
    page.keyboard.press("Space")
    expect(page.locator("[data-count]")).to_have_text("1")
    expect(page.locator(f"input[name=creative][value='{pictures[0].pk}']")).to_be_checked()
    assert page.evaluate("scrollY + (document.querySelector('main')?.scrollTop ?? 0)") == 0
    page.keyboard.press("Space")
    expect(page.locator("[data-count]")).to_have_text("selected")
    assert trail() == []


def test_a_hammered_key_decides_each_picture_once_and_none_unseen(page: Page, merchant: Merchant) -> None:
    pictures = queue(merchant, 8)
    page.goto("/review/")
    on_desk(page, pictures[0])
    page.keyboard.press("a")
    page.keyboard.press("a")  # meant for the first one still
    on_desk(page, pictures[1])
    deadline = time.monotonic() + 60
    while not page.get_by_role("heading", name="All caught up").is_visible():
        assert time.monotonic() < deadline
        page.keyboard.press("a")
    assert trail() == [(picture.pk, "approve", "") for picture in pictures]


def test_a_connection_that_fails_for_a_while_loses_and_doubles_nothing(
    page: Page, merchant: Merchant
) -> None:
    pictures = queue(merchant, 3)
    attempts: list[str] = []

    def flaky(route: Route) -> None:
        attempts.append(route.request.url)
        if len(attempts) == 1:
            route.abort()
        elif len(attempts) == 2:
            route.fetch()  # it arrives, but its answer does not
            route.abort()
        else:
            route.continue_()

    page.route("**/decide/**", flaky)
    page.goto("/review/")
    for picture in pictures:
        on_desk(page, picture)
        page.keyboard.press("a")
    caught_up(page)
    assert len(attempts) == 5
    assert trail() == [(picture.pk, "approve", "") for picture in pictures]


def test_the_desk_works_without_scripts(sign_in: SignIn, merchant: Merchant) -> None:
    first, second = queue(merchant, 2)
    page = sign_in(java_script_enabled=False)
    page.goto("/review/")
    page.locator(f"{SHOWN} [data-key=a]").click()
    page.locator(f"{SHOWN} [data-panel=reject] summary").click()
    page.locator(f"{SHOWN} [name=reason][value=indistinct]").click()
    caught_up(page)
    page.locator("[data-key=u]").click()
    expect(page.locator(f"{SHOWN} [data-name]")).to_have_text(f"Creative {second.pk}")
    assert trail() == [
        (first.pk, "approve", ""),
        (second.pk, "reject", "indistinct"),
        (second.pk, "undo", ""),
    ]


def test_three_reviewers_at_once_lose_and_double_nothing(sign_in: SignIn, merchant: Merchant) -> None:
    pictures = queue(merchant, 45)
    pages = [sign_in() for _ in range(3)]
    for page in pages:
        page.goto("/review/")
        page.wait_for_selector(f"{SHOWN}[data-ready]")
    started, turn = time.monotonic(), 0
    busy = list(pages)
    while busy:
        for page in list(busy):
            turn += 1
            assert turn < 5_000
            if page.locator(f"{SHOWN}[data-ready]").count():
                for key in ("r", "2") if turn % 3 == 0 else ("a",):
                    page.keyboard.press(key)
            elif page.locator("[data-part=empty]").is_visible():
                busy.remove(page)
    seconds = time.monotonic() - started

    decided = Counter(Decision.objects.values_list("creative", flat=True))
    assert decided == {picture.pk: 1 for picture in pictures}
    by = Counter(Decision.objects.values_list("reviewer", flat=True))
    assert len(by) == 3
    assert not Creative.objects.filter(status="in_review").exists()
    assert not Claim.objects.exists()
    durations = sorted(duration for page in pages for duration in _next_picture(page))
    print(
        f"\n{len(pictures)} decisions by {len(pages)} reviewers in {seconds:.1f} s: "
        f"{60 * len(pictures) / seconds / len(pages):.0f} a minute each; next picture on screen after "
        f"{statistics.median(durations):.0f} ms (median), {durations[int(0.95 * len(durations))]:.0f} ms (95 %)"
    )


def _next_picture(page: Page) -> list[float]:
    """Milliseconds from the answer to the frame with the next picture, as the page itself measured them."""
    return list(
        page.evaluate("performance.getEntriesByName('review:next-picture').map(entry => entry.duration)")
    )
