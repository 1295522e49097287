"""Telling recommenders: messages written with the change they are about, sent at least once, with one id each.

A message is its own outbox row. Writing one is the caller's transaction; sending claims the row by moving its ``due_at``
past the attempt, so that a sender that dies lets it fall due again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Now
from django.utils import timezone

from creatives.models import Creative, CreativeRequest, Product, Recommender, Rendition, WebhookDelivery
from creatives.services.files import public_url
from creatives.services.leases import in_seconds
from creatives.webhooks import Answer

CLAIM_GRACE_SECONDS = 10
JITTER = 0.1
"""Attempts are put off by up to this share more, so that an endpoint that comes back is not met by all at once."""


class ReplayError(ValueError):
    """The message cannot be sent again; the text says why."""


def announce(creative: Creative, event: str, renditions: Iterable[Rendition] | None = None) -> int:
    """Write ``creative.<event>`` for every recommender of the merchant that has an endpoint; how many were written.

    The creative's row must be locked by the caller's transaction, and its renditions' files written. Without
    ``renditions`` the message carries all of them and overtakes earlier messages about the creative that are not sent
    yet; with them it adds sizes to what was said before.
    """
    sizes = list(creative.renditions.all() if renditions is None else renditions)
    subject = f"creative:{creative.pk}:"
    stamp = timezone.now()
    data = _facts(creative.request) | {
        "id": creative.pk,
        "status": creative.status,
        "reason": creative.reason,
        **_pictures(creative, [size for size in sizes if size.file]),
    }
    if renditions is None:
        WebhookDelivery.objects.filter(
            recommender__in=_recommenders(creative.merchant_id),
            dedupe_key__startswith=subject,
            status=WebhookDelivery.Status.PENDING,
        ).update(status=WebhookDelivery.Status.SUPERSEDED)
    return _write(
        creative.merchant_id, f"creative.{event}", f"{subject}{event}:{stamp.isoformat()}", stamp, data
    )


def announce_all(creatives: Sequence[Creative], event: str) -> int:
    """``announce`` for many creatives of one merchant, in a constant number of queries; how many were written.

    Their rows must be locked, and come with ``request__merchant``, ``request__prompt_version`` and ``renditions``.
    """
    if not creatives or not _recommenders(creatives[0].merchant_id).exists():
        return 0
    merchant_id, stamp = creatives[0].merchant_id, timezone.now()
    WebhookDelivery.objects.annotate(
        subject=Func(F("dedupe_key"), Value(":"), Value(2), function="split_part", output_field=TextField())
    ).filter(
        recommender__in=_recommenders(merchant_id),
        dedupe_key__startswith="creative:",
        subject__in=[str(creative.pk) for creative in creatives],
        status=WebhookDelivery.Status.PENDING,
    ).update(status=WebhookDelivery.Status.SUPERSEDED)
    items = _items(merchant_id, {creative.request.image_sha256 for creative in creatives})
    messages = [
        (
            f"creative:{creative.pk}:{event}:{stamp.isoformat()}",
            _facts(creative.request, items.get(creative.request.image_sha256, []))
            | {"id": creative.pk, "status": creative.status, "reason": creative.reason}
            | _pictures(creative, [size for size in creative.renditions.all() if size.file]),
        )
        for creative in creatives
    ]
    return _write_all(merchant_id, f"creative.{event}", stamp, messages)


def announce_failure(request: CreativeRequest, reason: str) -> int:
    """Write ``creative.failed`` for a request that was given up; the caller has locked its row."""
    stamp = timezone.now()
    sizes = [{"width": size.width, "height": size.height} for size in request.renditions.order_by("pk")]
    data = _facts(request) | {
        "id": None,
        "status": "failed",
        "reason": reason,
        "size": sizes[0] if sizes else None,
        "image": None,
        "renditions": sizes,
    }
    key = f"request:{request.pk}:failed:{request.fence}"
    return _write(request.merchant_id, "creative.failed", key, stamp, data)


def due_recommenders() -> set[int]:
    """Ids of the recommenders with messages to send now."""
    due = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.PENDING, due_at__lte=Now())
    return set(due.values_list("recommender_id", flat=True))


def claim_delivery(recommender_id: int) -> WebhookDelivery | None:
    """Take the recommender's oldest due message for one attempt, passing over those that others are sending."""
    with transaction.atomic():
        due = WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            recommender=recommender_id, status=WebhookDelivery.Status.PENDING, due_at__lte=Now()
        )
        delivery = due.select_related("recommender").order_by("pk").first()
        if delivery is None:
            return None
        visibility = 2 * settings.WEBHOOK_TIMEOUT_SECONDS + CLAIM_GRACE_SECONDS
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            attempts=F("attempts") + 1, due_at=in_seconds(visibility)
        )
    delivery.attempts += 1
    return delivery


