"""The pictures of a request that are there already, and asking for those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from django.db import DatabaseError

from bandit.plans import Plan
from bandit.recent import Recently
from bandit.selectors import ProductCard
from creatives.models import Merchant
from creatives.selectors.serving import ServingState, positioned_urls, serving_states
from creatives.services.files import public_url
from creatives.services.generation import Want, request_creatives, request_positioned
from creatives.services.sizes import current_pipeline_version

log = structlog.get_logger("decisions")

BLOCKED = ("rejected", "failed")
"""States of a picture that will not be served, so that its prompt is no longer chosen for it."""


@dataclass(frozen=True)
class Picture:
    """A file that can be shown; its true size in pixels, None where nobody has measured it yet."""

    url: str
    width: int | None
    height: int | None


def original(card: ProductCard) -> Picture | None:
    """The merchant's own photo: our copy, or the merchant's while it has not been fetched; None without any."""
    image = card.image
    if image is None:
        return None
    if card.is_ready:
        return Picture(public_url(image.file), image.width, image.height)
    return Picture(image.source_url, None, None)


class Pictures:
    """What is known about the generated and the positioned pictures of some plans: two queries for each merchant."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._states: dict[int, dict[Want, ServingState]] = {}
        self._positioned: dict[int, dict[Want, str]] = {}
        for merchant_id, mine in _by_merchant(plans).items():
            wants = dict.fromkeys(want for plan in mine for want in plan.wants.values())
            on_white = dict.fromkeys(plan.on_white for plan in mine if plan.on_white)
            # One shopper is in one arm, so all the items of a merchant want pictures of one version.
            version = mine[0].assigned.pipeline_version
            self._states[merchant_id] = serving_states(merchant_id, list(wants), version) if wants else {}
            self._positioned[merchant_id] = positioned_urls(merchant_id, list(on_white)) if on_white else {}

    def state(self, plan: Plan, version_id: int) -> ServingState:
        """What became of the picture of ``plan`` with a prompt."""
        return self._states[plan.merchant.pk][plan.wants[version_id]]

    def positioned(self, plan: Plan) -> Picture | None:
        """The product on white, if it may be shown and is there."""
        want = plan.on_white
        url = self._positioned[plan.merchant.pk].get(want) if want else None
        return Picture(url, want.width, want.height) if want and url else None

    def eligible(self, plan: Plan) -> list[int]:
        """The prompt versions that ``plan`` may still choose, in the order of the pool.

        A version of the pipeline that is not the current one paints no more: of that only what is ready.
        """
        version = plan.assigned.pipeline_version
        is_past = bool(version) and version != current_pipeline_version()
        states = {version_id: self.state(plan, version_id).state for version_id in plan.wants}
        return [
            pk for pk, state in states.items() if state not in BLOCKED and not (is_past and state != "ready")
        ]

    def blocked_by(self, plan: Plan) -> str:
        """Why a plan without eligible prompts has none: "rejected" if a person said so of any, else "failed"."""
        states = {self.state(plan, version_id).state for version_id in plan.wants}
        return "rejected" if "rejected" in states else "failed"


def request_missing(
    merchant: Merchant, wants: Iterable[Want], on_white: Iterable[Want], asked: Recently
) -> None:
    """Ask for pictures that nobody has asked for yet; those of the last seconds are not asked for again.

    A decision is answered even where this fails: the next one asks again.
    """
    new = asked.unknown([(merchant.pk, want) for want in dict.fromkeys(wants)])
    white = asked.unknown([(merchant.pk, want) for want in dict.fromkeys(on_white)])
    try:
        if new:
            request_creatives(merchant, [want for _, want in new])
        if white:
            request_positioned(merchant, [want for _, want in white])
    except DatabaseError:
        log.exception("request_failed", merchant=merchant.pk, creatives=len(new), positioned=len(white))
    else:
        asked.note([*new, *white])


def _by_merchant(plans: Iterable[Plan]) -> dict[int, list[Plan]]:
    grouped: dict[int, list[Plan]] = {}
    for plan in plans:
        grouped.setdefault(plan.merchant.pk, []).append(plan)
    return grouped
