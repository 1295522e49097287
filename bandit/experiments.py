"""Experiments: planned, started, widened, stopped. Each function is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from bandit.experiment_pictures import prepare_pictures
from bandit.models import ArmKind, Design, Experiment, ExperimentAction, ExperimentArm, Layer
from bandit.statistics import sample_size
from creatives.models import Merchant, User

DEFAULT_NAME = "LinUCB against random prompts"
MAX_ARMS = 6


class ExperimentError(ValueError):
    """What cannot be done with an experiment, and why, for the person who asked."""


@dataclass(frozen=True)
class ArmSpec:
    """An arm to be: ``name`` a slug, ``kind`` one of ArmKind, ``share`` in per cent of users."""

    name: str
    kind: str
    share: int
    is_control: bool = False
    pipeline_version: str = ""


@dataclass(frozen=True)
class PlanSpec:
    """How many take part and how long: ``traffic`` and ``enrolled`` in per cent, the others as in ``Experiment``."""

    traffic: int = 100
    enrolled: int = 100
    baseline: float = 0.02
    minimal_gain: float = 0.1
    power: float = 0.8


DEFAULT_ARMS = (
    ArmSpec("personalised", ArmKind.PERSONALISED, 80),
    ArmSpec("random", ArmKind.RANDOM, 20, is_control=True),
)
# What the others are compared with when nobody says: nothing done, else chance.
_CONTROLS = (ArmKind.ORIGINAL, ArmKind.RANDOM, ArmKind.POSITIONED)


@transaction.atomic
def create_experiment(
    merchant: Merchant,
    name: str,
    arms: Sequence[ArmSpec],
    plan: PlanSpec | None = None,
    design: str = Design.CUSTOM,
    by: User | None = None,
) -> Experiment:
    """A draft. Raises ExperimentError for a name that is taken, arms that do not add up or a plan that cannot be."""
    plan = plan or PlanSpec()
    _check_arms(arms)
    _check_plan(plan)
    try:
        with transaction.atomic():
            experiment = Experiment.objects.create(
                merchant=merchant, name=name, design=design, **plan.__dict__
            )
    except IntegrityError:
        raise ExperimentError(f"{merchant} already has an experiment named {name!r}.") from None
    _add_arms(experiment, arms)
    _note(experiment, by, "planned")
    return experiment


@transaction.atomic
def discard_experiment(experiment_id: int) -> Experiment:
    """Delete a draft. Raises ExperimentError when it has been started."""
    experiment = _locked(experiment_id, Experiment.Status.DRAFT, "discarded")
    Experiment.objects.filter(pk=experiment.pk).delete()
    return experiment


@transaction.atomic
def start_experiment(experiment_id: int, by: User | None = None) -> Experiment:
    """Draft → running, on the lowest stretch of the merchant's line that is free; its products on white are asked for.

    Raises ExperimentError when it is no draft or there is no room for it.
    """
    experiment = _locked(experiment_id, Experiment.Status.DRAFT, "started")
    layer = lock_layer(experiment.merchant_id)
    experiment.slot_start = _free_slot(experiment, layer.holdout)
    experiment.status, experiment.started_at = Experiment.Status.RUNNING, timezone.now()
    experiment.save(update_fields=["status", "started_at", "slot_start"])
    _note(
        experiment, by, f"started with {experiment.enrolled} % of its {experiment.traffic} % of the shoppers"
    )
    prepare_pictures(experiment)
    return experiment


@transaction.atomic
def widen_experiment(experiment_id: int, enrolled: int, by: User | None = None) -> Experiment:
    """Let more shoppers take part; nobody who does changes arms. Raises ExperimentError for a share that is not larger."""
    experiment = _locked(experiment_id, Experiment.Status.RUNNING, "widened")
    if not experiment.enrolled < enrolled <= 100:
        raise ExperimentError(
            f"{enrolled} % is not between {experiment.enrolled + 1} and 100 %: a share can only grow while it runs, "
            "or shoppers would change what they see."
        )
    experiment.enrolled = enrolled
    experiment.save(update_fields=["enrolled"])
    _note(experiment, by, f"widened to {enrolled} %")
    return experiment


@transaction.atomic
def stop_experiment(experiment_id: int, by: User | None = None) -> Experiment:
    """Running → stopped, for good: its users were assigned by its salt. Raises ExperimentError when it is not running."""
    experiment = _locked(experiment_id, Experiment.Status.RUNNING, "stopped")
    experiment.status, experiment.ended_at = Experiment.Status.STOPPED, timezone.now()
    experiment.save(update_fields=["status", "ended_at"])
    _note(experiment, by, "stopped")
    return experiment


@transaction.atomic
def set_holdout(merchant: Merchant, holdout: int) -> Layer:
    """Keep ``holdout`` per cent of the shoppers out of everything. Raises ExperimentError where an experiment has them."""
    if not 0 <= holdout <= 50:
        raise ExperimentError(f"A holdout of {holdout} % is not between 0 and 50 %.")
    layer = lock_layer(merchant.pk)
    for experiment in _running(merchant.pk):
        if (experiment.slot_start or 0) + experiment.traffic > 100 - holdout:
            raise ExperimentError(f"{experiment.name} has those shoppers: stop it first.")
    layer.holdout = holdout
    layer.save(update_fields=["holdout"])
    return layer


def ensure_default_experiments(merchant_ids: Iterable[int] | None = None) -> list[int]:
    """Start the default experiment of every merchant (or of ``merchant_ids``) that never had any; returns their ids."""
    without = Merchant.objects.filter(experiments__isnull=True, is_active=True)
    if merchant_ids is not None:
        without = without.filter(pk__in=list(merchant_ids))
    return [merchant.pk for merchant in without if _start_default(merchant)]


def lock_layer(merchant_id: int) -> Layer:
    """The merchant's line, locked until the end of the transaction."""
    Layer.objects.get_or_create(merchant_id=merchant_id)
    return Layer.objects.select_for_update().get(pk=merchant_id)


