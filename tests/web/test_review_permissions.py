"""Who may open which page of the desk, and act there."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from creatives.models import Creative, User
from review.models import Decision
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db
PAGES = {
    "review": {"reviewer", "admin"},
    "review-approved": {"reviewer", "admin"},
    "review-stats": {"reviewer", "admin"},
    "review-history": {"reviewer", "admin", "owner", "editor"},
}
ROLES = ("owner", "editor", "reviewer", "admin")


def person(picture: Creative, role: str) -> User:
    return factories.admin() if role == "admin" else factories.member(picture.merchant, role)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", PAGES)
def test_pages_by_role(client: Client, page: str, role: str) -> None:
    client.force_login(person(creative(factories.merchant()), role))
    assert client.get(reverse(page)).status_code == (200 if role in PAGES[page] else 403)


@pytest.mark.parametrize("page", PAGES)
def test_strangers_sign_in_first_and_people_without_a_merchant_see_nothing(client: Client, page: str) -> None:
    assert client.get(reverse(page)).headers["Location"].startswith(reverse("login"))
    client.force_login(factories.user())
    assert client.get(reverse(page)).status_code == 403


@pytest.mark.parametrize("role", ["owner", "editor", None])
@pytest.mark.parametrize(
    "name", ["review-decide", "review-skip", "review-bulk", "review-undo", "review-heartbeat"]
)
def test_only_reviewers_act(client: Client, name: str, role: str | None) -> None:
    picture = creative(factories.merchant())
    if role:
        client.force_login(person(picture, role))
    args = [picture.pk] if name in ("review-decide", "review-skip") else []
    data = {"token": str(uuid.uuid4()), "action": "approve", "creative": picture.pk}
    assert client.post(reverse(name, args=args), data).status_code == (403 if role else 302)
    assert Creative.objects.get().status == "in_review"
    assert Decision.objects.count() == 0


@pytest.mark.parametrize(
    "name", ["review-decide", "review-skip", "review-bulk", "review-undo", "review-heartbeat"]
)
def test_looking_changes_nothing(client: Client, name: str) -> None:
    picture = creative(factories.merchant())
    client.force_login(person(picture, "reviewer"))
    args = [picture.pk] if name in ("review-decide", "review-skip") else []
    assert client.get(reverse(name, args=args)).status_code == 405


def test_forms_need_their_csrf_token() -> None:
    picture = creative(factories.merchant())
    client = Client(enforce_csrf_checks=True)
    client.force_login(person(picture, "reviewer"))
    data = {"token": str(uuid.uuid4()), "action": "approve"}
    assert client.post(reverse("review-decide", args=[picture.pk]), data).status_code == 403
    assert Decision.objects.count() == 0
