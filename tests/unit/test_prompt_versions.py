"""Editing a prompt makes a new version; the old one retires and never changes."""

from __future__ import annotations

import pytest

from creatives.models import Prompt, PromptVersion
from creatives.services.prompts import PromptError, StaleEditError, add_prompt, new_version, retire
from tests import factories

pytestmark = pytest.mark.django_db


def test_add_makes_version_one_with_its_author() -> None:
    admin = factories.admin()

    made = add_prompt(factories.category(), "Oak", "on an oak table", "people", admin)

    assert (made.version, made.text, made.negative_text) == (1, "on an oak table", "people")
    assert (made.created_by, made.retired_at) == (admin, None)


def test_a_name_is_taken_once_per_pool() -> None:
    admin, home = factories.admin(), factories.category("Home")
    add_prompt(home, "Oak", "on an oak table", "", admin)
    add_prompt(factories.category("Garden"), "Oak", "on an oak table", "", admin)

    with pytest.raises(PromptError, match="named “Oak” already"):
        add_prompt(home, "Oak", "under an oak", "", admin)

    assert Prompt.objects.filter(category=home).count() == 1


def test_an_edit_retires_the_version_in_use_and_keeps_its_text() -> None:
    admin = factories.admin()
    first = add_prompt(factories.category(), "Oak", "on an oak table", "", admin)

    second = new_version(first.prompt_id, 1, "on a pine table", "people", admin)

    first.refresh_from_db()
    assert (second.version, second.text, second.negative_text) == (2, "on a pine table", "people")
    assert second.retired_at is None
    assert (first.text, first.retired_by) == ("on an oak table", admin)
    assert first.retired_at is not None


def test_an_edit_of_a_former_version_is_refused_and_changes_nothing() -> None:
    admin = factories.admin()
    first = add_prompt(factories.category(), "Oak", "on an oak table", "", admin)
    second = new_version(first.prompt_id, 1, "on a pine table", "", admin)

    with pytest.raises(StaleEditError, match="Version 2 was saved meanwhile") as refusal:
        new_version(first.prompt_id, 1, "on a beech table", "", admin)

    assert refusal.value.current == second
    assert list(PromptVersion.objects.filter(retired_at=None)) == [second]


def test_saving_the_same_text_makes_no_new_arm() -> None:
    admin = factories.admin()
    first = add_prompt(factories.category(), "Oak", "on an oak table", "people", admin)

    with pytest.raises(PromptError, match=r"Nothing was changed\."):
        new_version(first.prompt_id, 1, "on an oak table", "people", admin)

    assert PromptVersion.objects.count() == 1


def test_a_retired_prompt_comes_back_as_a_new_version_with_the_same_text() -> None:
    admin = factories.admin()
    first = add_prompt(factories.category(), "Oak", "on an oak table", "", admin)
    retire(first.prompt_id, 1, admin)

    second = new_version(first.prompt_id, 1, "on an oak table", "", admin)

    assert list(PromptVersion.objects.filter(retired_at=None)) == [second]
    assert second.pk != first.pk


def test_retiring_twice_is_refused_and_keeps_who_did_it() -> None:
    admin, other = factories.admin(), factories.admin()
    first = add_prompt(factories.category(), "Oak", "on an oak table", "", admin)
    retire(first.prompt_id, 1, admin)

    with pytest.raises(PromptError, match="retired already"):
        retire(first.prompt_id, 1, other)

    first.refresh_from_db()
    assert first.retired_by == admin
