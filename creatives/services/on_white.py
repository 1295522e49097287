"""Products on white for a whole catalogue, asked for before the first shopper comes."""

from __future__ import annotations

from django.db import connection

from creatives.selectors.coverage import ON_WHITE, parameters, slots_of
from creatives.services.ahead import MAX_TRIPLETS

# In the order of request_positioned, so that neither waits for the other in a circle.
_ASK = f"""
WITH {ON_WHITE}
INSERT INTO creatives_positionedrendition (merchant_id, file, attempts, error, image_sha256, layout, width, height)
SELECT %(merchant)s, '', 0, '', w.* FROM wanted w WHERE NOT EXISTS (
    SELECT 1 FROM creatives_positionedrendition r WHERE r.merchant_id = %(merchant)s AND r.image_sha256 = w.sha256
        AND r.layout = w.layout AND r.width = w.width AND r.height = w.height)
ORDER BY w.sha256, w.layout COLLATE "C", w.width, w.height LIMIT %(limit)s
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants only


def ask_on_white(merchant_id: int, limit: int = MAX_TRIPLETS) -> int:
    """Ask for the products on white of all active products in all active placements; how many were new, ``limit`` at most.

    Idempotent, in the caller's transaction. No wake-ups are written: the sweeper starts what is due bit by bit, so that a
    whole catalogue does not stand in the queue before everything else. What a decision misses meanwhile it asks for itself.
    """
    slots = slots_of(merchant_id)
    if not slots:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_ASK, parameters(merchant_id, slots) | {"limit": limit})
        return cursor.rowcount
