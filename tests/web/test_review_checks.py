"""The pages of owners and administrators: second opinions, rules, gold items; saved views and the gate's finding."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from creatives.models import Creative, Merchant, User
from review.models import Decision, GoldCheck, GoldItem, PromptTrust, ReviewRules, SavedView, SecondOpinion
from review.services.decisions import decide
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def owner(merchant: Merchant, client: Client) -> User:
    person = factories.member(merchant, "owner")
    client.force_login(person)
    return person


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def table(client: Client, address: str, **query: Any) -> list[dict[str, str]]:
    """The rows of a list's CSV."""
    response = client.get(address, query | {"export": "csv"})
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(b"".join(response).decode())))


def disputed(merchant: Merchant) -> SecondOpinion:
    picture = creative(merchant)
    for verdict in (Verdict("flag", lean="approve", note="fine by me"), Verdict("reject", "brand")):
        decide(factories.member(merchant, "reviewer"), picture.pk, verdict, uuid.uuid4())
    return SecondOpinion.objects.get(creative=picture)


def test_an_owner_sees_both_opinions_and_settles(client: Client, owner: User, merchant: Merchant) -> None:
    case = disputed(merchant)
    page = client.get("/review/second/").content.decode()
    for text in ("Disputed", "fine by me", "reject, off brand", str(case.first.reviewer)):
        assert text in page, text
    url = reverse("review-second-resolve", args=[case.pk])
    data = {"token": str(uuid.uuid4()), "reason": "indistinct", "next": "/review/second/?tab=closed"}
    response = client.post(url, data, follow=True)
    assert said(response) == [f"Creative {case.creative_id} is settled."]
    assert [row.status for row, *_ in response.context["cases"]] == ["resolved"]
    assert Creative.objects.get().status == "rejected"
    assert "Nothing in dispute" in client.get("/review/second/").content.decode()


def test_second_opinions_are_searched_narrowed_sorted_and_exported(
    client: Client, owner: User, merchant: Merchant
) -> None:
    cases = [disputed(merchant) for _ in range(13)]
    mug = factories.product(merchant, title="Blue mug", external_id="=MUG")
    factories.image(mug, position=0, sha256=cases[0].creative.request.image_sha256)
    disputed(factories.merchant("other"))
    drawn = cases[1]
    SecondOpinion.objects.filter(pk=drawn.pk).update(kind="sample")
    here = "/review/second/"
    found = table(client, here, q="blue")
    reviewer = str(cases[0].first.reviewer)
    assert [
        (row["creative"], row["first_by"], row["first_answer"], row["second_answer"], row["second_reason"])
        for row in found
    ] == [(str(cases[0].creative_id), reviewer, "approve", "reject", "brand")]
    assert "=MUG" in found[0]["products"]
    assert found[0]["resolution_by"] == found[0]["settled"] == ""
    assert [row["creative"] for row in table(client, here, kind="sample")] == [str(drawn.creative_id)]
    expected = [str(case.creative_id) for case in cases]
    assert [row["creative"] for row in table(client, here, sort="oldest")] == expected
    assert [row["creative"] for row in table(client, here)] == expected[::-1]
    assert table(client, here, tab="closed") == []
    shown = client.get(here, {"sort": "oldest", "page": 2})
    assert [case.pk for case, *_ in shown.context["cases"]] == [cases[12].pk]
    assert "Nothing matches" in client.get(here, {"q": "nobody"}).content.decode()
    assert table(client, here, merchant="acme", q=reviewer)[0]["merchant"] == "acme"


def test_an_owner_cannot_narrow_to_a_merchant_of_others(client: Client, owner: User) -> None:
    disputed(factories.merchant("other"))
    assert table(client, "/review/second/", merchant="other") == []
    assert 'value="other"' not in client.get("/review/second/", {"q": "x"}).content.decode()