def _start_default(merchant: Merchant) -> bool:
    """Whether this call made it; another process may have been first, or a person may have started another one."""
    try:
        with transaction.atomic():
            layer = lock_layer(merchant.pk)
            if Experiment.objects.filter(merchant=merchant).exists():
                return False
            experiment = Experiment.objects.create(
                merchant=merchant,
                name=DEFAULT_NAME,
                design=Design.PHASE_3,
                status=Experiment.Status.RUNNING,
                traffic=100 - layer.holdout,
                slot_start=0,
                started_at=timezone.now(),
            )
            _add_arms(experiment, DEFAULT_ARMS)
    except IntegrityError:
        return False
    return True


def _free_slot(experiment: Experiment, holdout: int) -> int:
    start, others = 0, _running(experiment.merchant_id)
    for other in others:
        begins = other.slot_start or 0
        if begins - start >= experiment.traffic:
            break
        start = begins + other.traffic
    if start + experiment.traffic > 100 - holdout:
        held = ", ".join(f"{other.name} ({other.traffic} %)" for other in others) or "nobody"
        kept = f" and the holdout keeps {holdout} %" if holdout else ""
        raise ExperimentError(
            f"There is no room for {experiment.traffic} % of the shoppers: {held} has them{kept}. "
            "An experiment does not share shoppers with another: plan a smaller one, or stop it first."
        )
    return start


def _running(merchant_id: int) -> list[Experiment]:
    rows = Experiment.objects.filter(merchant_id=merchant_id, status=Experiment.Status.RUNNING)
    return list(rows.order_by("slot_start"))


def _locked(experiment_id: int, status: str, verb: str) -> Experiment:
    experiment = Experiment.objects.select_for_update().get(pk=experiment_id)
    if experiment.status != status:
        raise ExperimentError(
            f"{experiment.name} is {experiment.status}: only a {status} experiment can be {verb}."
        )
    return experiment


def _note(experiment: Experiment, by: User | None, what: str) -> None:
    ExperimentAction.objects.create(experiment=experiment, user=by, what=what)


def _add_arms(experiment: Experiment, arms: Sequence[ArmSpec]) -> None:
    control = _control(arms)
    ExperimentArm.objects.bulk_create(
        ExperimentArm(experiment=experiment, **arm.__dict__ | {"is_control": arm is control}) for arm in arms
    )


def _control(arms: Sequence[ArmSpec]) -> ArmSpec:
    for arm in arms:
        if arm.is_control:
            return arm
    ranked = [arm for kind in _CONTROLS for arm in arms if arm.kind == kind]
    return ranked[0] if ranked else arms[0]


def _check_arms(arms: Sequence[ArmSpec]) -> None:
    if not 1 <= len(arms) <= MAX_ARMS:
        raise ExperimentError(f"An experiment has 1 to {MAX_ARMS} arms, not {len(arms)}.")
    if len({arm.name for arm in arms}) != len(arms):
        raise ExperimentError("Two arms have the same name.")
    if sum(arm.is_control for arm in arms) > 1:
        raise ExperimentError("Two arms are the control.")
    for arm in arms:
        if arm.kind not in ArmKind.values:
            raise ExperimentError(f"Arm {arm.name}: {arm.kind!r} is none of {', '.join(ArmKind.values)}.")
        if not 1 <= arm.share <= 100:
            raise ExperimentError(f"Arm {arm.name}: a share of {arm.share} % is not between 1 and 100.")
    if total := sum(arm.share for arm in arms) - 100:
        raise ExperimentError(f"The shares add up to {total + 100} %, not 100.")


def _check_plan(plan: PlanSpec) -> None:
    for name, value in (("traffic", plan.traffic), ("enrolled share", plan.enrolled)):
        if not 1 <= value <= 100:
            raise ExperimentError(f"A {name} of {value} % is not between 1 and 100 %.")
    if not 0 < plan.power < 1:
        raise ExperimentError(f"A power of {plan.power:g} is not between 0 and 1.")
    try:
        sample_size(plan.baseline, plan.minimal_gain, plan.power)
    except ValueError as error:
        raise ExperimentError(f"This cannot be planned: {error}.") from None
    if plan.minimal_gain < 0:
        raise ExperimentError("The gain worth detecting is above 0.")
