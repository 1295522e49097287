"""Which experiment and which arm a shopper is in: one line a merchant, a stretch of it for each running experiment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Prefetch

from bandit.assignment import assign, place
from bandit.experiments import ensure_default_experiments
from bandit.models import ArmKind, Experiment, ExperimentArm, Layer

HOLDOUT = "holdout"


@dataclass(frozen=True)
class Assigned:
    """A shopper's arm; ``experiment_id`` None outside of all experiments."""

    experiment_id: int | None
    arm: str
    kind: str
    pipeline_version: str = ""

    def outside(self) -> Assigned:
        """The same picture, but no part of the experiment: in a pool that is off its arms are not what they say."""
        return self if self.experiment_id is None else replace(self, experiment_id=None, arm="")


NOT_ENROLLED = Assigned(None, "", ArmKind.PERSONALISED)
HELD_OUT = Assigned(None, HOLDOUT, ArmKind.ORIGINAL)


@dataclass(frozen=True)
class Slot:
    """A running experiment on the line: from ``start`` up to ``end``, both in per cent; ``enrolled`` of it in [0, 1]."""

    start: int
    end: int
    salt: str
    enrolled: float
    shares: dict[str, float]
    arms: dict[str, Assigned]


@dataclass(frozen=True)
class Allocation:
    """How the shoppers of a merchant are divided. ``holdout`` per cent at the end of the line take part in nothing."""

    salt: str
    holdout: int
    slots: tuple[Slot, ...]

    def of(self, user_id: str) -> Assigned:
        """The same for the same user, in every process, while the experiments are the same."""
        position = 100.0 * place(self.salt, user_id, "layer")
        if position >= 100 - self.holdout:
            return HELD_OUT
        for slot in self.slots:
            if slot.start <= position < slot.end:
                arm = assign(user_id, slot.salt, slot.shares, enrolled=slot.enrolled)
                return NOT_ENROLLED if arm is None else slot.arms[arm]
        return NOT_ENROLLED


def allocations(merchant_ids: Iterable[int]) -> dict[int, Allocation]:
    """The allocation of each merchant (3 queries). A merchant that never had an experiment gets its default one, once."""
    wanted = set(merchant_ids)
    found = _running(wanted)
    if (missing := wanted - found.keys()) and ensure_default_experiments(missing):
        found = _running(wanted)
    layers = Layer.objects.in_bulk(wanted)
    return {pk: _allocation(layers[pk], found.get(pk, [])) for pk in wanted if pk in layers} | {
        pk: Allocation("", 0, ()) for pk in wanted - layers.keys()
    }


def _running(merchant_ids: set[int]) -> dict[int, list[Experiment]]:
    rows = Experiment.objects.filter(merchant_id__in=merchant_ids, status=Experiment.Status.RUNNING)
    arms = Prefetch("arms", ExperimentArm.objects.order_by("id"))
    found: dict[int, list[Experiment]] = {}
    for experiment in rows.order_by("slot_start").prefetch_related(arms):
        found.setdefault(experiment.merchant_id, []).append(experiment)
    return found


def _allocation(layer: Layer, experiments: list[Experiment]) -> Allocation:
    return Allocation(layer.salt, layer.holdout, tuple(_slot(experiment) for experiment in experiments))


def _slot(experiment: Experiment) -> Slot:
    assert experiment.slot_start is not None
    arms = list(experiment.arms.all())
    return Slot(
        experiment.slot_start,
        experiment.slot_start + experiment.traffic,
        experiment.salt,
        experiment.enrolled / 100,
        {arm.name: arm.share / 100 for arm in arms},
        {arm.name: Assigned(experiment.pk, arm.name, arm.kind, arm.pipeline_version) for arm in arms},
    )