def record_answer(delivery: WebhookDelivery, answer: Answer) -> None:
    """Note how an attempt ended: delivered on 2xx, dead on 410 or after the last attempt, else due again later."""
    row = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(status=WebhookDelivery.Status.DELIVERED)
    seen: dict[str, Any] = {"response_status": answer.status, "error": answer.error}
    if answer.accepted:
        row.update(status=WebhookDelivery.Status.DELIVERED, delivered_at=Now(), **seen)
        return
    pending = row.filter(status=WebhookDelivery.Status.PENDING)
    pauses: Sequence[int] = settings.WEBHOOK_BACKOFF_SECONDS
    if answer.gone or delivery.attempts > len(pauses):
        pending.update(status=WebhookDelivery.Status.DEAD, **seen)
        return
    pause = pauses[delivery.attempts - 1] * (1 + random.uniform(0, JITTER))
    pending.update(due_at=in_seconds(pause), **seen)
    if answer.unreachable:  # one silent endpoint is asked once per pause, not once per message
        others = WebhookDelivery.objects.filter(
            recommender=delivery.recommender_id, status=WebhookDelivery.Status.PENDING, due_at__lte=Now()
        )
        others.update(due_at=in_seconds(pauses[0]))


def replay(delivery_id: int) -> WebhookDelivery:
    """Send a dead or delivered message again, under its own id and with a fresh set of attempts.

    Raises ReplayError when it is still being tried, or when a later message about the same creative has overtaken it.
    """
    with transaction.atomic():
        delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery_id)
        if delivery.status not in (WebhookDelivery.Status.DEAD, WebhookDelivery.Status.DELIVERED):
            raise ReplayError(
                f"message {delivery.message_id} is {delivery.status}; only dead or delivered ones are replayed"
            )
        subject = ":".join(delivery.dedupe_key.split(":")[:2]) + ":"
        later = WebhookDelivery.objects.filter(
            recommender=delivery.recommender_id, dedupe_key__startswith=subject, pk__gt=delivery.pk
        ).exclude(event_type=delivery.event_type)
        if later.exists():
            raise ReplayError(
                f"message {delivery.message_id} was overtaken by a later one about the same creative"
            )
        delivery.status = WebhookDelivery.Status.PENDING
        delivery.attempts, delivery.due_at, delivery.error = 0, timezone.now() - timedelta(seconds=1), ""
        delivery.save(update_fields=["status", "attempts", "due_at", "error"])
    return delivery


def _recommenders(merchant_id: int) -> QuerySet[Recommender]:
    return Recommender.objects.filter(merchants=merchant_id, is_active=True).exclude(webhook_url="")


def _write(merchant_id: int, event_type: str, key: str, stamp: Any, data: dict[str, Any]) -> int:
    return _write_all(merchant_id, event_type, stamp, [(key, data)])


def _write_all(
    merchant_id: int, event_type: str, stamp: Any, messages: Iterable[tuple[str, dict[str, Any]]]
) -> int:
    """One row per message (dedupe key, data) and recommender."""
    recommenders = list(_recommenders(merchant_id))
    timestamp = stamp.isoformat().replace("+00:00", "Z")
    rows = [
        WebhookDelivery(
            merchant_id=merchant_id,
            recommender=recommender,
            event_type=event_type,
            dedupe_key=key,
            payload={"type": event_type, "timestamp": timestamp, "data": data},
        )
        for key, data in messages
        for recommender in recommenders
    ]
    return len(WebhookDelivery.objects.bulk_create(rows, batch_size=1000))


def _items(merchant_id: int, hashes: Iterable[str]) -> dict[str, list[str]]:
    """External ids of the active products that show each photo (1 query)."""
    rows = (
        Product.objects.filter(
            merchant=merchant_id, images__sha256__in=set(hashes), status=Product.Status.ACTIVE
        )
        .order_by("pk")
        .values_list("images__sha256", "external_id")
    )
    found: dict[str, list[str]] = {}
    for sha256, external_id in rows:
        ids = found.setdefault(sha256, [])
        if external_id not in ids:
            ids.append(external_id)
    return found


def _facts(request: CreativeRequest, external_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """What the message says of a request: items (looked up unless given), prompt, layout, bucket."""
    version = request.prompt_version
    if external_ids is None:
        external_ids = _items(request.merchant_id, [request.image_sha256]).get(request.image_sha256, [])
    items = [{"merchant": request.merchant.slug, "id": external_id} for external_id in external_ids]
    return {
        "request_id": request.pk,
        "item": items[0] if items else None,
        "items": items,
        "prompt": {"id": version.prompt_id, "version": version.version},
        "bucket": request.bucket,
        "layout": request.layout,
    }


def _pictures(creative: Creative, sizes: Sequence[Rendition]) -> dict[str, Any]:
    """``image`` is the first exact size (the bucket's picture when none is rendered yet), ``renditions`` all of them."""
    renditions = [
        {"width": size.width, "height": size.height, "url": public_url(size.file)} for size in sizes
    ]
    if renditions:
        image = renditions[0]
    else:
        width, _, height = creative.request.bucket.partition("x")
        image = {"width": int(width), "height": int(height), "url": public_url(creative.final)}
    return {
        "size": {"width": image["width"], "height": image["height"]},
        "image": image,
        "renditions": renditions,
    }
