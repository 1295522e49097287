"""What could be shown for each item of a request: its arm of the experiment, its pool, and the pictures that would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bandit.allocation import Assigned, allocations
from bandit.config_cache import ConfigView
from bandit.models import ArmKind, PoolControl
from bandit.selectors import ProductCard, controls, product_cards
from creatives.models import Merchant
from creatives.selectors.placements import layouts
from creatives.selectors.prompts import Pool, pools_for
from creatives.selectors.vetoes import Vetoes, vetoes_of
from creatives.services.generation import Want
from creatives.services.sizes import is_paintable

LEARNING = (ArmKind.PERSONALISED, ArmKind.RANDOM)
_TEXT, _PATH = 60, 120


@dataclass(frozen=True)
class DecisionRequest:
    """Who looks at what, where. ``items`` are (merchant slug, the merchant's product id); sizes in pixels."""

    user_id: str
    user: Mapping[str, Any]
    placement_id: str
    width: int
    height: int
    placement: Mapping[str, Any]
    items: Sequence[tuple[str, str]]
    is_simulated: bool = False

    @property
    def placement_features(self) -> dict[str, Any]:
        """What is known of the placement; id and size are ours, whatever the caller says."""
        return {**self.placement, "id": self.placement_id, "width": self.width, "height": self.height}


@dataclass(frozen=True)
class Plan:
    """An item's way through.

    ``wants`` are the pictures it may be shown with, by prompt version id: none where it is not painted, and none of prompts
    that are paused or that the merchant does not want for it. ``on_white`` is the positioned product, where the arm, the
    pool's control or the merchant's fallback may show it.
    """

    merchant: Merchant
    card: ProductCard
    assigned: Assigned
    pool: Pool | None
    control: PoolControl
    wants: dict[int, Want]
    on_white: Want | None

    @property
    def arm(self) -> str:
        """The name of the shopper's arm; empty outside of all experiments."""
        return self.assigned.arm

    @property
    def kind(self) -> str:
        """What the shopper's arm shows (ArmKind)."""
        return self.assigned.kind

    @property
    def is_switched_off(self) -> bool:
        """Whether people have stopped the policy of this pool: no prompt is chosen for anybody."""
        return self.kind in LEARNING and self.control.serve != PoolControl.Serve.POLICY

    @property
    def alpha(self) -> float:
        """Width of the exploration bonus: the pool's, else the merchant's."""
        return self.merchant.alpha if self.control.alpha is None else self.control.alpha

    @property
    def epsilon(self) -> float:
        """Share of uniform exploration: the pool's, else the merchant's."""
        return self.merchant.exploration if self.control.exploration is None else self.control.exploration

    @property
    def pool_key(self) -> tuple[int, int]:
        """(merchant id, category id of the pool): what a policy belongs to."""
        assert self.pool is not None
        return self.merchant.pk, self.pool.category.pk

    @property
    def item_features(self) -> dict[str, Any]:
        """What is known of the product, cut to lengths that fit a token."""
        card = self.card
        features: dict[str, Any] = {}
        if card.category is not None:
            features["category"] = card.category.path[:_PATH]
        if card.price is not None:
            features["price"] = max(0.0, float(card.price))
        for name in ("brand", "color"):
            if text := getattr(card, name):
                features[name] = text[:_TEXT]
        return features


def plan_items(
    request: DecisionRequest, merchants: Mapping[str, Merchant], config: ConfigView
) -> list[Plan | None]:
    """One plan per item, in order; None for a product that is unknown or not of ``merchants`` (by slug).

    1 query, and 10 more where ``config`` does not know the answers yet.
    """
    keys = [(merchants[slug].pk, pk) if slug in merchants else None for slug, pk in request.items]
    cards = product_cards({key for key in keys if key})
    categories = {card.category.pk for card in cards.values() if card.category}
    merchant_ids = {merchant_id for merchant_id, _ in cards}
    pools = config.many("pool", categories, pools_for)
    allocated = config.many("allocation", merchant_ids, allocations)
    controlled = config.many("controls", merchant_ids, controls)
    vetoed = config.many("vetoes", merchant_ids, vetoes_of)
    placed = config.many("layout", [(pk, request.placement_id) for pk in sorted(merchant_ids)], layouts)
    by_id = {merchant.pk: merchant for merchant in merchants.values()}
    plans: list[Plan | None] = []
    for key in keys:
        if key is None or key not in cards:
            plans.append(None)
            continue
        card, merchant, decided = cards[key], by_id[key[0]], controlled[key[0]]
        pool = pools.get(card.category.pk) if card.category else None
        control = decided.of(merchant.pk, pool.category.pk if pool else 0)
        assigned = allocated[key[0]].of(request.user_id)
        if control.serve != PoolControl.Serve.POLICY:
            assigned = assigned.outside()
        layout = placed[merchant.pk, request.placement_id]
        plan = Plan(merchant, card, assigned, pool, control, {}, None)
        is_painted = plan.kind in LEARNING and not plan.is_switched_off
        wants = _wants(card, pool, request, layout) if is_painted else {}
        unwanted = _unwanted(card, pool, vetoed[key[0]]) | decided.paused
        wants = {pk: want for pk, want in wants.items() if pk not in unwanted}
        on_white = _on_white(card, request, layout) if _may_be_on_white(plan) else None
        plans.append(replace(plan, wants=wants, on_white=on_white))
    return plans


def _unwanted(card: ProductCard, pool: Pool | None, vetoes: Vetoes) -> frozenset[int]:
    """The versions of the pool whose prompts the merchant does not want for the product."""
    prompts = vetoes.of(card.product_id, card.category)
    return frozenset(
        version.pk for version in (pool.versions if pool else ()) if version.prompt_id in prompts
    )


def _wants(card: ProductCard, pool: Pool | None, request: DecisionRequest, layout: str) -> dict[int, Want]:
    if (
        pool is None
        or card.image is None
        or not card.is_ready
        or not is_paintable(request.width, request.height)
    ):
        return {}
    sha256 = card.image.sha256
    return {pk: Want(sha256, pk, request.width, request.height, layout) for pk in pool.version_ids}


def _on_white(card: ProductCard, request: DecisionRequest, layout: str) -> Want | None:
    if card.image is None or not card.is_ready or not is_paintable(request.width, request.height):
        return None
    return Want(card.image.sha256, 0, request.width, request.height, layout)


def _may_be_on_white(plan: Plan) -> bool:
    if plan.is_switched_off:
        return plan.control.serve == PoolControl.Serve.POSITIONED
    falls_back_on_it = plan.kind in LEARNING and plan.merchant.fallback == Merchant.Fallback.POSITIONED
    return plan.kind == ArmKind.POSITIONED or falls_back_on_it
