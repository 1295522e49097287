"""Signing in with e-mail address and password, and what repeated failures lead to."""

from __future__ import annotations

import pytest
from django.test import Client

from creatives.services import accounts
from creatives.services.login_throttle import ATTEMPTS
from tests import factories

pytestmark = pytest.mark.django_db


def _sign_in(client: Client, email: str, password: str, address: str = "192.0.2.1") -> int:
    data = {"username": email, "password": password}
    return client.post("/login/", data, REMOTE_ADDR=address).status_code


def test_sign_in_with_address_in_any_case(client: Client) -> None:
    person = factories.user("ada@test.example")

    assert _sign_in(client, "Ada@Test.Example", "demo") == 302
    assert client.session["_auth_user_id"] == str(person.pk)


def test_wrong_password_and_unknown_address_say_the_same(client: Client) -> None:
    factories.user("ada@test.example")
    texts = {
        client.post("/login/", {"username": email, "password": "wrong"}).context["form"].non_field_errors()[0]
        for email in ("ada@test.example", "nobody@test.example")
    }

    assert texts == {"This e-mail address and password do not match an account."}


def test_someone_who_may_not_sign_in_is_refused(client: Client) -> None:
    factories.user("ada@test.example", is_active=False)

    assert _sign_in(client, "ada@test.example", "demo") == 200
    assert "_auth_user_id" not in client.session


def test_after_many_failures_even_the_right_password_has_to_wait(client: Client) -> None:
    factories.user("ada@test.example")
    for _ in range(ATTEMPTS):
        assert _sign_in(client, "ada@test.example", "wrong") == 200

    assert _sign_in(client, "ada@test.example", "demo") == 200
    assert "_auth_user_id" not in client.session


def test_failures_of_one_network_address_do_not_lock_out_another(client: Client) -> None:
    factories.user("ada@test.example")
    for _ in range(ATTEMPTS + 1):
        _sign_in(client, "ada@test.example", "wrong")

    assert _sign_in(client, "ada@test.example", "demo", address="192.0.2.2") == 302


def test_a_success_clears_the_count(client: Client) -> None:
    factories.user("ada@test.example")
    for _ in range(2):
        for _ in range(ATTEMPTS - 1):
            _sign_in(client, "ada@test.example", "wrong")
        assert _sign_in(client, "ada@test.example", "demo") == 302
        client.logout()


def test_sign_out_needs_a_post(client: Client) -> None:
    client.force_login(factories.user())

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_the_welcome_link_sets_a_password_once(client: Client) -> None:
    person = accounts.add_person("new@test.example", "New", is_staff=False)
    uid, token = accounts.welcome_key(person)
    link = f"/welcome/{uid}/{token}/"
    form_url = client.get(link)["Location"]

    done = client.post(form_url, {"new_password1": "a long secret", "new_password2": "a long secret"})

    person.refresh_from_db()
    assert (done.status_code, done["Location"]) == (302, "/")
    assert person.check_password("a long secret")
    assert "no longer works" in Client().get(link).content.decode()
