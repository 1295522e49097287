"""The sweep that no feed, import or picture is forgotten. Everything it looks for is a fact of the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models.functions import Now
from django.utils import timezone

from creatives.models import CatalogImport, FeedSource, ProductImage
from creatives.services.wakeups import wake_feed, wake_fetch, wake_import

GIVE_UP_AFTER: Final = timedelta(days=1)
WAKE_AGAIN_AFTER: Final = timedelta(minutes=1)


def sweep() -> int:
    """Wake whatever is due without a live job; how many were woken."""
    return _imports() + _pictures() + _sources()


def _imports() -> int:
    """Imports whose worker is gone. One that nobody managed to finish within a day fails, in sight."""
    now = timezone.now()
    open_ones = CatalogImport.objects.filter(status__in=["queued", "running"])
    open_ones.filter(queued_at__lt=now - GIVE_UP_AFTER).update(
        status=CatalogImport.Status.FAILED, error="The import did not finish within a day.", finished_at=now
    )
    lost = open_ones.filter(status="queued", queued_at__lt=now - WAKE_AGAIN_AFTER) | open_ones.filter(
        status="running", lease_until__lt=now
    )
    ids = sorted(set(lost.values_list("pk", flat=True)))
    for import_id in ids:
        wake_import(import_id)
    return len(ids)


def _pictures() -> int:
    """Merchants with pictures to fetch now."""
    due = ProductImage.objects.filter(status=ProductImage.Status.PENDING, due_at__lte=Now())
    merchants = set(due.order_by().values_list("merchant_id", flat=True).distinct())
    wake_fetch(*merchants)
    return len(merchants)


def _sources() -> int:
    """Feeds by address whose time has come."""
    due = FeedSource.objects.filter(is_paused=False, next_run_at__lte=Now(), merchant__is_active=True)
    ids = sorted(due.values_list("pk", flat=True))
    wake_feed(*ids)
    return len(ids)
