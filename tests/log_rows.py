"""Rows of the log as a test wants them, written without the API."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from bandit.models import Click, Conversion, Experiment, Impression
from creatives.models import Merchant


class LogRows:
    """The log of a merchant from ``start`` on, with one running experiment."""

    def __init__(self, merchant: Merchant, start: datetime) -> None:
        self.merchant, self.start = merchant, start
        self.experiment = Experiment.objects.create(
            merchant=merchant, name="test", status="running", started_at=start, slot_start=0
        )

    def show(
        self, user: str, hours: float = 0.0, clicked_after: float | None = None, **fields: Any
    ) -> Impression:
        """An impression so many hours after the start, and its click so many minutes later."""
        at = self.start + timedelta(hours=hours)
        defaults = {
            "decision_id": uuid.uuid4(),
            "experiment": self.experiment,
            "arm": "random",
            "arm_kind": "random",
            "placement": "home",
            "variant": "generated",
            "is_fallback": False,
            "propensity": 0.5,
            "policy_version": 0,
            "encoding_version": 1,
            "issued_at": at,
            "occurred_at": at,
        }
        row = Impression.objects.create(merchant=self.merchant, user_key=user, **(defaults | fields))
        if clicked_after is not None:
            self.click(row, clicked_after)
        return row

    def click(self, row: Impression, minutes: float) -> None:
        """The click of an impression, so many minutes after it."""
        at = row.occurred_at + timedelta(minutes=minutes)
        Click.objects.create(decision_id=row.pk, merchant=self.merchant, occurred_at=at)

    def buy(self, row: Impression, value: str = "10.00") -> None:
        """A conversion an hour after the impression."""
        Conversion.objects.create(
            merchant=self.merchant,
            event_id=str(uuid.uuid4()),
            decision_id=row.pk,
            value=value,
            occurred_at=row.occurred_at + timedelta(hours=1),
        )

    def traffic(
        self, rng: random.Random, impressions: int, users: int = 30, days: int = 4
    ) -> list[Impression]:
        """Mixed traffic: several arms, prompts, devices, fallbacks, simulated users, clicks in time and too late."""
        rows = []
        for _ in range(impressions):
            number = rng.randrange(users)
            fell_back = rng.random() < 0.1
            row = self.show(
                f"u{number}",
                hours=rng.uniform(0, 24 * days),
                arm=("random", "personalised", "original")[number % 3],
                experiment=self.experiment if number % 7 else None,
                category_id=rng.choice([1, 2, None]),
                prompt_version_id=rng.choice([11, 12, 13]),
                creative_id=None if fell_back else rng.choice([101, 102]),
                variant="original" if fell_back else "generated",
                is_fallback=fell_back,
                propensity=rng.choice([0.9, 0.5, 1 / 3]),
                device=rng.choice(["", "mobile", "desktop"]),
                placement=rng.choice(["home", "cart"]),
                is_simulated=number % 5 == 0,
                clicked_after=rng.choice([1, 30, 61, 200]) if rng.random() < 0.3 else None,
            )
            if rng.random() < 0.1:
                self.buy(row)
            rows.append(row)
        return rows

    def late_clicks(self, rng: random.Random, count: int) -> None:
        """Clicks of impressions that had none."""
        clicked = set(Click.objects.values_list("decision_id", flat=True))
        rows = [row for row in Impression.objects.filter(merchant=self.merchant) if row.pk not in clicked]
        for row in rng.sample(rows, count):
            self.click(row, rng.choice([1, 59, 300]))
