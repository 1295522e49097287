"""Trying a prompt before it is saved: which products, what is painted, and that nothing is saved."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from creatives.models import ComparisonEntry, Merchant, OutboxEntry, Product, PromptTrial, PromptVersion, User
from creatives.selectors.trials import trial_view
from creatives.services.comparisons import paint_entry
from creatives.services.prompts import add_prompt
from creatives.services.trials import Draft, TrialError, sample_photos, try_prompt
from tests import factories, studio

pytestmark = pytest.mark.django_db


class Painter(studio.FlatPainter):
    def warm(self) -> None: ...

    def footprint(self) -> dict[str, Any]:
        return {"device": "test", "weights_bytes": 1, "peak_bytes": None}


@pytest.fixture
def admin() -> User:
    return factories.admin()


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


def shown(merchant: Merchant, path: str, colour: tuple[int, int, int] = (200, 40, 40)) -> Product:
    image = studio.photo(merchant, colour)
    Product.objects.filter(pk=image.product_id).update(category=factories.category(path))
    return Product.objects.get(pk=image.product_id)


def paint_all() -> None:
    @contextmanager
    def lend(profile: Any) -> Any:
        yield Painter()

    for entry in ComparisonEntry.objects.order_by("pk"):
        paint_entry(entry.pk, lend)


def test_a_new_text_is_painted_for_products_of_the_category(merchant: Merchant, admin: User) -> None:
    mug = shown(merchant, "Home > Mugs")
    shown(merchant, "Sports", (10, 10, 200))
    trial = try_prompt(Draft(factories.category("Home"), "on an oak table", name="Oak"), admin)
    view = trial_view(trial)
    assert [(sample.product, sample.in_use) for sample in view.samples] == [(mug, None)]
    assert OutboxEntry.objects.get().key == str(view.entries[0].pk)
    progress = view.progress(trial)
    assert (progress.is_open, progress.done, progress.seconds_left) == (True, 0, None)
    paint_all()
    view = trial_view(trial)
    tried = view.samples[0].tried
    assert tried is not None
    assert (tried.status, bool(tried.final), tried.error) == ("done", True, "")
    assert view.progress(trial).is_open is False
    assert not PromptVersion.objects.exists()


def test_an_edit_is_painted_beside_the_text_in_use_from_the_same_seed(
    merchant: Merchant, admin: User
) -> None:
    shown(merchant, "Home")
    version = add_prompt(factories.category(), "Oak", "on an oak table", "", admin)
    draft = Draft(version.prompt.category, "on a pine table", ground="none", prompt=version.prompt, base=1)
    trial = try_prompt(draft, admin)
    pictures = list(trial.pictures.order_by("pk"))
    assert [(row.prompt, row.is_in_use, row.seed) for row in pictures] == [
        ("on a pine table", False, trial.pk),
        ("on an oak table", True, trial.pk),
    ]
    assert pictures[0].layout == pictures[1].layout + "-gn"
    assert PromptVersion.objects.count() == 1


def test_a_placement_with_zones_is_tried_in_its_own_layout(merchant: Merchant, admin: User) -> None:
    shown(merchant, "Home")
    zones = {"safe_top": 10, "safe_right": 10, "safe_bottom": 10, "safe_left": 10}
    zones |= {"text_left": 60, "text_top": 10, "text_width": 30, "text_height": 30}
    placement = factories.placement("home", **zones)
    trial = try_prompt(Draft(factories.category(), "on oak", ground="contact"), admin, placement=placement)
    assert trial.pictures.get().layout == f"{placement.layout.key}-gc"


def test_products_may_be_named(merchant: Merchant, admin: User) -> None:
    one, two = shown(merchant, "Home"), shown(merchant, "Home", (1, 2, 3))
    home = factories.category()
    assert [photo.product for photo in sample_photos(home, [two.external_id, one.external_id])] == [two, one]
    assert [photo.product for photo in sample_photos(factories.category("Sports"))] == [two, one]
    with pytest.raises(TrialError, match="has the id NO, NEITHER"):
        try_prompt(Draft(home, "on an oak table"), admin, ["NO", one.external_id, "NEITHER"])
    with pytest.raises(TrialError, match="At most 6"):
        sample_photos(home, [str(number) for number in range(7)])
    assert not PromptTrial.objects.exists()


def test_without_photos_there_is_nothing_to_try_on(admin: User) -> None:
    with pytest.raises(TrialError, match="No product has a photo"):
        try_prompt(Draft(factories.category(), "on an oak table"), admin)
