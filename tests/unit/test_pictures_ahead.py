"""Starting an experiment asks for its products on white, before the first shopper comes and without painting anything."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from bandit.experiment_designs import READY_MADE
from bandit.experiment_pictures import ask_for_pictures, pictures_of
from bandit.experiments import ArmSpec, ExperimentError, create_experiment, start_experiment, stop_experiment
from bandit.models import Design, Experiment, ExperimentAction
from creatives.models import (
    CreativeRequest,
    Merchant,
    MerchantPlacement,
    OutboxEntry,
    PositionedRendition,
    ProductImage,
)
from creatives.selectors.coverage import Approved, OnWhite
from creatives.services import sweeper
from creatives.services.ahead import AskError
from creatives.services.creatives import approve
from creatives.services.generation import Want, request_positioned
from creatives.services.on_white import ask_on_white
from creatives.services.renditions import position_missing
from tests import factories, studio

pytestmark = pytest.mark.django_db
ON_WHITE_AND_NOT = (ArmSpec("white", "positioned", 50), ArmSpec("photo", "original", 50))


def planned(merchant: Merchant, name: str = "Phase I", share: int = 100) -> Experiment:
    from bandit.experiments import PlanSpec

    made = READY_MADE[Design.PHASE_1]
    return create_experiment(merchant, name, made.arms, PlanSpec(traffic=share), made.design)


def with_photo(merchant: Merchant, sha256: str = "", **fields: Any) -> ProductImage:
    return factories.image(factories.product(merchant, **fields), sha256)


def rows(merchant: Merchant) -> set[tuple[str, str, int, int]]:
    found = PositionedRendition.objects.filter(merchant=merchant)
    return set(found.values_list("image_sha256", "layout", "width", "height"))


def test_every_active_product_is_asked_for_in_every_active_placement() -> None:
    merchant, other = factories.merchant(), factories.merchant()
    first, second = with_photo(merchant), with_photo(merchant)
    with_photo(merchant, second.sha256)  # the same photo again
    with_photo(merchant, status="retired")
    factories.product(merchant)  # no photo yet
    factories.image(factories.product(merchant), status="pending")
    with_photo(other)
    factories.placement(width=300, height=250)
    own = factories.placement(width=600, height=500)
    MerchantPlacement.objects.create(merchant=merchant, placement=own, scale=50)
    factories.placement(width=728, height=90, is_active=False)
    factories.placement(width=2000, height=40)  # beyond every bucket
    start_experiment(planned(merchant).pk)
    assert rows(merchant) == {
        (photo, layout, *size)
        for photo in (first.sha256, second.sha256)
        for layout, size in (("s72-s-m8", (300, 250)), ("s50-s-m8", (600, 500)))
    }
    assert rows(other) == set()
    assert not CreativeRequest.objects.exists()  # nothing is painted, and nobody has to review anything


def test_the_photo_is_the_one_that_decisions_show() -> None:
    merchant = factories.merchant()
    product = factories.product(merchant)
    factories.image(product, status="failed", position=0)
    shown = factories.image(product, position=1)
    factories.image(product, position=2)
    factories.placement()
    assert ask_on_white(merchant.pk) == 1
    assert {row[0] for row in rows(merchant)} == {shown.sha256}


def test_an_experiment_without_the_product_on_white_asks_for_nothing() -> None:
    merchant = factories.merchant()
    with_photo(merchant)
    factories.placement()
    made = READY_MADE[Design.PHASE_3]
    start_experiment(create_experiment(merchant, "Phase III", made.arms, design=made.design).pk)
    assert rows(merchant) == set()


def test_asking_twice_asks_once_and_at_most_as_many_as_the_limit() -> None:
    merchant = factories.merchant()
    for _ in range(5):
        with_photo(merchant)
    factories.placement()
    assert ask_on_white(merchant.pk, limit=3) == 3
    assert ask_on_white(merchant.pk, limit=3) == 2
    assert ask_on_white(merchant.pk, limit=3) == 0
    assert len(rows(merchant)) == 5


def test_without_placements_there_is_nothing_to_ask_for() -> None:
    merchant = factories.merchant()
    with_photo(merchant)
    assert ask_on_white(merchant.pk) == 0
    assert pictures_of(planned(merchant), []).on_white is None


def test_what_cannot_start_asks_for_nothing() -> None:
    merchant = factories.merchant()
    with_photo(merchant)
    factories.placement()
    start_experiment(create_experiment(merchant, "All", (ArmSpec("photo", "original", 100),)).pk)
    with pytest.raises(ExperimentError, match="no room"):
        start_experiment(planned(merchant).pk)
    assert rows(merchant) == set()


def test_they_are_rendered_bit_by_bit_once_a_worker_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a worker they wait in the database; the queue never holds a whole catalogue of them."""
    monkeypatch.setattr(sweeper, "POSITION_BATCH", 2)
    merchant = factories.merchant()
    for shade in (40, 120, 200):
        studio.photo(merchant, (shade, 40, 40))
    factories.placement()
    experiment = start_experiment(planned(merchant).pk)
    arms = list(experiment.arms.all())
    assert not OutboxEntry.objects.exists()
    assert pictures_of(experiment, arms).on_white == OnWhite(3, 0, 0)
    assert sweeper.sweep()["position"] == 2
    assert sweeper.sweep()["position"] == 2  # no worker: the same two wait
    assert OutboxEntry.objects.filter(job="position").count() == 2
    for entry in OutboxEntry.objects.filter(job="position"):
        assert position_missing(int(entry.key))
    assert pictures_of(experiment, arms).on_white == OnWhite(3, 2, 0)
    assert sweeper.sweep()["position"] == 1


