"""Demand: impressions that had to show something else for want of a creative, counted onto the creative's request.

The review desk looks at what shoppers wait for first. The log is read bit by bit; what a transaction that commits late
leaves behind the watermark is not counted, which an order of work can bear.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from bandit.filters import COUNTED_SQL
from bandit.models import Watermark

NAME: Final = "demand"
BEHIND: Final = timedelta(seconds=5)
AT_FIRST: Final = timedelta(days=7)

_LOCK = f"""
WITH missed AS (
    SELECT merchant_id, product_id, prompt_version_id, placement, count(*) AS shown FROM bandit_impression i
    WHERE received_at > %(since)s AND received_at <= %(until)s
        AND is_fallback AND prompt_version_id IS NOT NULL AND product_id IS NOT NULL AND {COUNTED_SQL}
    GROUP BY merchant_id, product_id, prompt_version_id, placement
), wanted AS (
    SELECT r.id, sum(m.shown) AS shown FROM missed m
    JOIN creatives_productimage i ON i.product_id = m.product_id AND i.position = 0
    JOIN creatives_creativerequest r ON r.merchant_id = m.merchant_id AND r.image_sha256 = i.sha256
        AND r.prompt_version_id = m.prompt_version_id
    LEFT JOIN creatives_placement p ON p.slug = m.placement
    WHERE p.id IS NULL OR EXISTS (
        SELECT 1 FROM creatives_rendition n
        WHERE n.request_id = r.id AND n.width = p.width AND n.height = p.height)
    GROUP BY r.id
)
SELECT r.id, w.shown FROM creatives_creativerequest r JOIN wanted w ON w.id = r.id ORDER BY r.id FOR NO KEY UPDATE OF r
"""  # noqa: S608 - constants only
_ADD = """
UPDATE creatives_creativerequest r SET demand = r.demand + w.shown
FROM unnest(%s::bigint[], %s::bigint[]) AS w (id, shown) WHERE r.id = w.id
"""


@transaction.atomic
def count_demand() -> int:
    """Count impressions received since the last time; how many requests were wanted. Others at it are left alone."""
    now = timezone.now()
    Watermark.objects.get_or_create(name=NAME, defaults={"until": now - AT_FIRST})
    mark = Watermark.objects.select_for_update(skip_locked=True).filter(name=NAME).first()
    until = now - BEHIND
    if mark is None or mark.until >= until:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"since": mark.until, "until": until})
        found = cursor.fetchall()
        if found:
            ids, shown = zip(*found, strict=True)
            cursor.execute(_ADD, [list(ids), [int(count) for count in shown]])
    mark.until = until
    mark.save(update_fields=["until"])
    return len(found)
