"""Django's admin opens every list, and shows no secret."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from creatives.models import ApiKey, Recommender
from tests.web.access import build_world

pytestmark = pytest.mark.django_db


def test_every_list_opens(client: Client) -> None:
    client.force_login(build_world().people["admin"])  # type: ignore[arg-type]

    statuses = {
        model._meta.label: client.get(
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        ).status_code
        for model in admin.site._registry
    }

    assert set(statuses.values()) == {200}, statuses


def test_no_secret_is_shown(client: Client) -> None:
    world = build_world()
    client.force_login(world.people["admin"])  # type: ignore[arg-type]
    Recommender.objects.update(webhook_secret="whsec_secret", webhook_secret_previous="whsec_former")

    pages = [
        client.get(reverse("admin:creatives_recommender_change", args=[world.recommender.pk])),
        client.get(reverse("admin:creatives_apikey_change", args=[world.key.pk])),
    ]

    text = "".join(page.content.decode() for page in pages)
    assert "whsec_" not in text
    assert ApiKey.objects.get(pk=world.key.pk).digest not in text
