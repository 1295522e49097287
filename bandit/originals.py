"""What the original photo earns in a pool, where an experiment or the holdout shows it: what prompts have to beat."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Sum

from bandit.features import FeatureError, encoding
from bandit.filters import CLICKED_SQL, COUNTED_SQL
from bandit.lessons import loads
from bandit.models import ArmKind, DailyCell, Watermark
from bandit.safety import LEAST, Sums
from creatives.models import Merchant

PERIOD = timedelta(days=28)
MAX_ROWS = 20_000
EVERY = timedelta(hours=1)

_SHOWN = f"""
SELECT i.features, c.decision_id IS NOT NULL FROM bandit_impression i LEFT JOIN bandit_click c ON {CLICKED_SQL}
WHERE i.merchant_id = %(merchant)s AND i.category_id = %(category)s AND i.arm_kind = 'original'
    AND i.variant = 'original' AND NOT i.is_fallback AND {COUNTED_SQL}
    AND i.occurred_at > %(since)s AND i.occurred_at <= %(now)s - make_interval(mins => %(window)s)
ORDER BY i.occurred_at DESC LIMIT %(limit)s
"""  # noqa: S608 - constants only


def is_time(merchant_id: int, category_id: int, now: datetime) -> bool:
    """Whether a pool has originals to compare with and nobody has done so within ``EVERY``; then it is the caller's turn."""
    shown = DailyCell.objects.filter(
        merchant=merchant_id,
        category_id=category_id,
        arm_kind=ArmKind.ORIGINAL,
        is_fallback=False,
        day__gte=(now - PERIOD).date(),
    ).aggregate(n=Sum("impressions"))["n"]
    if (shown or 0) < LEAST:
        return False
    name = f"originals {merchant_id} {category_id}"
    with transaction.atomic():
        mark, is_new = Watermark.objects.select_for_update().get_or_create(name=name, defaults={"until": now})
        if not is_new and mark.until > now - EVERY:
            return False
        mark.until = now
        mark.save(update_fields=["until"])
    return True


def sums_of_originals(merchant_id: int, category_id: int, version: int, now: datetime) -> Sums:
    """Σ x xᵀ, Σ r x and the number of the latest ``MAX_ROWS`` originals within ``PERIOD``, in encoding ``version``."""
    window = Merchant.objects.values_list("attribution_minutes", flat=True).get(pk=merchant_id)
    parameters: dict[str, Any] = {
        "merchant": merchant_id,
        "category": category_id,
        "window": window,
        "since": now - PERIOD,
        "now": now,
        "limit": MAX_ROWS,
    }
    encode, contexts, rewards = encoding(version).encode, [], []
    with connection.cursor() as cursor:
        cursor.execute(_SHOWN, parameters)
        for text, clicked in cursor.fetchall():
            features = loads(text)
            try:
                contexts.append(encode(features.get("user"), features.get("item"), features.get("placement")))
            except FeatureError:
                continue
            rewards.append(float(clicked))
    x = np.array(contexts).reshape(-1, encoding(version).n_features)
    return Sums(x.T @ x, x.T @ np.array(rewards), float(len(x)))
