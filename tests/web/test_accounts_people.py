"""Administrators add people, give roles, and decide for merchants."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from creatives.models import Membership, Merchant, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> User:
    person = factories.admin()
    client.force_login(person)
    return person


def test_an_added_person_cannot_sign_in_before_the_welcome_link(client: Client, admin: User) -> None:
    response = client.post("/people/add/", {"email": "New@Test.Example", "name": "New"})

    added = User.objects.get(email="new@test.example")
    assert response["Location"] == f"/people/{added.pk}/"
    assert not added.has_usable_password()
    assert not added.is_staff


def test_an_address_is_taken_once_whatever_its_case(client: Client, admin: User) -> None:
    factories.user("ada@test.example")

    response = client.post("/people/add/", {"email": "ADA@test.example"})

    assert "Somebody has this e-mail address already." in response.content.decode()
    assert User.objects.count() == 2


def test_roles_are_given_and_taken(client: Client, admin: User) -> None:
    person, shop = factories.user(), factories.merchant("shop")
    for _ in range(2):
        client.post(f"/people/{person.pk}/roles/", {"merchant": shop.pk, "role": "editor"})
    membership = Membership.objects.get()
    assert (membership.user, membership.merchant, membership.role) == (person, shop, "editor")

    client.post(f"/people/{person.pk}/roles/{membership.pk}/remove/")

    assert not Membership.objects.exists()


def test_a_role_is_removed_through_its_own_person_only(client: Client, admin: User) -> None:
    shop = factories.merchant()
    owner, other = factories.member(shop, "owner"), factories.user()

    response = client.post(f"/people/{other.pk}/roles/{Membership.objects.get().pk}/remove/")

    assert response.status_code == 404
    assert owner.memberships.count() == 1


def test_nobody_takes_their_own_right_away(client: Client, admin: User) -> None:
    client.post(f"/people/{admin.pk}/", {"name": "Me"})

    admin.refresh_from_db()
    assert (admin.name, admin.is_staff, admin.is_active) == ("Me", True, True)


def test_a_former_administrator_loses_the_superuser_right_as_well(client: Client, admin: User) -> None:
    other = factories.admin()

    client.post(f"/people/{other.pk}/", {"name": "Other", "is_active": "on"})

    other.refresh_from_db()
    assert (other.is_staff, other.is_superuser) == (False, False)


MERCHANT = {"name": "Shop", "slug": "shop", "is_active": "on", "fallback": "original", "alpha": "0.5"}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("exploration", "1.5", "less than or equal to 1.0"),
        ("exploration", "-0.1", "greater than or equal to 0.0"),
        ("slug", "my shop", "valid “slug”"),
    ],
)
def test_a_merchant_out_of_range_is_refused(
    client: Client, admin: User, field: str, value: str, message: str
) -> None:
    data = MERCHANT | {"exploration": "0.1", "attribution_minutes": "60"} | {field: value}

    response = client.post("/merchants/add/", data)

    assert message in response.content.decode()
    assert not Merchant.objects.exists()


def test_auto_approval_is_switched(client: Client, admin: User) -> None:
    shop = factories.merchant("shop")
    data = MERCHANT | {"exploration": "0.2", "attribution_minutes": "30", "auto_approve": "on"}

    client.post("/merchants/shop/settings/", data)

    shop.refresh_from_db()
    assert (shop.auto_approve, shop.exploration, shop.attribution_minutes) == (True, 0.2, 30)


def test_people_are_found_by_merchant(client: Client, admin: User) -> None:
    member = factories.member(factories.merchant("shop", name="Harbour"), "owner")
    other = factories.user()

    page = client.get("/people/", {"q": "harb"}).content.decode()

    assert member.email in page
    assert other.email not in page


def test_the_people_page_shows_the_first_merchants_and_where_the_rest_are(
    client: Client, admin: User
) -> None:
    for number in range(21):
        factories.merchant(f"shop-{number:02}")
    page = client.get("/people/").content.decode()
    assert ("shop-19 ·" in page, "shop-20 ·" in page, "21 merchants" in page) == (True, False, True)
    assert 'href="/merchants/">See all merchants' in page
    assert "1 merchant<" in client.get("/people/", {"q": "shop-20"}).content.decode()


def test_the_merchants_are_searched_narrowed_sorted_and_exported(client: Client, admin: User) -> None:
    harbour = factories.merchant("harbour", exploration=0.1)
    mill = factories.merchant("mill", name="=Mill", exploration=0.3, auto_approve=True)
    factories.merchant("old", exploration=0.2, is_active=False)
    person = factories.member(harbour, "owner")
    Membership.objects.create(user=person, merchant=harbour, role="editor")
    factories.member(harbour, "reviewer")
    factories.member(mill, "owner")

    def table(**query: str) -> list[dict[str, str]]:
        response = client.get("/merchants/", query | {"export": "csv"})
        assert response["Content-Type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(b"".join(response).decode())))

    def slugs(**query: str) -> list[str]:
        return [row["merchant"] for row in table(**query)]

    assert slugs(sort="exploration") == ["mill", "old", "harbour"]
    assert slugs(sort="people") == ["harbour", "mill", "old"]
    assert slugs(sort="latest") == ["old", "mill", "harbour"]
    assert slugs(state="inactive") == ["old"]
    assert slugs(review="auto") == slugs(q="mil") == ["mill"]
    first = table(q="mill")[0]
    first.pop("added")
    assert first == {
        "merchant": "mill", "name": "'=Mill", "active": "yes", "review": "automatic", "fallback": "original",
        "exploration": "0.3", "attribution_minutes": "60", "people": "1",
    }  # fmt: skip
    assert table(q="harbour")[0]["people"] == "2", "one with two roles counts once"
    page = client.get("/merchants/", {"q": "harb"}).content.decode()
    assert ("/merchants/harbour/settings/" in page, "/merchants/mill/settings/" in page) == (True, False)
    assert "Nothing matches" in client.get("/merchants/", {"q": "teapot"}).content.decode()
