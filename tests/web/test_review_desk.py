"""The desk with plain forms: no script runs here."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from creatives.models import Creative, Merchant, User
from review.models import Claim, Decision
from review.services.decisions import decide
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db
URL = "/review/"


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def reviewer(merchant: Merchant) -> User:
    return factories.member(merchant, "reviewer")


@pytest.fixture
def signed_in(client: Client, reviewer: User) -> Client:
    client.force_login(reviewer)
    return client


def post(client: Client, name: str, creative_id: int | None = None, **data: Any) -> Any:
    args = [creative_id] if creative_id else []
    return client.post(reverse(name, args=args), {"token": str(uuid.uuid4()), **data}, follow=True)


def shown(response: Any) -> Creative | None:
    """The creative on screen."""
    cards = response.context["cards"]
    return cards[0][0].creative if cards else None


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def status(picture: Creative) -> str:
    return Creative.objects.get(pk=picture.pk).status


def test_original_and_creative_stand_side_by_side(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(
        merchant,
        record={"verdict": "doubtful", "reasons": ["the mask is uncertain"], "quality": {"mask": 0.4}},
    )
    response = signed_in.get(URL)
    item = response.context["cards"][0][0]
    page = response.content.decode()
    for text in (
        item.original_url,
        item.final_url,
        *(step.url for step in item.steps),
        item.product.title,
        picture.request.prompt_version.text,
        "Quality gate: doubtful",
        "The mask is uncertain",
        "0.40",
        "1</strong> waiting",
    ):
        assert text in page, text
    assert [step.name for step in item.steps] == ["mask", "placed", "edges", "generated"]
    assert response.headers["Vary"].lower().count("hx-request") == 1
    assert "no-store" in response.headers["Cache-Control"]


def test_the_next_picture_is_loaded_ahead(signed_in: Client, merchant: Merchant) -> None:
    creative(merchant)
    second = creative(merchant)
    third, _ = creative(merchant), creative(merchant)
    response = signed_in.get(URL)
    page = response.content.decode()
    assert [item.creative for item, *_ in response.context["cards"]][1:] == [second, third]
    assert page.count(' hidden>\n<div class="desk-main">') == 2
    assert Claim.objects.count() == 3
    assert Claim.objects.filter(shown_at__isnull=False).count() == 1


def test_pictures_that_the_page_holds_are_not_sent_again(signed_in: Client, merchant: Merchant) -> None:
    pictures = [creative(merchant) for _ in range(5)]
    signed_in.get(URL)
    url = reverse("review-decide", args=[pictures[0].pk])
    data = {"token": str(uuid.uuid4()), "action": "approve", "have": f"{pictures[1].pk},{pictures[2].pk},x"}
    response = signed_in.post(url, data, headers={"HX-Request": "true"})
    assert response.context["held"] == [picture.pk for picture in pictures[1:4]]
    assert [item.creative for item, *_ in response.context["cards"]] == [pictures[3]]


def test_other_creatives_of_the_product_are_shown_beside_it(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(merchant)
    product = picture.merchant.products.get()
    approved = creative(merchant, product=product, status="approved")
    rejected = creative(merchant, product=product, status="rejected")
    creative(merchant, product=product, status="retired")
    creative(merchant, status="approved")
    other = creative(merchant, product=product, status="approved", image=factories.image(product, position=1))
    assert signed_in.get(URL).context["cards"][0][1] == [other, rejected, approved]


def test_approving_leads_to_the_next(signed_in: Client, merchant: Merchant) -> None:
    first, second = creative(merchant), creative(merchant)
    response = post(signed_in, "review-decide", first.pk, action="approve")
    assert response.redirect_chain == [(URL, 302)]
    assert (status(first), shown(response)) == ("approved", second)
    assert [step.decision.creative for step in response.context["last"]] == [first]


def test_a_reason_button_rejects(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(merchant)
    post(signed_in, "review-decide", picture.pk, reason="size_mismatch", note="too large")
    decision = Decision.objects.get()
    assert (decision.action, decision.reason, decision.note) == ("reject", "size_mismatch", "too large")
    assert status(picture) == "rejected"


def test_a_verdict_without_its_note_keeps_the_picture(signed_in: Client, merchant: Merchant) -> None:
    creative(merchant)
    picture = creative(merchant)
    response = post(signed_in, "review-decide", picture.pk, reason="other")
    assert said(response) == ["Say in the note what is wrong when the reason is “other”."]
    assert shown(response) == picture
    assert (status(picture), Decision.objects.count()) == ("in_review", 0)


def test_what_another_has_decided_is_said_so(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(merchant)
    other = factories.member(merchant, "reviewer")
    decide(other, picture.pk, Verdict("reject", "brand"), uuid.uuid4())
    response = post(signed_in, "review-decide", picture.pk, action="approve")
    assert said(response) == [f"Creative {picture.pk} has already been rejected by {other} (off brand)."]
    assert (status(picture), Decision.objects.count()) == ("rejected", 1)


def test_undo_brings_the_picture_back(signed_in: Client, merchant: Merchant) -> None:
    first, _ = creative(merchant), creative(merchant)
    post(signed_in, "review-decide", first.pk, action="approve")
    response = post(signed_in, "review-undo")
    assert response.redirect_chain == [(f"{URL}?creative={first.pk}", 302)]
    assert shown(response) == first
    assert status(first) == "in_review"


def test_undo_without_decisions_says_so(signed_in: Client) -> None:
    response = post(signed_in, "review-undo")
    assert said(response)[0].startswith("There is nothing to undo")


def test_skipping_shows_the_next_and_decides_nothing(signed_in: Client, merchant: Merchant) -> None:
    first, second = creative(merchant), creative(merchant)
    response = post(signed_in, "review-skip", first.pk)
    assert shown(response) == second
    assert (status(first), Decision.objects.count()) == ("in_review", 0)


def test_filters_stay_in_the_url_through_a_decision(signed_in: Client, merchant: Merchant) -> None:
    creative(merchant)
    doubtful = creative(merchant, record={"verdict": "doubtful"})
    response = signed_in.get(URL, {"verdict": "doubtful"})
    assert shown(response) == doubtful
    action = f"{reverse('review-decide', args=[doubtful.pk])}?verdict=doubtful"
    assert f'action="{action}"' in response.content.decode()
    response = signed_in.post(action, {"token": str(uuid.uuid4()), "action": "approve"}, follow=True)
    assert response.redirect_chain == [(f"{URL}?verdict=doubtful", 302)]
    assert "Nothing waits with these filters" in response.content.decode()


def test_an_empty_queue_is_a_good_thing(signed_in: Client) -> None:
    assert "All caught up" in signed_in.get(URL).content.decode()


def test_a_queue_that_others_hold_is_explained(signed_in: Client, merchant: Merchant, client: Client) -> None:
    creative(merchant)
    other = Client()
    other.force_login(factories.member(merchant, "reviewer"))
    other.get(URL)
    assert "Other reviewers have the rest" in signed_in.get(URL).content.decode()


def test_htmx_gets_the_partial_and_the_new_url(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(merchant)
    url = reverse("review-decide", args=[picture.pk])
    data = {"token": str(uuid.uuid4()), "action": "approve"}
    response = signed_in.post(url, data, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert response.status_code == 200
    assert page.startswith('<div id="desk"')
    assert "<html" not in page
    assert 'hx-swap-oob="true"' in page


def test_the_grid_decides_what_is_ticked(signed_in: Client, merchant: Merchant) -> None:
    pictures = [creative(merchant) for _ in range(3)]
    response = signed_in.get(URL, {"view": "grid"})
    assert [item.creative for item in response.context["items"]] == pictures
    url = f"{reverse('review-bulk')}?view=grid"
    ticked = [picture.pk for picture in pictures[:2]]
    data = {"token": str(uuid.uuid4()), "action": "approve", "creative": ticked}
    asked = signed_in.post(url, data)
    assert "2 pictures will be approved" in asked.content.decode()
    assert Decision.objects.count() == 0
    response = signed_in.post(url, data | {"confirmed": "2"}, follow=True)
    assert response.redirect_chain == [(f"{URL}?view=grid", 302)]
    assert said(response) == ["2 pictures approved. Undo takes all of them back."]
    assert [status(picture) for picture in pictures] == ["approved", "approved", "in_review"]
    assert set(Decision.objects.values_list("seconds", flat=True)) == {None}
    response = post(signed_in, "review-undo")
    assert said(response) == ["2 decisions taken back."]
    assert {status(picture) for picture in pictures} == {"in_review"}


def test_the_grid_says_when_nothing_is_ticked(signed_in: Client, merchant: Merchant) -> None:
    creative(merchant)
    assert said(post(signed_in, "review-bulk", action="approve")) == [
        "Nothing is selected: tick the pictures first."
    ]
    assert Decision.objects.count() == 0


def test_the_heartbeat_answers_what_was_lost(signed_in: Client, merchant: Merchant) -> None:
    mine = creative(merchant)
    signed_in.get(URL)
    lost = creative(merchant)
    response = signed_in.post(reverse("review-heartbeat"), {"creative": [mine.pk, lost.pk, "x"]})
    assert response.json() == {"kept": [mine.pk], "lost": [lost.pk]}


@pytest.mark.parametrize(
    ("name", "with_id", "data"),
    [
        ("review-decide", True, {"token": "no uuid", "action": "approve"}),
        ("review-decide", True, {"token": "", "action": "approve"}),
        ("review-bulk", False, {"token": "no uuid", "action": "approve"}),
        ("review-bulk", False, {"action": "approve", "creative": ["x"]}),
        ("review-undo", False, {"token": "no uuid"}),
        ("review-undo", False, {"decision": "no uuid"}),
    ],
)
def test_forms_that_no_page_sends_are_refused(
    signed_in: Client, merchant: Merchant, name: str, with_id: bool, data: dict[str, Any]
) -> None:
    picture = creative(merchant)
    assert post(signed_in, name, picture.pk if with_id else None, **data).status_code == 400
    assert (status(picture), Decision.objects.count()) == ("in_review", 0)


def test_a_redirect_never_leaves_the_site(signed_in: Client, merchant: Merchant) -> None:
    picture = creative(merchant)
    url = reverse("review-decide", args=[picture.pk])
    data = {"token": str(uuid.uuid4()), "action": "approve", "next": "https://evil.example/"}
    assert signed_in.post(url, data).headers["Location"] == URL


def test_what_is_not_ones_own_does_not_exist(signed_in: Client) -> None:
    foreign = creative(factories.merchant())
    assert signed_in.get(URL, {"creative": foreign.pk}).status_code == 404
    for name in ("review-decide", "review-skip"):
        assert post(signed_in, name, foreign.pk, action="approve").status_code == 404
    assert post(signed_in, "review-bulk", action="approve", creative=[foreign.pk]).status_code == 404
    assert (status(foreign), Decision.objects.count(), Claim.objects.count()) == ("in_review", 0, 0)


def test_the_number_of_queries_does_not_grow_with_the_queue(
    signed_in: Client, merchant: Merchant, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        creative(merchant)
    with django_assert_max_num_queries(36):
        signed_in.get(URL)
    with django_assert_max_num_queries(36):
        signed_in.get(URL, {"view": "grid"})


def test_what_the_steps_warn_of_is_beside_the_picture(signed_in: Client, merchant: Merchant) -> None:
    told = "the product's photo is enlarged 2.4 times at 300x250; the limit is 1.5"
    picture = creative(merchant, record={"verdict": "pass", "warnings": [told]})
    page = signed_in.get(URL).content.decode()
    assert "The product&#x27;s photo is enlarged 2.4 times" in page
    image = merchant.products.get().images.get()
    assert f'href="/masks/{image.pk}/?next=/review/"' in page
    assert picture.status == "in_review"
