"""Placements: the drawing, the bucket they are painted in, and which of them share a generation."""

from __future__ import annotations

import pytest
from django.test import Client

from creatives.models import Placement, User
from creatives.services.placements import preview
from tests import factories

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Home",
    "slug": "home",
    "width": 300,
    "height": 250,
    "scale": 72,
    "anchor": "s",
    "margin": 8,
    "is_active": "on",
}


@pytest.fixture
def admin(client: Client) -> User:
    person = factories.admin()
    client.force_login(person)
    return person


def test_placements_of_one_bucket_and_layout_share_a_generation(client: Client, admin: User) -> None:
    factories.placement("a", 300, 250)
    factories.placement("b", 336, 280)
    factories.placement("other-layout", 300, 250, anchor="c")
    factories.placement("off", 300, 250, is_active=False)
    factories.placement("story", 1080, 1920)

    response = client.get("/placements/")

    shared = {
        row["placement"].slug: [other.slug for other in row["others"]] for row in response.context["rows"]
    }
    assert shared == {"a": ["b"], "b": ["a"], "other-layout": [], "off": [], "story": []}
    assert (response.context["active"], response.context["saved"]) == (4, 1)


@pytest.mark.parametrize(("width", "height"), [(300, 250), (728, 90), (1080, 1920), (64, 64)])
@pytest.mark.parametrize("anchor", Placement.Anchor.values)
def test_the_drawn_product_stands_inside_what_every_crop_keeps(width: int, height: int, anchor: str) -> None:
    drawn = preview(Placement(width=width, height=height, anchor=anchor, scale=100, margin=0))

    assert drawn is not None
    box, region = drawn.product, drawn.region
    assert region.x >= -1e-9
    assert region.x + region.width <= width + 1e-9
    assert box.x >= region.x - 1e-9
    assert box.y >= region.y - 1e-9
    assert box.x + box.width <= region.x + region.width + 1e-9
    assert box.y + box.height <= region.y + region.height + 1e-9
    assert box.width / box.height == pytest.approx(3 / 4)


def test_a_placement_is_added(client: Client, admin: User) -> None:
    assert client.post("/placements/add/", FORM).status_code == 302

    made = Placement.objects.get()
    assert (made.slug, made.width, made.height, made.scale, made.anchor, made.margin) == (
        "home",
        300,
        250,
        72,
        "s",
        8,
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("width", 31, "greater than or equal to 32"),
        ("height", 2049, "less than or equal to 2048"),
        ("scale", 101, "less than or equal to 100"),
        ("margin", 41, "less than or equal to 40"),
        ("width", 2048, "aspect ratio"),
    ],
)
def test_limits_are_named_at_the_field(
    client: Client, admin: User, field: str, value: int, message: str
) -> None:
    data = FORM | {field: value} | ({"height": 32} if message == "aspect ratio" else {})

    response = client.post("/placements/add/", data)

    assert response.status_code == 422
    assert message in response.context["form"].errors[field][0]
    assert not Placement.objects.exists()


def test_the_preview_draws_what_is_not_saved_yet(client: Client, admin: User) -> None:
    page = client.get("/placements/preview/", {k: v for k, v in FORM.items() if k not in ("name", "slug")})

    text = page.content.decode()
    assert '<rect class="drawing-frame" x="0" y="0" width="300" height="250"/>' in text
    assert "Painted at 320x256" in text
    assert not Placement.objects.exists()


def test_the_preview_names_what_is_wrong(client: Client, admin: User) -> None:
    text = client.get("/placements/preview/", FORM | {"width": 5}).content.decode()

    assert "greater than or equal to 32" in text
    assert "drawing-frame" not in text


def test_a_placement_is_taken_out_of_use_and_back(client: Client, admin: User) -> None:
    row = factories.placement("home")

    for wanted in ("0", "0", "1"):
        client.post("/placements/home/switch/", {"in_use": wanted})
        row.refresh_from_db()
        assert row.is_active == (wanted == "1")


def test_editors_read_and_do_not_edit(client: Client) -> None:
    factories.placement("home")
    client.force_login(factories.member(factories.merchant(), "editor"))

    page = client.get("/placements/").content.decode()

    assert "home" in page
    assert "Take out of use" not in page
