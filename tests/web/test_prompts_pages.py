"""The pages of prompt pools: the tree, a pool, edits with their differences, and what a merchant sees of them."""

from __future__ import annotations

import pytest
from django.test import Client

from creatives.models import Category, Prompt, PromptVersion, User
from creatives.services.prompts import add_prompt, new_version, retire
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> User:
    person = factories.admin()
    client.force_login(person)
    return person


def test_the_tree_names_own_inherited_and_missing_pools(client: Client, admin: User) -> None:
    mugs = factories.category("Home > Mugs")
    factories.category("Sports")
    add_prompt(mugs.parent, "Oak", "on an oak table", "", admin)

    nodes = client.get("/prompts/").context["nodes"]

    assert [(n.category.path, n.depth, n.prompts, n.is_inherited, n.serving is None) for n in nodes] == [
        ("Home", 0, 1, False, False),
        ("Home > Mugs", 1, 0, True, False),
        ("Sports", 0, 0, False, True),
    ]


def test_a_child_follows_its_parent_even_when_a_longer_name_sorts_between(
    client: Client, admin: User
) -> None:
    for path in ("Home & Garden", "Home > Mugs"):
        factories.category(path)

    nodes = client.get("/prompts/").context["nodes"]

    assert [n.category.path for n in nodes] == ["Home", "Home > Mugs", "Home & Garden"]


def test_an_inheriting_category_shows_the_pool_that_serves_it(client: Client, admin: User) -> None:
    mugs = factories.category("Home > Mugs")
    add_prompt(mugs.parent, "Oak", "on an oak table", "", admin)

    page = client.get("/prompts/", {"category": mugs.pk}).content.decode()

    assert "on an oak table" in page
    assert "Used from Home" in page


def test_a_prompt_is_added(client: Client, admin: User) -> None:
    home = factories.category()
    data = {"name": "Oak", "text": " on an  oak\ntable ", "negative_text": "people"}

    response = client.post(f"/categories/{home.pk}/prompts/add/", data)

    version = PromptVersion.objects.get()
    assert response["Location"] == f"/prompts/?category={home.pk}"
    assert (version.prompt.name, version.text, version.negative_text, version.created_by) == (
        "Oak",
        "on an oak table",
        "people",
        admin,
    )


def test_a_taken_name_is_an_error_at_the_field(client: Client, admin: User) -> None:
    home = factories.category()
    add_prompt(home, "Oak", "on an oak table", "", admin)

    response = client.post(f"/categories/{home.pk}/prompts/add/", {"name": "Oak", "text": "under an oak"})

    assert response.status_code == 422
    assert "named “Oak” already" in response.context["form"].errors["name"][0]
    assert Prompt.objects.count() == 1


def test_a_text_of_more_than_600_characters_is_refused(client: Client, admin: User) -> None:
    home = factories.category()

    response = client.post(f"/categories/{home.pk}/prompts/add/", {"name": "Oak", "text": "x" * 601})

    assert response.status_code == 422
    assert "at most 600 characters (it has 601)" in response.context["form"].errors["text"][0]
    assert not Prompt.objects.exists()


def test_an_edit_makes_a_version_and_the_history_marks_the_difference(client: Client, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id

    client.post(f"/prompts/{prompt_id}/edit/", {"base": 1, "text": "on a pine table", "negative_text": ""})

    page = client.get(f"/prompts/{prompt_id}/").content.decode()
    assert "<del>an oak</del><ins>a pine</ins>" in page or (
        "<del>oak</del>" in page and "<ins>pine</ins>" in page
    )
    assert "Version 2" in page


def test_the_later_of_two_edits_is_told_and_can_be_saved_deliberately(client: Client, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    new_version(prompt_id, 1, "on a beech table", "", admin)
    mine = {"base": 1, "text": "on a pine table", "negative_text": ""}

    conflict = client.post(f"/prompts/{prompt_id}/edit/", mine)

    page = conflict.content.decode()
    assert conflict.status_code == 409
    assert "Your edit was not saved." in page
    assert "Version 2 was saved meanwhile" in page
    assert "<del>beech</del><ins>pine</ins>" in page
    assert conflict.context["form"]["base"].value() == 2
    assert PromptVersion.objects.count() == 2
    assert client.post(f"/prompts/{prompt_id}/edit/", mine | {"base": 2}).status_code == 302
    assert PromptVersion.objects.get(retired_at=None).version == 3


def test_a_former_text_is_offered_again(client: Client, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    new_version(prompt_id, 1, "on a pine table", "", admin)

    form = client.get(f"/prompts/{prompt_id}/edit/", {"from": "1"}).context["form"]

    assert (form["text"].value(), form["base"].value()) == ("on an oak table", 2)


def test_retiring_is_refused_after_an_edit_by_somebody_else(client: Client, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    new_version(prompt_id, 1, "on a pine table", "", admin)

    page = client.post(f"/prompts/{prompt_id}/retire/", {"base": 1}, follow=True).content.decode()

    assert "Not retired: Version 2 was saved meanwhile" in page
    assert PromptVersion.objects.filter(retired_at=None).count() == 1


def test_a_retired_prompt_can_be_brought_back(client: Client, admin: User) -> None:
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    retire(prompt_id, 1, admin)

    assert "Bring back" in client.get(f"/prompts/{prompt_id}/").content.decode()


def test_a_merchant_reads_the_pools_of_its_products_and_no_others(client: Client) -> None:
    admin, shop = factories.admin(), factories.merchant()
    mugs = factories.category("Home > Mugs")
    factories.product(shop, category=mugs)
    shown = add_prompt(mugs.parent, "Oak", "on an oak table", "", admin)
    hidden = add_prompt(factories.category("Sports"), "Track", "on a track", "", admin)
    client.force_login(factories.member(shop, "editor"))

    page = client.get("/prompts/")

    assert [node.category.path for node in page.context["nodes"]] == ["Home", "Home > Mugs"]
    assert "Add a prompt" not in page.content.decode()
    assert client.get(f"/prompts/{shown.prompt_id}/").status_code == 200
    assert client.get(f"/prompts/{hidden.prompt_id}/").status_code == 404
    assert client.get("/prompts/", {"category": hidden.prompt.category_id}).status_code == 404


def test_a_category_is_added_with_its_ancestors(client: Client, admin: User) -> None:
    client.post("/categories/add/", {"path": "Home  &  Garden>Kitchen > Mugs"})

    assert list(Category.objects.values_list("path", flat=True)) == [
        "Home & Garden",
        "Home & Garden > Kitchen",
        "Home & Garden > Kitchen > Mugs",
    ]


def test_an_empty_level_is_refused(client: Client, admin: User) -> None:
    response = client.post("/categories/add/", {"path": "Home > > Mugs"})

    assert response.status_code == 422
    assert not Category.objects.exists()


def test_a_text_is_shown_as_text(client: Client, admin: User) -> None:
    version = add_prompt(factories.category(), "<b>Oak</b>", "on <script>alert(1)</script> oak", "", admin)
    new_version(version.prompt_id, 1, "on <img src=x> oak", "", admin)

    for url in ("/prompts/", f"/prompts/{version.prompt_id}/"):
        page = client.get(url).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x>" not in page
        assert "<b>Oak" not in page
