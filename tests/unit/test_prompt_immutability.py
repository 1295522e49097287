"""The text of a prompt version cannot be changed, by nobody."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from creatives.models import PromptVersion
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("change", [{"text": "other"}, {"negative_text": "other"}, {"version": 9}])
def test_text_negative_text_and_number_refuse_an_update(change: dict[str, object]) -> None:
    version = factories.prompt_version(factories.category(), text="oak table")
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        PromptVersion.objects.filter(pk=version.pk).update(**change)
    version.refresh_from_db()
    assert (version.text, version.negative_text, version.version) == ("oak table", "", 1)


def test_retiring_is_no_change_of_text() -> None:
    version = factories.prompt_version(factories.category())
    assert PromptVersion.objects.filter(pk=version.pk).update(retired_at=timezone.now()) == 1


def test_a_prompt_has_one_version_in_use() -> None:
    version = factories.prompt_version(factories.category())
    with pytest.raises(DatabaseError, match="one_version_in_use_per_prompt"), transaction.atomic():
        PromptVersion.objects.create(prompt=version.prompt, version=2, text="new")
    assert version.prompt.versions.count() == 1
