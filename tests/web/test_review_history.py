"""The audit trail as a page: who, what, when; and what may still be done about it."""

from __future__ import annotations

import csv
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from creatives.models import Creative, User
from review.models import Decision
from review.services.decisions import decide
from review.services.undo import undo
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db
URL = "/review/history/"


@pytest.fixture
def picture() -> Creative:
    return creative(factories.merchant("acme"))


@pytest.fixture
def reviewer(picture: Creative) -> User:
    return factories.member(picture.merchant, "reviewer")


def lines(client: Client, **query: Any) -> list[Decision]:
    return [line["decision"] for line in client.get(URL, query).context["lines"]]


def test_it_shows_ones_own_merchants_only(client: Client, picture: Creative, reviewer: User) -> None:
    foreign = creative(factories.merchant())
    decide(factories.admin(), foreign.pk, Verdict("approve"), uuid.uuid4())
    mine = decide(reviewer, picture.pk, Verdict("approve"), uuid.uuid4()).decision
    for role in ("owner", "editor", "reviewer"):
        client.force_login(factories.member(picture.merchant, role))
        assert lines(client) == [mine]
        assert lines(client, merchant=foreign.merchant.slug) == []
    client.force_login(factories.admin())
    assert len(lines(client)) == 2


def test_filters(client: Client, picture: Creative, reviewer: User) -> None:
    second, other = creative(picture.merchant), factories.member(picture.merchant, "reviewer")
    rejected = decide(reviewer, picture.pk, Verdict("reject", "brand"), uuid.uuid4()).decision
    approved = decide(other, second.pk, Verdict("approve"), uuid.uuid4()).decision
    client.force_login(reviewer)
    assert lines(client) == [approved, rejected]
    assert lines(client, action="reject") == [rejected]
    assert lines(client, reason="brand") == [rejected]
    assert lines(client, reviewer=other.pk) == [approved]
    today = rejected.at.date()  # type: ignore[union-attr]
    assert lines(client, since=today, until=today) == [approved, rejected]
    assert lines(client, until="2020-01-01") == []
    assert "No decision matches" in client.get(URL, {"until": "2020-01-01"}).content.decode()


def test_undo_and_retire_are_offered_where_they_work(
    client: Client, picture: Creative, reviewer: User
) -> None:
    decide(reviewer, picture.pk, Verdict("approve"), uuid.uuid4())
    offers = {}
    people = {"self": reviewer, "colleague": factories.member(picture.merchant, "reviewer")}
    for name, person in (people | {"owner": factories.member(picture.merchant, "owner")}).items():
        client.force_login(person)
        (line,) = client.get(URL).context["lines"]
        offers[name] = (line["can_undo"], line["can_reverse"])
    assert offers == {"self": (True, True), "colleague": (False, True), "owner": (False, False)}


def test_a_colleague_retires_an_approved_picture(client: Client, picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, Verdict("approve"), uuid.uuid4())
    client.force_login(factories.member(picture.merchant, "reviewer"))
    data = {"token": str(uuid.uuid4()), "action": "retire", "reason": "safety", "next": URL}
    response = client.post(reverse("review-decide", args=[picture.pk]), data, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert [line["decision"].action for line in response.context["lines"]] == ["retire", "approve"]
    assert Creative.objects.get().status == "retired"


def test_what_was_undone_says_so(client: Client, picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, Verdict("reject", "brand"), uuid.uuid4())
    undo(reviewer, uuid.uuid4())
    client.force_login(reviewer)
    page = client.get(URL).content.decode()
    assert "taken back later" in page
    assert "took back “reject”" in page


def test_csv_has_every_line_and_no_formulae(client: Client, picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, Verdict("reject", "other", "=1+1"), uuid.uuid4())
    client.force_login(reviewer)
    response = client.get(URL, {"format": "csv"})
    (row,) = csv.DictReader(response.content.decode().splitlines())
    assert response.headers["Content-Type"].startswith("text/csv")
    assert (row["action"], row["reason"], row["note"]) == ("reject", "other", "'=1+1")
    assert (row["reviewer"], row["merchant"], row["creative"]) == (str(reviewer), "acme", str(picture.pk))


def test_an_empty_history_says_what_will_be_here(client: Client, reviewer: User) -> None:
    client.force_login(reviewer)
    assert "No decisions yet" in client.get(URL).content.decode()