def test_gold_items_are_searched_narrowed_sorted_and_exported(client: Client, merchant: Merchant) -> None:
    admin = factories.admin()
    client.force_login(admin)
    mug = factories.product(merchant, title="Blue mug", external_id="M-1")
    facts = {"expected": "approve", "set_by": admin}
    easy = GoldItem.objects.create(merchant=merchant, creative=creative(merchant, product=mug), **facts)
    other = factories.merchant("other")
    hard = GoldItem.objects.create(
        merchant=other, creative=creative(other), expected="reject", reason="brand", note="logo", set_by=admin
    )
    for item, action, count in ((easy, "approve", 1), (hard, "approve", 2)):
        for _ in range(count):
            person = factories.member(item.merchant, "reviewer")
            line = Decision.objects.create(
                merchant=item.merchant, creative=item.creative, reviewer=person, action=action, purpose="gold"
            )
            GoldCheck.objects.create(gold=item, reviewer=person, answer=line)
    unseen = GoldItem.objects.create(merchant=merchant, creative=creative(merchant), **facts)
    here = "/review/gold/"

    def ids(**query: str) -> list[int]:
        return [int(row["creative"]) for row in table(client, here, **query)]

    assert ids() == [unseen.creative_id, hard.creative_id, easy.creative_id]
    assert ids(sort="hardest") == [hard.creative_id, easy.creative_id, unseen.creative_id]
    assert ids(sort="answers") == [hard.creative_id, easy.creative_id, unseen.creative_id]
    assert ids(q="blue mug") == ids(q="m-1") == [easy.creative_id]
    assert ids(merchant="other") == ids(answer="reject") == ids(reason="brand") == [hard.creative_id]
    assert [
        (row["products"], row["right_answer"], row["answers"], row["right"], row["set_by"])
        for row in table(client, here, q="mug")
    ] == [("M-1", "approve", "1", "1", admin.email)]
    assert table(client, here, tab="retired") == []
    shown = client.get(here, {"reason": "brand"}).content.decode()
    assert "0 of 2 answers right" in shown
    assert "Blue mug" not in shown
    assert 'name="tab" value="retired"' in client.get(here, {"tab": "retired", "q": "x"}).content.decode()


def test_settling_without_a_reason_or_a_token_changes_nothing(
    client: Client, owner: User, merchant: Merchant
) -> None:
    case = disputed(merchant)
    url = reverse("review-second-resolve", args=[case.pk])
    assert client.post(url, {"action": "approve"}).status_code == 400
    response = client.post(url, {"token": str(uuid.uuid4()), "action": "reject"}, follow=True)
    assert said(response)[0].startswith("Choose a reason")
    assert Creative.objects.get().status == "in_review"


def test_rules_are_saved_as_a_version_and_an_old_one_fills_the_form(
    client: Client, owner: User, merchant: Merchant
) -> None:
    form = client.get("/review/rules/").context["form"]
    values = {name: form[name].value() for name in form.fields} | {"note": "quicker", "seen": ""}
    response = client.post("/review/rules/", values | {"sla_hours": "8", "trust": "on"}, follow=True)
    assert said(response) == [f"The review rules of {merchant} are saved."]
    assert "Decide within (hours): 24 → 8" in response.content.decode()
    first = ReviewRules.objects.get()
    assert (first.sla_hours, first.trust, first.by, first.note) == (8, True, owner, "quicker")
    stale = client.post("/review/rules/", values | {"sla_hours": "9"})
    assert stale.status_code == 422
    assert "meanwhile" in stale.content.decode()
    wrong = client.post("/review/rules/", values | {"sla_hours": "9999", "seen": first.pk})
    assert (wrong.status_code, ReviewRules.objects.count()) == (422, 1)
    ReviewRules.objects.create(merchant=merchant, sla_hours=5, by=owner)
    assert client.get("/review/rules/", {"version": first.pk}).context["form"]["sla_hours"].value() == 8


