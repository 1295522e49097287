"""The pictures that an experiment is about to show: how many are there, and asking for the others ahead of the shoppers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction

from bandit.models import ArmKind, Experiment, ExperimentAction, ExperimentArm
from creatives.models import Product, User
from creatives.selectors.coverage import Approved, OnWhite, approved, on_white
from creatives.services.ahead import Asked, ask_ahead, slots_for
from creatives.services.on_white import ask_on_white

PAINTED = (ArmKind.PERSONALISED, ArmKind.RANDOM)


@dataclass(frozen=True)
class Pictures:
    """How far the pictures of the arms are; None where no arm shows such pictures."""

    on_white: OnWhite | None
    approved: Approved | None


def pictures_of(experiment: Experiment, arms: Collection[ExperimentArm]) -> Pictures:
    """What is there of an experiment that is planned or running; nothing is said of one that has stopped.

    Arms that are tied to a version of the pipeline show what that one has painted, so nothing is to come for them.
    """
    if experiment.status == Experiment.Status.STOPPED:
        return Pictures(None, None)
    paints = any(arm.kind in PAINTED and not arm.pipeline_version for arm in arms)
    return Pictures(
        on_white(experiment.merchant_id) if shows_on_white(arms) else None,
        approved(experiment.merchant_id) if paints else None,
    )


def shows_on_white(arms: Iterable[ExperimentArm]) -> bool:
    """Whether an arm shows the product on white."""
    return any(arm.kind == ArmKind.POSITIONED for arm in arms)


def prepare_pictures(experiment: Experiment) -> int:
    """Ask for the products on white that an experiment's arms show; how many were new. In the caller's transaction.

    They cost no painting and no review. Generated pictures cost both, so those are for a person to ask for.
    """
    return ask_on_white(experiment.merchant_id) if shows_on_white(experiment.arms.all()) else 0


def ask_for_pictures(experiment: Experiment, by: User) -> Asked:
    """Ask for every active product with every prompt of its pool in every active placement. Idempotent.

    Raises AskError, and nothing is asked for, where these are more than one call may ask for.
    """
    merchant = experiment.merchant
    ids = Product.objects.filter(merchant=merchant, status=Product.Status.ACTIVE).order_by("pk")
    items = [(merchant.slug, external_id) for external_id in ids.values_list("external_id", flat=True)]
    with transaction.atomic():
        asked = ask_ahead({merchant.slug: merchant}, items, None, slots_for(None))
        if asked.generations or asked.sizes:
            what = f"asked for pictures ahead; paintings: {asked.generations:,}, sizes: {asked.sizes:,}"
            ExperimentAction.objects.create(experiment=experiment, user=by, what=what)
    return asked
