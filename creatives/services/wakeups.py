"""Wake-ups of the catalogue's jobs."""

from __future__ import annotations

from typing import Final

from creatives.outbox import wake

RUN_IMPORT: Final = "creatives.jobs_catalog.run_import"
FETCH_IMAGES: Final = "creatives.jobs_catalog.fetch_images"
FETCH_FEED: Final = "creatives.jobs_catalog.fetch_feed"


def wake_import(import_id: int) -> None:
    """Have the import run once the transaction has committed."""
    wake(RUN_IMPORT, [str(import_id)])


def wake_fetch(*merchant_ids: int) -> None:
    """Have the merchants' pending pictures fetched once the transaction has committed."""
    wake(FETCH_IMAGES, [str(merchant_id) for merchant_id in merchant_ids])


def wake_feed(*source_ids: int) -> None:
    """Have the feeds of these sources fetched once the transaction has committed, if their time has come."""
    wake(FETCH_FEED, [str(source_id) for source_id in source_ids])
