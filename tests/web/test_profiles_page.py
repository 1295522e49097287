"""The pages of checkpoint profiles and their comparisons."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from creatives.models import ComparisonEntry, OutboxEntry, ProfileComparison
from tests import factories, studio

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.admin())
    return client


def text(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def asked(client: Client, **data: object) -> ProfileComparison | str:
    merchant = factories.merchant()
    studio.photo(merchant)
    form = {
        "merchant": merchant.pk,
        "prompt": "on oak",
        "size": "300x250",
        "seed": 4,
        "profiles": ["studio-tiny", "sdxl"],
    }
    response = client.post(reverse("profiles"), form | data)
    if response.status_code == 302:
        return ProfileComparison.objects.get()
    assert response.status_code == 422
    return str(response.content.decode())


def test_every_profile_shows_licences_places_and_what_is_known(admin: Client) -> None:
    page = text(admin, reverse("profiles"))
    for words in (
        "studio-tiny",
        "BSD-3-Clause",
        "CreativeML OpenRAIL++-M",
        "stabilityai/stable-diffusion-xl-base-1.0@462165984030",
        "h94/IP-Adapter@018e402774ae",
        "not yet: it is measured by comparisons",
        "To fetch",
        "In use",
    ):
        assert words in page


def test_a_comparison_is_asked_for_and_watched(admin: Client) -> None:
    made = asked(admin)
    assert isinstance(made, ProfileComparison)
    assert (made.prompt, made.seed, made.width, made.height, made.created_by is not None) == (
        "on oak",
        4,
        300,
        250,
        True,
    )
    assert OutboxEntry.objects.filter(job="compare").count() == 2
    url = reverse("comparison", args=[made.pk])
    page = text(admin, url)
    assert page.count("Waiting for a worker") == 2
    assert 'http-equiv="refresh"' in page
    first, second = made.entries.all()
    ComparisonEntry.objects.filter(pk=first.pk).update(status="running", step=3)
    ComparisonEntry.objects.filter(pk=second.pk).update(status="failed", error="no <weights>")
    part = text(admin, url, **{"HX-Target": "comparison"})
    assert "<html" not in part
    assert f"3 of {first.steps}" in part
    assert "no &lt;weights&gt;" in part
    assert "hx-get" in part


def test_finished_pictures_stand_side_by_side_and_are_the_measurement(admin: Client) -> None:
    made = asked(admin)
    assert isinstance(made, ProfileComparison)
    facts = {
        "device": "cpu", "weights_bytes": 50_000_000, "peak_bytes": None, "bucket": "320x256", "load_ms": 400,
        "paint_ms": 1900, "verdict": "doubtful", "reasons": ["pale"],
    }  # fmt: skip
    made.entries.update(
        status="done",
        facts=facts,
        final="creatives/a.png",
        generated="creatives/b.png",
        finished_at="2026-01-01T00:00Z",
    )
    page = text(admin, reverse("comparison", args=[made.pk]))
    assert page.count('loading="lazy"') == 2
    assert "1.9 s on cpu, at 320x256" in page
    assert "pale" in page
    assert "hx-get" not in page
    assert "1.9 s for 320x256 on cpu, loaded in 0.4 s; weights 47.7" in text(admin, reverse("profiles"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"size": "big"}, "is not of the form WIDTHxHEIGHT"),
        ({"size": "2000x40"}, "aspect ratio of 50"),
        ({"product": "SKU-none"}, "has no product"),
        ({"profiles": []}, "This field is required"),
        ({"profiles": ["sd3"]}, "Select a valid choice"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_a_bad_form_is_refused_and_writes_nothing(
    admin: Client, data: dict[str, object], message: str
) -> None:
    page = asked(admin, **data)
    assert isinstance(page, str)
    assert message in page
    assert not ProfileComparison.objects.exists()


def test_the_page_asks_the_database_a_constant_number_of_times(
    admin: Client, django_assert_max_num_queries: object
) -> None:
    made = asked(admin)
    assert isinstance(made, ProfileComparison)
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        text(admin, reverse("profiles"))