def test_trust_is_shown_and_stopped(client: Client, owner: User, merchant: Merchant) -> None:
    decide(factories.admin(), creative(merchant).pk, Verdict("approve"), uuid.uuid4())
    row = PromptTrust.objects.get()
    assert "1 of 50" in client.get("/review/rules/").content.decode()
    response = client.post(reverse("review-trust-turn", args=[row.pk, "stop"]), follow=True)
    assert "stopped" in said(response)[0]
    again = client.post(reverse("review-trust-turn", args=[row.pk, "stop"]), follow=True)
    assert "already" in said(again)[0]
    assert client.post(reverse("review-trust-turn", args=[row.pk, "explode"])).status_code == 404
    assert PromptTrust.objects.get().state == "stopped"


def test_an_administrator_makes_and_retires_a_gold_item(client: Client, merchant: Merchant) -> None:
    picture = creative(merchant)
    decide(factories.member(merchant, "reviewer"), picture.pk, Verdict("approve"), uuid.uuid4())
    client.force_login(factories.admin())
    assert "Use as gold item" in client.get("/review/history/").content.decode()
    url = reverse("review-gold-set", args=[picture.pk])
    client.post(url, {"action": "approve", "reason": "", "note": "crisp"})
    assert (GoldItem.objects.get().expected, GoldItem.objects.get().note) == ("approve", "crisp")
    assert "Not answered yet" in client.get("/review/gold/").content.decode()
    item = GoldItem.objects.get()
    response = client.post(reverse("review-gold-retire", args=[item.pk]), follow=True)
    assert said(response) == [f"Creative {picture.pk} is no longer shown as a gold item."]
    assert [row for row, *_ in client.get("/review/gold/", {"tab": "retired"}).context["tiles"]] == [item]


def test_a_view_is_saved_from_the_filters_and_forgotten(client: Client, merchant: Merchant) -> None:
    person = factories.member(merchant, "reviewer")
    client.force_login(person)
    response = client.post("/review/views/?waited=24&junk=1", {"name": "Late"}, follow=True)
    assert response.redirect_chain == [("/review/?waited=24", 302)]
    view = SavedView.objects.get()
    assert (view.user, view.name, view.query) == (person, "Late", "waited=24")
    page = client.get("/review/?waited=24").content.decode()
    assert '<a href="/review/?waited=24" aria-current="page">Late</a>' in page
    assert said(client.post("/review/views/", {"name": "All"}, follow=True)) == [
        "Choose filters first: a view without any is the whole queue."
    ]
    client.post(reverse("review-view-forget", args=[view.pk]))
    assert SavedView.objects.count() == 0


def test_the_queue_is_filtered_by_product_and_by_age(client: Client, merchant: Merchant) -> None:
    client.force_login(factories.member(merchant, "reviewer"))
    mug = creative(merchant, product=factories.product(merchant, title="A blue Mug"))
    creative(merchant)
    found = client.get("/review/", {"q": "mug"}).context
    assert [item.creative for item, *_ in found["cards"]] == [mug]
    assert client.get("/review/", {"waited": "1"}).context["cards"] == []


def test_the_finding_is_a_transparent_picture(client: Client, merchant: Merchant) -> None:
    client.force_login(factories.member(merchant, "reviewer"))
    picture = creative(merchant, drawn=True)
    response = client.get(reverse("review-finding", args=[picture.pk]))
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert "private" in response["Cache-Control"]
    pixels = np.asarray(Image.open(io.BytesIO(response.content)))
    assert pixels.shape == (512, 640, 4)
    assert 0 < (pixels[..., 3] > 0).mean() < 0.5


def test_a_creative_without_its_steps_has_no_finding(client: Client, merchant: Merchant) -> None:
    client.force_login(factories.member(merchant, "reviewer"))
    assert client.get(reverse("review-finding", args=[creative(merchant).pk])).status_code == 404
