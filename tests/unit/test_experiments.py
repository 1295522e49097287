"""Experiments: the rules of their lives, held by the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bandit.experiment_designs import READY_MADE, arms_of
from bandit.experiments import (
    DEFAULT_NAME,
    ArmSpec,
    ExperimentError,
    PlanSpec,
    create_experiment,
    discard_experiment,
    ensure_default_experiments,
    set_holdout,
    start_experiment,
    stop_experiment,
    widen_experiment,
)
from bandit.models import ConfigChange, Experiment, ExperimentAction, Layer
from creatives.models import Merchant
from tests import factories

pytestmark = pytest.mark.django_db
HALVES = (ArmSpec("a", "personalised", 50), ArmSpec("b", "original", 50))


def draft(merchant: Merchant, name: str = "Photos", **plan: Any) -> Experiment:
    return create_experiment(merchant, name, HALVES, PlanSpec(**plan))


def test_every_merchant_gets_one_default_experiment() -> None:
    first, second = factories.merchant(), factories.merchant()
    assert sorted(ensure_default_experiments()) == [first.pk, second.pk]
    assert ensure_default_experiments() == []
    experiment = Experiment.objects.get(merchant=first)
    assert (experiment.name, experiment.status, experiment.design) == (DEFAULT_NAME, "running", "phase_3")
    assert [(arm.name, arm.kind, arm.share, arm.is_control) for arm in experiment.arms.all()] == [
        ("personalised", "personalised", 80, False),
        ("random", "random", 20, True),
    ]


def test_a_stopped_default_experiment_does_not_come_back() -> None:
    merchant = factories.merchant()
    ensure_default_experiments([merchant.pk])
    stop_experiment(Experiment.objects.get().pk)
    assert ensure_default_experiments() == []
    assert Experiment.objects.get().status == "stopped"


def test_salts_differ() -> None:
    merchant = factories.merchant()
    salts = {draft(merchant, str(number)).salt for number in range(5)} | {
        Layer.objects.create(merchant=merchant).salt
    }
    assert len(salts) == 6
    assert {len(salt) for salt in salts} == {32}


def test_draft_running_stopped() -> None:
    admin = factories.admin()
    experiment = create_experiment(factories.merchant(), "Photos", HALVES, by=admin)
    assert (experiment.status, experiment.started_at, experiment.slot_start) == ("draft", None, None)
    started = start_experiment(experiment.pk, admin)
    assert (started.status, started.slot_start) == ("running", 0)
    assert started.started_at is not None
    stopped = stop_experiment(experiment.pk, admin)
    assert stopped.status == "stopped"
    assert stopped.ended_at is not None
    assert stopped.ended_at >= started.started_at
    assert list(ExperimentAction.objects.order_by("id").values_list("user", "what")) == [
        (admin.pk, "planned"),
        (admin.pk, "started with 100 % of its 100 % of the shoppers"),
        (admin.pk, "stopped"),
    ]


STEPS = {
    "start": start_experiment,
    "stop": stop_experiment,
    "discard": discard_experiment,
    "widen": lambda pk: widen_experiment(pk, 100),
}


@pytest.mark.parametrize(
    "steps",
    [
        ["stop"],
        ["widen"],
        ["start", "start"],
        ["start", "discard"],
        ["start", "stop", "start"],
        ["start", "stop", "stop"],
        ["start", "stop", "widen"],
    ],
)
def test_steps_out_of_order_change_nothing(steps: list[str]) -> None:
    experiment = draft(factories.merchant())
    for step in steps[:-1]:
        STEPS[step](experiment.pk)
    before = Experiment.objects.values().get(), ExperimentAction.objects.count()
    with pytest.raises(ExperimentError, match="can be"):
        STEPS[steps[-1]](experiment.pk)
    assert (Experiment.objects.values().get(), ExperimentAction.objects.count()) == before


def test_a_draft_can_be_discarded() -> None:
    discard_experiment(draft(factories.merchant()).pk)
    assert not Experiment.objects.exists()


def test_experiments_share_nobody() -> None:
    merchant = factories.merchant()
    first, second, third = (draft(merchant, name, traffic=40) for name in "abc")
    assert start_experiment(first.pk).slot_start == 0
    assert start_experiment(second.pk).slot_start == 40
    with pytest.raises(ExperimentError, match=r"no room for 40 %.*a \(40 %\), b \(40 %\).*stop it first"):
        start_experiment(third.pk)
    assert Experiment.objects.get(pk=third.pk).status == "draft"
    stop_experiment(first.pk)
    assert start_experiment(third.pk).slot_start == 0
    start_experiment(draft(factories.merchant(), "a").pk)


def test_a_gap_must_be_wide_enough() -> None:
    merchant = factories.merchant()
    shares = (("a", 20), ("b", 50), ("c", 30))
    first, middle, last = (draft(merchant, name, traffic=share) for name, share in shares)
    start_experiment(first.pk)
    start_experiment(middle.pk)
    stop_experiment(first.pk)
    assert start_experiment(last.pk).slot_start == 70
    assert start_experiment(draft(merchant, "d", traffic=20).pk).slot_start == 0


def test_the_database_holds_the_rules_too() -> None:
    merchant = factories.merchant()
    ensure_default_experiments()
    running = {"status": "running", "started_at": "2026-01-01T00:00Z"}
    for number, fields in enumerate(
        (
            running | {"slot_start": 50, "traffic": 10},
            running | {"merchant": factories.merchant()},
            {"status": "stopped"},
            {"traffic": 101},
            {"enrolled": 0},
            {"baseline": 0.0},
        )
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Experiment.objects.create(**({"merchant": merchant, "name": f"x{number}"} | fields))
    with pytest.raises(IntegrityError), transaction.atomic():
        Layer.objects.filter(merchant=merchant).update(holdout=51)


def test_a_holdout_and_experiments_keep_clear_of_each_other() -> None:
    merchant = factories.merchant()
    assert set_holdout(merchant, 10).holdout == 10
    everybody = draft(merchant)
    with pytest.raises(ExperimentError, match="the holdout keeps 10 %"):
        start_experiment(everybody.pk)
    start_experiment(draft(merchant, "Most", traffic=90).pk)
    with pytest.raises(ExperimentError, match="Most has those shoppers"):
        set_holdout(merchant, 11)
    with pytest.raises(ExperimentError, match="not between 0 and 50"):
        set_holdout(merchant, 51)
    assert set_holdout(merchant, 5).holdout == 5


def test_a_default_experiment_leaves_the_holdout_alone() -> None:
    merchant = factories.merchant()
    set_holdout(merchant, 20)
    ensure_default_experiments()
    assert Experiment.objects.get().traffic == 80


def test_an_enrolled_share_only_grows() -> None:
    experiment = start_experiment(draft(factories.merchant(), enrolled=10).pk)
    assert widen_experiment(experiment.pk, 50).enrolled == 50
    for share in (50, 49, 101):
        with pytest.raises(ExperimentError, match="not between 51 and 100 %"):
            widen_experiment(experiment.pk, share)
    assert Experiment.objects.get().enrolled == 50


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([], "1 to 6 arms, not 0"),
        ([ArmSpec(str(n), "random", 10) for n in range(10)], "not 10"),
        ([ArmSpec("a", "random", 50), ArmSpec("a", "original", 50)], "same name"),
        ([ArmSpec("a", "random", 50), ArmSpec("b", "original", 49)], "add up to 99 %"),
        ([ArmSpec("a", "random", 0), ArmSpec("b", "original", 100)], "0 % is not between"),
        ([ArmSpec("a", "best", 100)], "'best' is none of"),
        ([ArmSpec(name, "random", 50, is_control=True) for name in "ab"], "Two arms are the control"),
    ],
)
def test_arms_that_do_not_add_up(arms: list[ArmSpec], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        create_experiment(factories.merchant(), "x", arms)
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"traffic": 0}, "traffic of 0 %"),
        ({"enrolled": 101}, "enrolled share of 101 %"),
        ({"power": 1.0}, "power of 1"),
        ({"baseline": 0.9, "minimal_gain": 0.5}, "cannot be planned"),
        ({"minimal_gain": -0.1}, "is above 0"),
    ],
)
def test_plans_that_cannot_be(plan: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        draft(factories.merchant(), **plan)
    assert not Experiment.objects.exists()


def test_names_are_unique_within_a_merchant() -> None:
    merchant = factories.merchant()
    draft(merchant)
    with pytest.raises(ExperimentError, match="already has"):
        draft(merchant)
    assert draft(factories.merchant()).pk
    assert Experiment.objects.count() == 2


@pytest.mark.parametrize("design", READY_MADE)
def test_ready_made_designs_add_up_and_have_a_control(design: str) -> None:
    made = READY_MADE[design]
    arms = arms_of(design, [arm.share for arm in made.arms])
    experiment = create_experiment(factories.merchant(), "x", arms, design=design)
    control = experiment.arms.get(is_control=True)
    assert control.kind == {"phase_1": "original"}.get(design, "random")


def test_versions_of_the_pipeline_go_to_the_arms() -> None:
    arms = arms_of("phase_2", [40, 60], ["1-old", "1-new"])
    assert [(arm.share, arm.pipeline_version) for arm in arms] == [(40, "1-old"), (60, "1-new")]
    with pytest.raises(ValueError, match="zip"):
        arms_of("phase_2", [40, 60], ["1-old"])


def test_serving_processes_hear_of_a_new_holdout() -> None:
    merchant = factories.merchant()
    before = ConfigChange.objects.count()
    set_holdout(merchant, 5)
    assert ConfigChange.objects.count() > before
