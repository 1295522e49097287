"""Whether products of a prompt stand on something: part of the version, which never changes, and of the pictures."""

from __future__ import annotations

import pytest
from django.db import InternalError, transaction
from django.db.utils import DatabaseError

from creatives.models import PromptVersion
from creatives.services.prompts import PromptError, add_prompt, new_version
from tests import factories, studio

pytestmark = pytest.mark.django_db


def test_a_change_of_the_ground_is_a_new_version() -> None:
    admin = factories.admin()
    first = add_prompt(factories.category(), "Wall", "against a white wall", "", admin)
    assert first.ground == "auto"
    second = new_version(first.prompt_id, 1, "against a white wall", "", admin, "none")
    assert (second.version, second.ground) == (2, "none")
    third = new_version(first.prompt_id, 2, "against a blue wall", "", admin)
    assert third.ground == "none"  # kept where nothing is said of it
    with pytest.raises(PromptError, match="Nothing was changed"):
        new_version(first.prompt_id, 3, "against a blue wall", "", admin, "none")


def test_the_database_refuses_to_change_it() -> None:
    version = studio.version()
    with pytest.raises((InternalError, DatabaseError), match="is immutable"), transaction.atomic():
        PromptVersion.objects.filter(pk=version.pk).update(ground="none")
    version.refresh_from_db()
    assert version.ground == "auto"


@pytest.mark.parametrize(
    ("text", "ground", "written"),
    [
        ("on a table", "auto", "contact"),
        ("flat lay on linen", "auto", "none"),
        ("on a table", "none", "none"),
    ],
)
def test_the_creative_says_how_it_was_lit(text: str, ground: str, written: str) -> None:
    from creatives.services.painting import paint_bucket

    merchant = factories.merchant()
    version = studio.version(text)
    if ground != "auto":
        version = new_version(version.prompt_id, version.version, text, "", factories.admin(), ground)
    row = studio.requested(merchant, studio.want(studio.photo(merchant), version))[-1]
    assert paint_bucket(studio.FlatPainter(), studio.key(row.bucket)) == 1
    assert row.creatives.get().record["ground"] == written
