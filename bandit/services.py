"""Experiments: made, started, stopped. Each function is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from bandit.models import ArmKind, Experiment, ExperimentArm
from creatives.models import Merchant

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


DEFAULT_ARMS = (ArmSpec("personalised", ArmKind.PERSONALISED, 80), ArmSpec("random", ArmKind.RANDOM, 20))


@transaction.atomic
def create_experiment(merchant: Merchant, name: str, arms: Sequence[ArmSpec]) -> Experiment:
    """A draft. Raises ExperimentError for a name that is taken or arms that do not add up."""
    _check(arms)
    try:
        with transaction.atomic():
            experiment = Experiment.objects.create(merchant=merchant, name=name)
    except IntegrityError:
        raise ExperimentError(f"{merchant} already has an experiment named {name!r}.") from None
    _add_arms(experiment, arms)
    return experiment


@transaction.atomic
def start_experiment(experiment_id: int) -> Experiment:
    """Draft → running. Raises ExperimentError when it is no draft or another one is running."""
    experiment = _locked(experiment_id, Experiment.Status.DRAFT, "started")
    experiment.status, experiment.started_at = Experiment.Status.RUNNING, timezone.now()
    try:
        with transaction.atomic():
            experiment.save(update_fields=["status", "started_at"])
    except IntegrityError:
        raise ExperimentError("Another experiment of this merchant is running: stop it first.") from None
    return experiment


@transaction.atomic
def stop_experiment(experiment_id: int) -> Experiment:
    """Running → stopped, for good: its users were assigned by its salt. Raises ExperimentError when it is not running."""
    experiment = _locked(experiment_id, Experiment.Status.RUNNING, "stopped")
    experiment.status, experiment.ended_at = Experiment.Status.STOPPED, timezone.now()
    experiment.save(update_fields=["status", "ended_at"])
    return experiment


def ensure_default_experiments(merchant_ids: Iterable[int] | None = None) -> list[int]:
    """Start the default experiment of every merchant (or of ``merchant_ids``) that never had any; returns their ids."""
    without = Merchant.objects.filter(experiments__isnull=True, is_active=True)
    if merchant_ids is not None:
        without = without.filter(pk__in=list(merchant_ids))
    return [merchant.pk for merchant in without if _start_default(merchant)]


def _start_default(merchant: Merchant) -> bool:
    """Whether this call made it; another process may have been first, or a person may have started another one."""
    try:
        with transaction.atomic():
            experiment = Experiment.objects.create(
                merchant=merchant,
                name=DEFAULT_NAME,
                status=Experiment.Status.RUNNING,
                started_at=timezone.now(),
            )
            _add_arms(experiment, DEFAULT_ARMS)
    except IntegrityError:
        return False
    return True


def _locked(experiment_id: int, status: str, verb: str) -> Experiment:
    experiment = Experiment.objects.select_for_update().get(pk=experiment_id)
    if experiment.status != status:
        raise ExperimentError(
            f"{experiment.name} is {experiment.status}: only a {status} experiment can be {verb}."
        )
    return experiment


def _add_arms(experiment: Experiment, arms: Sequence[ArmSpec]) -> None:
    ExperimentArm.objects.bulk_create(
        ExperimentArm(experiment=experiment, name=arm.name, kind=arm.kind, share=arm.share) for arm in arms
    )


def _check(arms: Sequence[ArmSpec]) -> None:
    if not 1 <= len(arms) <= MAX_ARMS:
        raise ExperimentError(f"An experiment has 1 to {MAX_ARMS} arms, not {len(arms)}.")
    if len({arm.name for arm in arms}) != len(arms):
        raise ExperimentError("Two arms have the same name.")
    for arm in arms:
        if arm.kind not in ArmKind.values:
            raise ExperimentError(f"Arm {arm.name}: {arm.kind!r} is none of {', '.join(ArmKind.values)}.")
        if not 1 <= arm.share <= 100:
            raise ExperimentError(f"Arm {arm.name}: a share of {arm.share} % is not between 1 and 100.")
    if total := sum(arm.share for arm in arms) - 100:
        raise ExperimentError(f"The shares add up to {total + 100} %, not 100.")
