"""Importing prompt pools in the browser: what comes back with the form is checked like the file was."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from creatives.models import AuditEntry, Category, Prompt
from tests import factories

pytestmark = pytest.mark.django_db


def test_content_that_was_changed_on_its_way_is_refused_by_entry_and_column(client: Client) -> None:
    client.force_login(factories.admin())
    good = {"category": "Home", "name": "Oak", "text": "on an oak table"}
    content = json.dumps([good, good | {"name": "x" * 81}])

    response = client.post("/prompts/import/apply/", {"content": content, "digest": ""}, follow=True)

    (message,) = [str(told) for told in response.context["messages"]]
    assert message.startswith("Nothing was imported: entry 2, name: ")
    assert (Category.objects.count(), Prompt.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)
