"""Two people edit one prompt at once: one wins, the other is told, and one version is in use."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from creatives.models import PromptVersion
from creatives.services.prompts import StaleEditError, add_prompt, new_version
from tests import factories

EDITORS = 6


@pytest.mark.django_db(transaction=True)
def test_of_edits_at_once_exactly_one_lands() -> None:
    admin = factories.admin()
    prompt_id = add_prompt(factories.category(), "Oak", "on an oak table", "", admin).prompt_id
    together = threading.Barrier(EDITORS)

    def edit(number: int) -> str:
        try:
            together.wait(timeout=20)
            new_version(prompt_id, 1, f"text {number}", "", admin)
        except StaleEditError:
            return "stale"
        finally:
            connection.close()
        return "saved"

    with ThreadPoolExecutor(EDITORS) as pool:
        outcomes = list(pool.map(edit, range(EDITORS)))

    assert sorted(outcomes) == sorted(["saved", *["stale"] * (EDITORS - 1)])
    assert list(PromptVersion.objects.values_list("version", flat=True).order_by("version")) == [1, 2]
    assert PromptVersion.objects.filter(retired_at=None).count() == 1
