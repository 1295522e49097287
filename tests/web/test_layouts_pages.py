"""A merchant's own layouts: safe zone and room for a text, drawn before they are saved, and refused where nothing fits."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from creatives.models import Merchant, MerchantPlacement, Placement
from creatives.selectors.placements import layouts
from creatives.services.placements import placement_problem, preview
from tests import factories

pytestmark = pytest.mark.django_db
FORM: dict[str, Any] = {"scale": 80, "margin": 5, "anchor": "s"}
TEXT = {"text_left": 0, "text_top": 0, "text_width": 45, "text_height": 100}


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("acme")


@pytest.fixture
def editor(client: Client, merchant: Merchant) -> Client:
    client.force_login(factories.member(merchant, "editor"))
    return client


@pytest.fixture
def banner() -> Placement:
    return factories.placement("banner", 1200, 628)


def body(response: Any) -> str:
    return str(response.content.decode())


def test_a_merchant_keeps_room_for_a_text(editor: Client, merchant: Merchant, banner: Placement) -> None:
    answer = editor.post("/catalog/layouts/banner/", FORM | TEXT | {"safe_bottom": 10, "ground": "none"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/catalog/layouts/?merchant=acme")
    key = "s80-s-m5-z0.0.10.0-t0.0.45.100-gn"
    other = factories.merchant()
    assert layouts([(merchant.pk, "banner"), (other.pk, "banner")]) == {
        (merchant.pk, "banner"): key,
        (other.pk, "banner"): "s72-s-m8",
    }
    page = body(editor.get("/catalog/layouts/banner/"))
    assert 'name="text_width" value="45"' in page
    assert "drawing-text" in page


def test_empty_shares_are_none(editor: Client, merchant: Merchant, banner: Placement) -> None:
    assert (
        editor.post("/catalog/layouts/banner/", FORM | {"safe_top": "", "text_width": ""}).status_code == 302
    )
    assert MerchantPlacement.objects.get().layout.key == "s80-s-m5"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"text_width": 100, "text_height": 95}, "Text area leaves 0 % beside it; the product needs 10 %."),
        ({"text_left": 80, "text_width": 30, "text_height": 10}, "ends at 110 % from the left"),
        ({"text_width": 30}, "it must have some size"),
        ({"safe_top": 46}, "less than or equal to 45"),
        ({"margin": 40, "safe_left": 15}, "leave 5 % of the width"),
    ],
)
def test_what_leaves_no_room_is_refused_and_not_drawn(
    editor: Client, banner: Placement, values: dict[str, int], told: str
) -> None:
    answer = editor.post("/catalog/layouts/banner/", FORM | values)
    assert answer.status_code == 422
    assert told in body(answer)
    assert not MerchantPlacement.objects.exists()
    drawn = body(editor.get("/catalog/layouts/banner/preview/", FORM | values))
    assert told in drawn
    assert "drawing-frame" not in drawn


def test_the_preview_draws_what_is_not_saved_yet(editor: Client, banner: Placement) -> None:
    drawn = body(editor.get("/catalog/layouts/banner/preview/", FORM | TEXT | {"safe_top": 14}))
    assert '<rect class="drawing-text" x="0.0" y="0.0" width="540.0" height="628.0"/>' in drawn
    assert '<rect class="drawing-safe" x="0.0" y="87.9" width="1200.0" height="540.1"/>' in drawn
    assert "for a text" in drawn
    assert not MerchantPlacement.objects.exists()


def test_every_drawn_product_keeps_out_of_the_text(banner: Placement) -> None:
    for name, value in TEXT.items():
        setattr(banner, name, value)
    drawn = preview(banner)
    assert drawn is not None
    assert drawn.text is not None
    assert not any(box.meets(drawn.text) for box in (drawn.product, *drawn.others))


def test_a_text_that_leaves_room_in_some_crops_only_is_refused(editor: Client) -> None:
    """A tenth of a leaderboard is free on paper; the painting is shared with sizes that show less of it."""
    placement = factories.placement("leaderboard", 728, 90)
    values = FORM | {"margin": 0, "text_width": 90, "text_height": 100}
    answer = editor.post("/catalog/layouts/leaderboard/", values)
    assert answer.status_code == 422
    assert "The text area leaves the product no room in this size" in body(answer)
    assert "no room in this size" in body(editor.get("/catalog/layouts/leaderboard/preview/", values))
    assert not MerchantPlacement.objects.exists()
    assert placement_problem(placement) is None
