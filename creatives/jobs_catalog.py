"""RQ jobs of the catalogue: take a key, call a service."""

from __future__ import annotations

from django.db import connection

from creatives.services import catalog_import, images
from creatives.services.wakeups import wake_fetch

FETCH_LOCK = 0x1CA7


def run_import(key: str) -> None:
    """Run or resume the import with this id."""
    catalog_import.run_import(int(key))


def fetch_images(key: str) -> None:
    """Fetch the pending pictures of the merchant with this id, unless another worker is at it.

    The lock is the database session's, so a killed worker lets go of it.
    """
    merchant_id = int(key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [FETCH_LOCK, merchant_id])
        if not cursor.fetchone()[0]:
            return
        try:
            all_tried = images.fetch_pending(merchant_id)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [FETCH_LOCK, merchant_id])
    if not all_tried:
        wake_fetch(merchant_id)
