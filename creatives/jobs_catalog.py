"""RQ jobs of the catalogue: take a key, call a service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from creatives.services import catalog_import, feed_sources, image_fetch
from creatives.services.wakeups import wake_fetch

FETCH_LOCK = 0x1CA7
FEED_LOCK = 0xFEED


def run_import(key: str) -> None:
    """Run or resume the import with this id."""
    catalog_import.run_import(int(key))


def fetch_images(key: str) -> None:
    """Fetch the pending pictures of the merchant with this id, unless another worker is at it."""
    merchant_id = int(key)
    with _alone(FETCH_LOCK, merchant_id) as is_alone:
        if not is_alone:
            return
        all_tried = image_fetch.fetch_pending(merchant_id)
    if not all_tried:
        wake_fetch(merchant_id)


def fetch_feed(key: str) -> None:
    """Fetch the feed of the source with this id if it is due, unless another worker is at it."""
    with _alone(FEED_LOCK, int(key)) as is_alone:
        if is_alone:
            feed_sources.run_source(int(key))


@contextmanager
def _alone(lock: int, key: int) -> Iterator[bool]:
    """Whether nobody else does this. The lock is the database session's, so a killed worker lets go of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, key])
        if not cursor.fetchone()[0]:
            yield False
            return
        try:
            yield True
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, key])