def test_one_that_is_held_back_is_told_apart(settings: Any) -> None:
    merchant = factories.merchant()
    with_photo(merchant)
    with_photo(merchant)
    factories.placement()
    experiment = start_experiment(create_experiment(merchant, "White", ON_WHITE_AND_NOT).pk)
    held = PositionedRendition.objects.first()
    assert held is not None
    PositionedRendition.objects.filter(pk=held.pk).update(attempts=settings.GENERATION_MAX_ATTEMPTS)
    found = pictures_of(experiment, list(experiment.arms.all()))
    assert (found.on_white, found.approved) == (OnWhite(2, 0, 1), None)
    stop_experiment(experiment.pk)
    experiment.refresh_from_db()
    assert pictures_of(experiment, list(experiment.arms.all())).on_white is None


def test_products_with_something_approved_are_counted() -> None:
    merchant = factories.merchant()
    factories.placement()
    creative = studio.painted(merchant)  # in the placement's size
    with_photo(merchant)
    experiment = planned(merchant)
    arms = list(experiment.arms.all())
    assert pictures_of(experiment, arms).approved == Approved(2, 0, 0)
    approve(creative.pk)
    assert pictures_of(experiment, arms).approved == Approved(2, 1, 1)


def test_a_person_may_have_the_generated_pictures_painted_ahead() -> None:
    merchant, admin = factories.merchant(), factories.admin()
    category = factories.category()
    for text in ("oak", "marble"):
        factories.prompt_version(category, text=text)
    with_photo(merchant, category=category)
    with_photo(merchant, category=category)
    with_photo(merchant)  # of no category: nothing to paint it with
    factories.placement(width=300, height=250)
    factories.placement(width=336, height=280)  # of the same bucket and layout
    experiment = planned(merchant)
    asked = ask_for_pictures(experiment, admin)
    assert (asked.generations, asked.sizes) == (4, 8)
    assert CreativeRequest.objects.filter(merchant=merchant).count() == 4
    again = ask_for_pictures(experiment, admin)
    assert (again.generations, again.sizes) == (0, 0)
    notes = ExperimentAction.objects.filter(experiment=experiment, user=admin)
    assert [note.what for note in notes] == ["asked for pictures ahead; paintings: 4, sizes: 8"]


def test_more_than_one_call_may_ask_for_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from creatives.services import ahead

    monkeypatch.setattr(ahead, "MAX_TRIPLETS", 1)
    merchant, category = factories.merchant(), factories.category()
    factories.prompt_version(category)
    with_photo(merchant, category=category)
    with_photo(merchant, category=category)
    factories.placement()
    experiment = planned(merchant)
    with pytest.raises(AskError, match="2 triplets are asked for; the limit is 1"):
        ask_for_pictures(experiment, factories.admin())
    assert not CreativeRequest.objects.exists()
    assert not ExperimentAction.objects.filter(what__startswith="asked").exists()


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_ask_once() -> None:
    merchant = factories.merchant()
    photos = [with_photo(merchant) for _ in range(30)]
    factories.placement(width=300, height=250)
    factories.placement(width=600, height=500)
    drafts = [planned(merchant, "A", 50), planned(merchant, "B", 50), planned(merchant, "C", 100)]
    outcomes: list[str] = []
    gate = threading.Barrier(4)

    def start(pk: int) -> None:
        gate.wait()
        try:
            start_experiment(pk)
            outcomes.append("started")
        except ExperimentError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=start, args=(pk,)) for pk in (drafts[0].pk, drafts[0].pk, drafts[1].pk)
    ]
    for thread in threads:
        thread.start()
    gate.wait()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused", "started", "started"]
    assert len(rows(merchant)) == 2 * len(photos)
    assert PositionedRendition.objects.count() == 2 * len(photos)


def test_what_a_shopper_waits_for_is_woken_before_its_turn() -> None:
    merchant = factories.merchant()
    images = [with_photo(merchant) for _ in range(3)]
    factories.placement(width=300, height=250)
    assert ask_on_white(merchant.pk) == 3
    wanted = Want(images[1].sha256, 0, 300, 250, "s72-s-m8")
    assert request_positioned(merchant, [wanted]) == 0
    row = PositionedRendition.objects.get(image_sha256=images[1].sha256)
    assert OutboxEntry.objects.get().key == str(row.pk)
    OutboxEntry.objects.all().delete()
    PositionedRendition.objects.filter(pk=row.pk).update(file="creatives/aa/aa.png")
    assert request_positioned(merchant, [wanted]) == 0
    assert not OutboxEntry.objects.exists()  # it is there
