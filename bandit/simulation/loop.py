"""The simulated recommender at work: pages with decisions, impressions, clicks; a tally of what came of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bandit.simulation.client import StudioClient
from bandit.simulation.truth import Shopper, Truth

PAGE_ITEMS = 4
FLUSH_EVENTS = 200
BROWSER_SHARE = 0.02
SHOPPERS_PER_IMPRESSION = 0.2


@dataclass
class Tally:
    """Counts of a run, by arm and by what was shown."""

    impressions: Counter[str] = field(default_factory=Counter)
    clicks: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    generation: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    cached: int = 0
    policy_version: int = 0

    @property
    def total(self) -> int:
        return sum(self.impressions.values())

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "impressions": self.total,
            "clicks": sum(self.clicks.values()),
            "arms": {
                arm: {"impressions": n, "clicks": self.clicks[arm]}
                for arm, n in sorted(self.impressions.items())
            },
            "shown": dict(self.shown),
            "generation": dict(self.generation),
            "errors": dict(self.errors),
            "events": {"accepted": self.accepted, "duplicates": self.duplicates, "rejected": self.rejected},
            "served_from_webhook_cache": self.cached,
            "policy_version": self.policy_version,
        }


@dataclass(frozen=True)
class Shop:
    """What is shown where: ``pools`` gives, for an item id, the ids of the prompts of its pool, sorted."""

    merchant: str
    items: Sequence[str]
    pools: dict[str, list[int]]
    placement: dict[str, Any]


class Simulation:
    """One run of made-up shoppers. ``known_urls`` returns the picture URLs that webhooks have brought so far."""

    def __init__(
        self,
        client: StudioClient,
        shop: Shop,
        truth: Truth,
        people: Sequence[Shopper],
        rng: random.Random,
        known_urls: Callable[[], set[str]],
    ) -> None:
        self._client, self._shop, self._truth, self._people = client, shop, truth, people
        self._rng, self._known_urls = rng, known_urls
        # A few products are seen most, as in any shop (Zipf).
        self._weights = [1.0 / rank for rank in range(1, len(shop.items) + 1)]
        self._events: list[dict[str, Any]] = []
        self.tally = Tally()

    def run(self, impressions: int, rate: float, progress: Callable[[Tally], None]) -> Tally:
        """Show ``impressions`` pictures at ``rate`` a second (0: as fast as it goes)."""
        started = time.monotonic()
        while self.tally.total < impressions:
            self._page(min(PAGE_ITEMS, impressions - self.tally.total))
            if len(self._events) >= FLUSH_EVENTS:
                self._flush()
            progress(self.tally)
            if rate:
                time.sleep(max(0.0, started + self.tally.total / rate - time.monotonic()))
        self._flush()
        return self.tally

    def _page(self, count: int) -> None:
        """One shopper opens a page with ``count`` different products at most."""
        shopper = self._rng.choice(self._people)
        drawn = self._rng.choices(self._shop.items, weights=self._weights, k=count)
        items = [{"merchant": self._shop.merchant, "id": item} for item in dict.fromkeys(drawn)]
        user = {"id": shopper.id, "features": shopper.features}
        urls = self._known_urls()
        for decision in self._client.decisions(user, self._shop.placement, items):
            if "error" in decision:
                self.tally.errors[decision["error"]["title"]] += 1
                continue
            self._show(shopper, decision, urls)

    def _show(self, shopper: Shopper, decision: dict[str, Any], urls: set[str]) -> None:
        arm = (decision["experiment"] or {}).get("arm", "none")
        pool = self._shop.pools.get(decision["item"]["id"], [])
        prompt = (decision["prompt"] or {}).get("id")
        clicked = self._rng.random() < self._truth.rate(shopper.segment, decision["variant"], prompt, pool)
        tally = self.tally
        tally.impressions[arm] += 1
        tally.clicks[arm] += clicked
        tally.shown[decision["variant"]] += 1
        tally.generation[decision["generation"]] += 1
        tally.policy_version = max(tally.policy_version, decision["policy_version"] or 0)
        tally.cached += decision["variant"] == "generated" and decision["image"]["url"] in urls
        if self._rng.random() < BROWSER_SHARE:  # like a browser: the pixel and the redirect
            self._client.touch(decision["impression_url"])
            if clicked:
                self._client.touch(decision["click_url"])
            return
        token = decision["token"]
        self._events.append(
            {"type": "impression", "token": token, "event_id": f"i-{decision['decision_id']}"}
        )
        if clicked:
            self._events.append({"type": "click", "token": token, "event_id": f"c-{decision['decision_id']}"})

    def _flush(self) -> None:
        if not self._events:
            return
        receipt = self._client.events(self._events)
        self._events = []
        self.tally.accepted += receipt["accepted"]
        self.tally.duplicates += receipt["duplicates"]
        self.tally.rejected += len(receipt["rejected"])
