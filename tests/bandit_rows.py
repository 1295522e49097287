"""Builders of decision tokens and log rows for tests of the bandit."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from bandit.events import record_click, record_impression
from bandit.models import Impression
from bandit.tokens import DecisionToken
from creatives.models import Category, Merchant, PromptVersion

FEATURES = {
    "user": {"device": "mobile", "age": 31},
    "item": {"category": "Home", "price": 20.0},
    "placement": {"id": "home-top", "width": 300, "height": 250},
}


def token(merchant: Merchant, version: PromptVersion | None = None, **fields: Any) -> DecisionToken:
    """A generated creative of ``version`` that was decided two hours ago, with what ``fields`` say otherwise."""
    issued_at = fields.pop("issued_at", timezone.now() - timedelta(hours=2))
    made = DecisionToken(
        decision_id=uuid.uuid4(),
        merchant_id=merchant.pk,
        product_id=1,
        category_id=version.prompt.category_id if version else None,
        creative_id=1,
        prompt_version_id=version.pk if version else None,
        variant="generated" if version else "original",
        is_fallback=False,
        experiment_id=None,
        arm="personalised",
        arm_kind="personalised",
        propensity=0.5,
        policy_version=0,
        encoding_version=1,
        placement="home-top",
        device="mobile",
        user_key="0" * 32,
        features=FEATURES,
        is_simulated=False,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(days=1),
    )
    return replace(made, **fields)


def shown(
    merchant: Merchant,
    version: PromptVersion | None,
    *,
    clicked_after: timedelta | None = None,
    occurred_at: datetime | None = None,
    **fields: Any,
) -> Impression:
    """A recorded impression, by default of two hours ago, and its click if it has one."""
    made = token(merchant, version, **fields)
    record_impression(made, occurred_at or made.issued_at)
    if clicked_after is not None:
        record_click(made, (occurred_at or made.issued_at) + clicked_after)
    return Impression.objects.get(pk=made.decision_id)


def pool(category: Category, size: int = 3) -> list[PromptVersion]:
    """A pool of ``size`` prompts."""
    from tests.factories import prompt_version

    return [prompt_version(category) for _ in range(size)]
