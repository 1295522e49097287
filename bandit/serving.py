"""Decisions: which picture of a product a shopper sees. Nothing is written but requests for missing creatives.

The number of queries depends on the number of merchants in a request, not on the number of items.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.utils import timezone

from bandit.choosing import Chosen, Exploration, choose
from bandit.config_cache import ConfigCache, ConfigView
from bandit.features import CURRENT_VERSION, encoding
from bandit.models import ArmKind, Variant
from bandit.pictures import Picture, Pictures, original, request_missing
from bandit.plans import LEARNING, DecisionRequest, Plan, plan_items
from bandit.recent import Recently
from bandit.store import PoolKey, ServedPolicy, SnapshotStore
from bandit.tokens import DecisionToken, lifetime, user_key
from creatives.models import Merchant, PromptVersion

ASK_AGAIN_SECONDS = 30.0
_DEVICE = 20
_NO_CONTEXT = np.zeros(0)


@dataclass
class ServingMemory:
    """What a serving process keeps between requests."""

    config: ConfigCache = field(default_factory=ConfigCache)
    snapshots: SnapshotStore = field(default_factory=SnapshotStore)
    asked: Recently = field(default_factory=lambda: Recently(ASK_AGAIN_SECONDS))


@dataclass(frozen=True)
class Outcome:
    """What is shown, and why. ``chosen`` is the prompt that was picked, whether its picture is there or not."""

    variant: str
    picture: Picture | None
    is_fallback: bool
    generation: str
    chosen: Chosen | None = None
    creative_id: int | None = None


@dataclass(frozen=True)
class Decision:
    """The answer for one item; ``token`` is what its events bring back."""

    token: DecisionToken
    outcome: Outcome
    prompt: PromptVersion | None


def decide(
    request: DecisionRequest,
    merchants: Mapping[str, Merchant],
    memory: ServingMemory,
    config: ConfigView | None = None,
) -> list[Decision | None]:
    """One decision per item, in order; None for a product that is unknown or not of ``merchants`` (by slug).

    Raises FeatureError for features that cannot be encoded.
    """
    plans = plan_items(request, merchants, config or memory.config.view())
    known = [plan for plan in plans if plan is not None]
    pictures = Pictures(known)
    policies = memory.snapshots.policies({plan.pool_key for plan in known if plan.wants})
    chooser = _Chooser(request, policies)
    outcomes = [_outcome(plan, pictures, chooser) for plan in known]
    _request(known, outcomes, pictures, memory.asked)
    decided = iter([_decision(*pair, request, policies) for pair in zip(known, outcomes, strict=True)])
    return [next(decided) if plan else None for plan in plans]


class _Chooser:
    """Picks prompts for one request."""

    def __init__(self, request: DecisionRequest, policies: Mapping[PoolKey, ServedPolicy]) -> None:
        self._request, self._policies = request, policies
        self._rng = np.random.default_rng()

    def choose(self, plan: Plan, arms: Sequence[int]) -> Chosen:
        if plan.kind != ArmKind.PERSONALISED:
            return choose(None, _NO_CONTEXT, arms, Exploration(1.0), self._rng)
        served = self._policies[plan.pool_key]
        encode = encoding(served.encoding_version).encode
        x = encode(self._request.user, plan.item_features, self._request.placement_features)
        model = served.model(plan.pool.version_ids if plan.pool else arms, plan.alpha)
        counts, few = model.counts, plan.control.newcomer_impressions
        newcomers = {arm for arm in arms if counts[arm] < few}
        return choose(
            model, x, arms, Exploration(plan.epsilon, newcomers, plan.control.newcomer_share), self._rng
        )


def _outcome(plan: Plan, pictures: Pictures, chooser: _Chooser) -> Outcome:
    if plan.kind == ArmKind.ORIGINAL:
        return Outcome(Variant.ORIGINAL, original(plan.card), False, "not_needed")
    if plan.kind == ArmKind.POSITIONED:
        return _on_white(plan, pictures)
    if plan.is_switched_off:
        return _fallback(plan, pictures, "not_needed")
    if not plan.wants:
        return _fallback(plan, pictures, "not_needed")
    arms = pictures.eligible(plan)
    if not arms:
        return _fallback(plan, pictures, pictures.blocked_by(plan))
    chosen = chooser.choose(plan, arms)
    state = pictures.state(plan, chosen.arm)
    if state.state == "ready" and state.url:
        picture = Picture(state.url, state.width, state.height)
        return Outcome(Variant.GENERATED, picture, False, "ready", chosen, state.creative_id)
    generation = "queued" if state.state == "missing" else state.state
    return _fallback(plan, pictures, generation, chosen)


def _on_white(plan: Plan, pictures: Pictures) -> Outcome:
    """The positioned arm: painted by nobody, but rendered ahead of time."""
    if picture := pictures.positioned(plan):
        return Outcome(Variant.POSITIONED, picture, False, "not_needed")
    return Outcome(Variant.ORIGINAL, original(plan.card), True, "queued" if plan.on_white else "not_needed")


def _fallback(plan: Plan, pictures: Pictures, generation: str, chosen: Chosen | None = None) -> Outcome:
    """What is shown instead: the product on white where the merchant wants that and it is there, else the original."""
    if picture := pictures.positioned(plan):
        return Outcome(Variant.POSITIONED, picture, True, generation, chosen)
    return Outcome(Variant.ORIGINAL, original(plan.card), True, generation, chosen)


def _request(plans: Sequence[Plan], outcomes: Sequence[Outcome], pictures: Pictures, asked: Recently) -> None:
    for merchant in {plan.merchant.pk: plan.merchant for plan in plans}.values():
        mine = [pair for pair in zip(plans, outcomes, strict=True) if pair[0].merchant.pk == merchant.pk]
        wants = [
            plan.wants[outcome.chosen.arm]
            for plan, outcome in mine
            if outcome.chosen and pictures.state(plan, outcome.chosen.arm).state == "missing"
        ]
        on_white = [
            plan.on_white for plan, outcome in mine if plan.on_white and outcome.variant == Variant.ORIGINAL
        ]
        request_missing(merchant, wants, on_white, asked)


def _decision(
    plan: Plan, outcome: Outcome, request: DecisionRequest, policies: Mapping[PoolKey, ServedPolicy]
) -> Decision:
    issued_at = _now()
    chosen, prompt = outcome.chosen, None
    if chosen and plan.pool:
        prompt = next(version for version in plan.pool.versions if version.pk == chosen.arm)
    is_policy = chosen is not None and plan.kind in LEARNING
    token = DecisionToken(
        decision_id=uuid.uuid4(),
        merchant_id=plan.merchant.pk,
        product_id=plan.card.product_id,
        category_id=plan.pool.category.pk if plan.pool else None,
        creative_id=outcome.creative_id,
        prompt_version_id=chosen.arm if chosen else None,
        variant=outcome.variant,
        is_fallback=outcome.is_fallback,
        experiment_id=plan.assigned.experiment_id,
        arm=plan.arm,
        arm_kind=plan.kind,
        propensity=chosen.propensity if chosen else 1.0,
        policy_version=policies[plan.pool_key].version if is_policy else 0,
        encoding_version=policies[plan.pool_key].encoding_version if is_policy else CURRENT_VERSION,
        placement=request.placement_id,
        device=str(request.user.get("device") or "")[:_DEVICE].lower(),
        user_key=user_key(plan.merchant.pk, request.user_id),
        features={
            "user": dict(request.user),
            "item": plan.item_features,
            "placement": request.placement_features,
        },
        is_simulated=request.is_simulated,
        issued_at=issued_at,
        expires_at=issued_at + lifetime(),
    )
    return Decision(token, outcome, prompt)


def _now() -> datetime:
    """Now, to the millisecond: as exact as a token is."""
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
