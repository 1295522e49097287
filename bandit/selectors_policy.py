"""What the policy pages read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from bandit.beliefs import Belief, beliefs
from bandit.features import ENCODINGS
from bandit.models import (
    Impression,
    LearningStep,
    PausedPrompt,
    PendingLesson,
    Policy,
    PolicySnapshot,
    PoolControl,
)
from bandit.snapshot import from_bytes
from creatives.models import Category, Merchant, Product, PromptVersion
from creatives.selectors.prompts import pool, pools_for

MOST_COUNTED = 100_000


@dataclass(frozen=True)
class ArmRow:
    """A prompt of the page: what is believed of it, whether it is in the pool, and its pause if there is one."""

    belief: Belief
    version: PromptVersion
    in_use: bool
    pause: PausedPrompt | None


@dataclass(frozen=True)
class VersionRow:
    """A version that is kept: its snapshot without the state, and what led to it."""

    snapshot: PolicySnapshot
    step: LearningStep | None
    is_current: bool


def pools_of(merchant: Merchant) -> list[Category]:
    """The pools that the merchant's products are served from or were, by path."""
    products = Product.objects.filter(merchant=merchant, category__isnull=False).order_by()
    served = pools_for(products.values_list("category_id", flat=True).distinct())
    ids = {found.category.pk for found in served.values()}
    ids |= set(Policy.objects.filter(merchant=merchant).values_list("category_id", flat=True))
    ids |= set(PoolControl.objects.filter(merchant=merchant).values_list("category_id", flat=True))
    return list(Category.objects.filter(pk__in=ids).order_by("path"))


def control_of(merchant: Merchant, category: Category) -> PoolControl:
    """The control of a pool, unsaved with the defaults where nobody has decided anything."""
    found = PoolControl.objects.filter(merchant=merchant, category=category).first()
    return found or PoolControl(merchant=merchant, category=category)


def active_policy(merchant: Merchant, category: Category) -> Policy | None:
    """The lineage that is served from this pool, once it has learned something."""
    rows = Policy.objects.filter(merchant=merchant, category=category, is_active=True, current_version__gt=0)
    return rows.filter(encoding_version__in=list(ENCODINGS)).select_related("category", "merchant").first()


def waiting(merchant: Merchant) -> int:
    """How many impressions are still to be learned from; ``MOST_COUNTED`` stands for that and more."""
    return PendingLesson.objects.filter(merchant=merchant)[:MOST_COUNTED].count()


def set_aside(merchant: Merchant, category: Category, last: int = 10_000) -> dict[str, int]:
    """How many of the pool's latest impressions do not count, by flag."""
    rows = Impression.objects.filter(merchant=merchant, category=category).order_by("-occurred_at")[:last]
    found: dict[str, int] = {}
    for flags in rows.values_list("flags", flat=True):
        for flag in flags:
            found[flag] = found.get(flag, 0) + 1
    return found


def paused(merchant: Merchant, category: Category | None = None) -> QuerySet[PausedPrompt]:
    """The prompts that are paused, the latest first."""
    rows = PausedPrompt.objects.filter(merchant=merchant, resumed_at__isnull=True)
    if category is not None:
        rows = rows.filter(category=category)
    return rows.select_related("prompt_version__prompt", "paused_by", "category")


def arm_rows(policy: Policy | None, merchant: Merchant, category: Category) -> list[ArmRow]:
    """The prompts of a pool and those that were, as the policy's current version sees them: in use first, best first."""
    in_use = {version.pk: version for version in pool(category)}
    pauses = {row.prompt_version_id: row for row in paused(merchant, category)}
    if policy is None:
        return [
            ArmRow(Belief(pk, 0, 0.0, 0.0, 1.0, []), version, True, pauses.get(pk))
            for pk, version in in_use.items()
        ]
    snapshot = policy.snapshots.get(version=policy.current_version)
    encoding = ENCODINGS[policy.encoding_version]
    found = beliefs(from_bytes(bytes(snapshot.state)), encoding, snapshot.clicks, list(in_use))
    named = PromptVersion.objects.select_related("prompt").in_bulk([belief.arm for belief in found])
    rows = [
        ArmRow(belief, named[belief.arm], belief.arm in in_use, pauses.get(belief.arm))
        for belief in found
        if belief.arm in named
    ]
    return sorted(rows, key=lambda row: (not row.in_use, not row.belief.learned))


def versions(policy: Policy) -> QuerySet[PolicySnapshot]:
    """The versions that are kept, the newest first, without their states."""
    return policy.snapshots.order_by("-version").defer("state").select_related("made_by")


def version_rows(policy: Policy, snapshots: list[PolicySnapshot]) -> list[VersionRow]:
    """Snapshots with what led to them."""
    steps = LearningStep.objects.filter(policy=policy, version__in=[row.version for row in snapshots])
    by_version = {step.version: step for step in steps.defer("decision_ids", "rewards")}
    return [
        VersionRow(row, by_version.get(row.version), row.version == policy.current_version)
        for row in snapshots
    ]


def snapshot_for(impression: Impression) -> tuple[PolicySnapshot | None, bool]:
    """The version that chose an impression's prompt, and whether it is exactly that one.

    Where it has been thinned out, the newest that is kept from before it. None where nothing had been learned.
    """
    if impression.category_id is None:
        return None, True
    rows = PolicySnapshot.objects.filter(
        policy__merchant_id=impression.merchant_id,
        policy__category_id=impression.category_id,
        policy__encoding_version=impression.encoding_version,
        created_at__lte=impression.issued_at,
    ).select_related("policy")
    exact = rows.filter(version=impression.policy_version).order_by("-created_at").first()
    if exact is not None or impression.policy_version == 0:
        return exact, True
    return rows.filter(version__lt=impression.policy_version).order_by("-created_at").first(), False


def context_of(rows: list[ArmRow]) -> dict[str, Any]:
    """The scales that the bars of ``rows`` share."""
    weights = [weight for row in rows for weight in row.belief.weights]
    heaviest = max((abs(weight.value) + weight.margin for weight in weights), default=1.0)
    learned = [row.belief.high for row in rows if row.belief.learned]
    return {"heaviest": heaviest, "lightest": -heaviest, "highest": max(learned, default=1.0)}
