"""Storing product photos: validated, content-addressed, once per content."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from creatives.models import ProductImage
from creatives.net import FetchError, FetchLimits, fetch
from creatives.pipeline.image_io import ImageError, open_image

log = structlog.get_logger(__name__)

EXTENSIONS: Final = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
}
BATCH: Final = 64
PER_HOST: Final = 4
ATTEMPTS: Final = 3
BACKOFF_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A validated photo: hex SHA-256 of its bytes, storage name, upright size in pixels."""

    sha256: str
    name: str
    width: int
    height: int


def inspect_image(data: bytes) -> StoredImage:
    """What storing ``data`` would give, without storing it. Raises ImageError, which says what is wrong."""
    picture = open_image(data)
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"images/{sha256[:2]}/{sha256}.{EXTENSIONS[picture.format]}"
    return StoredImage(sha256, name, picture.width, picture.height)


def store_image(data: bytes) -> StoredImage:
    """Validate ``data`` and put it into the default storage under its SHA-256. Raises ImageError."""
    image = inspect_image(data)
    if default_storage.exists(image.name) and default_storage.size(image.name) == len(data):
        return image
    name = default_storage.save(image.name, ContentFile(data))  # another name beside one that was cut short
    return StoredImage(image.sha256, name, image.width, image.height)


def fetch_pending(merchant_id: int, seconds: float = 60.0) -> bool:
    """Fetch the merchant's pending pictures for at most about ``seconds``; whether all of them were tried.

    Pictures are fetched in parallel, at most PER_HOST at a time from one host. A result is written only
    while the row still waits for the address that was fetched, so that a newer address, or a second run
    beside this one, loses nothing.
    """
    deadline = time.monotonic() + seconds
    hosts: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(PER_HOST))
    last = 0
    with ThreadPoolExecutor(settings.IMAGE_FETCH_THREADS, thread_name_prefix="fetch") as pool:
        while time.monotonic() < deadline:
            waiting = ProductImage.objects.filter(
                merchant_id=merchant_id, status=ProductImage.Status.PENDING, pk__gt=last
            )
            batch = list(waiting.order_by("pk").values_list("pk", "source_url")[:BATCH])
            if not batch:
                return True
            tasks = [(pk, url, hosts[urlsplit(url).netloc]) for pk, url in batch]
            for pk, url, outcome in pool.map(
                lambda task: (task[0], task[1], _fetch_one(task[1], task[2])), tasks
            ):
                _save_outcome(pk, url, outcome)
            last = batch[-1][0]
    return False


def _fetch_one(url: str, host: threading.Semaphore) -> StoredImage | str:
    """The stored picture, or why there is none."""
    limits = FetchLimits(total_seconds=settings.IMAGE_FETCH_SECONDS)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with host:
                data = fetch(url, limits)
            return store_image(data)
        except ImageError as error:
            return str(error)
        except FetchError as error:
            if not error.is_transient or attempt == ATTEMPTS:
                return str(error)
            time.sleep(BACKOFF_SECONDS * attempt)
    raise AssertionError("unreachable")


def _save_outcome(pk: int, url: str, outcome: StoredImage | str) -> None:
    waiting = ProductImage.objects.filter(pk=pk, source_url=url, status=ProductImage.Status.PENDING)
    if isinstance(outcome, str):
        waiting.update(status=ProductImage.Status.FAILED, error=outcome, fetched_at=timezone.now())
        log.info("image refused", image=pk, error=outcome)
        return
    waiting.update(
        status=ProductImage.Status.READY,
        error="",
        file=outcome.name,
        sha256=outcome.sha256,
        width=outcome.width,
        height=outcome.height,
        fetched_at=timezone.now(),
    )
