"""Experiments: the rules of their lives, held by the database."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from bandit.models import Experiment
from bandit.services import (
    DEFAULT_NAME,
    ArmSpec,
    ExperimentError,
    create_experiment,
    ensure_default_experiments,
    start_experiment,
    stop_experiment,
)
from tests import factories

pytestmark = pytest.mark.django_db
HALVES = (ArmSpec("a", "personalised", 50), ArmSpec("b", "original", 50))


def test_every_merchant_gets_one_default_experiment() -> None:
    first, second = factories.merchant(), factories.merchant()
    assert sorted(ensure_default_experiments()) == [first.pk, second.pk]
    assert ensure_default_experiments() == []
    experiment = Experiment.objects.get(merchant=first)
    assert (experiment.name, experiment.status) == (DEFAULT_NAME, "running")
    assert [(arm.name, arm.kind, arm.share) for arm in experiment.arms.all()] == [
        ("personalised", "personalised", 80),
        ("random", "random", 20),
    ]


def test_a_stopped_default_experiment_does_not_come_back() -> None:
    merchant = factories.merchant()
    ensure_default_experiments([merchant.pk])
    stop_experiment(Experiment.objects.get().pk)
    assert ensure_default_experiments() == []
    assert Experiment.objects.get().status == "stopped"


def test_salts_differ() -> None:
    merchant = factories.merchant()
    salts = {create_experiment(merchant, str(number), HALVES).salt for number in range(5)}
    assert len(salts) == 5
    assert {len(salt) for salt in salts} == {32}


def test_draft_running_stopped() -> None:
    experiment = create_experiment(factories.merchant(), "Photos", HALVES)
    assert (experiment.status, experiment.started_at, experiment.ended_at) == ("draft", None, None)
    started = start_experiment(experiment.pk)
    assert started.status == "running"
    assert started.started_at is not None
    stopped = stop_experiment(experiment.pk)
    assert stopped.status == "stopped"
    assert stopped.ended_at is not None
    assert stopped.ended_at >= started.started_at


@pytest.mark.parametrize(
    "steps", [["stop"], ["start", "start"], ["start", "stop", "start"], ["start", "stop", "stop"]]
)
def test_steps_out_of_order_change_nothing(steps: list[str]) -> None:
    experiment = create_experiment(factories.merchant(), "Photos", HALVES)
    does = {"start": start_experiment, "stop": stop_experiment}
    for step in steps[:-1]:
        does[step](experiment.pk)
    before = Experiment.objects.values().get()
    with pytest.raises(ExperimentError, match="can be"):
        does[steps[-1]](experiment.pk)
    assert Experiment.objects.values().get() == before


def test_one_experiment_runs_at_a_time() -> None:
    merchant = factories.merchant()
    first, second = (create_experiment(merchant, name, HALVES) for name in "ab")
    start_experiment(first.pk)
    with pytest.raises(ExperimentError, match="stop it first"):
        start_experiment(second.pk)
    assert Experiment.objects.get(pk=second.pk).status == "draft"
    start_experiment(create_experiment(factories.merchant(), "a", HALVES).pk)


def test_the_database_holds_the_rule_too() -> None:
    merchant = factories.merchant()
    ensure_default_experiments()
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.create(
            merchant=merchant, name="x", status="running", started_at="2026-01-01T00:00Z"
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.create(merchant=merchant, name="y", status="stopped")


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([], "1 to 6 arms, not 0"),
        ([ArmSpec(str(n), "random", 10) for n in range(10)], "not 10"),
        ([ArmSpec("a", "random", 50), ArmSpec("a", "original", 50)], "same name"),
        ([ArmSpec("a", "random", 50), ArmSpec("b", "original", 49)], "add up to 99 %"),
        ([ArmSpec("a", "random", 0), ArmSpec("b", "original", 100)], "0 % is not between"),
        ([ArmSpec("a", "best", 100)], "'best' is none of"),
    ],
)
def test_arms_that_do_not_add_up(arms: list[ArmSpec], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        create_experiment(factories.merchant(), "x", arms)
    assert not Experiment.objects.exists()


def test_names_are_unique_within_a_merchant() -> None:
    merchant = factories.merchant()
    create_experiment(merchant, "Photos", HALVES)
    with pytest.raises(ExperimentError, match="already has"):
        create_experiment(merchant, "Photos", HALVES)
    assert create_experiment(factories.merchant(), "Photos", HALVES).pk
    assert Experiment.objects.count() == 2
