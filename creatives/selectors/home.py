"""The numbers of the start page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from creatives.models import (
    ApiKey,
    Creative,
    CreativeRequest,
    Merchant,
    OutboxEntry,
    Placement,
    Product,
    PromptVersion,
    Recommender,
    User,
    WebhookDelivery,
)
from creatives.selectors.prompts import pools_for

OPEN_REQUESTS = ("queued", "running")


@dataclass(frozen=True)
class MerchantCounts:
    """What a merchant has."""

    products: int
    products_without_pool: int
    approved: int
    in_review: int
    open_requests: int
    failed_requests: int
    live_keys: int

    @property
    def creatives(self) -> int:
        """Painted pictures that are alive."""
        return self.approved + self.in_review

    @property
    def is_set_up(self) -> bool:
        """Whether catalogue, creatives and a key are there."""
        return bool(self.products and self.approved and self.live_keys)


@dataclass(frozen=True)
class QueueHealth:
    """How generation and delivery are doing over all merchants."""

    queued: int
    running: int
    failed: int
    done_last_hour: int
    oldest_due: datetime | None
    outbox: int
    deliveries_pending: int
    deliveries_dead: int
    in_review: int

    @property
    def is_stuck(self) -> bool:
        """Whether work that is due has waited for more than ten minutes."""
        return self.oldest_due is not None and self.oldest_due < timezone.now() - timedelta(minutes=10)


@dataclass(frozen=True)
class Gap:
    """Something an installation needs before it can do its work: what, why, and the url name of the page to add it."""

    label: str
    why: str
    page: str


def installation_gaps() -> list[Gap]:
    """What is still missing, in the order in which to add it."""
    needed = (
        (Merchant, Gap("Add a merchant", "A tenant with a catalogue of its own.", "merchant-add")),
        (Placement, Gap("Add a placement", "The sizes in which creatives are shown.", "placement-add")),
        (
            PromptVersion,
            Gap("Add prompts", "The backgrounds that a category's products may have.", "prompts"),
        ),
        (
            Recommender,
            Gap("Add a recommender", "The program that asks which picture to show.", "recommender-add"),
        ),
    )
    return [gap for model, gap in needed if not model.objects.exists()]


def merchant_counts(merchant: Merchant) -> MerchantCounts:
    """Counts for one merchant (a constant number of queries)."""
    by_category = dict(
        Product.objects.filter(merchant=merchant, status=Product.Status.ACTIVE)
        .values_list("category_id")
        .annotate(Count("pk"))
    )
    pools = pools_for(by_category)
    creatives = dict(Creative.objects.filter(merchant=merchant).values_list("status").annotate(Count("pk")))
    requests = dict(
        CreativeRequest.objects.filter(merchant=merchant).values_list("status").annotate(Count("pk"))
    )
    return MerchantCounts(
        products=sum(by_category.values()),
        products_without_pool=sum(count for category, count in by_category.items() if category not in pools),
        approved=creatives.get(Creative.Status.APPROVED, 0),
        in_review=creatives.get(Creative.Status.IN_REVIEW, 0),
        open_requests=sum(requests.get(status, 0) for status in OPEN_REQUESTS),
        failed_requests=requests.get(CreativeRequest.Status.FAILED, 0),
        live_keys=ApiKey.objects.filter(
            Q(merchant=merchant) | Q(recommender__merchants=merchant, recommender__is_active=True),
            revoked_at=None,
        ).count(),
    )


def review_queue_length(user: User) -> int:
    """Creatives that wait for a decision by ``user`` or a colleague."""
    return Creative.objects.for_member(user, ("reviewer",)).filter(status=Creative.Status.IN_REVIEW).count()


def queue_health() -> QueueHealth:
    """Generation, outbox and webhooks over all merchants."""
    now = timezone.now()
    requests = CreativeRequest.objects.aggregate(
        queued=Count("pk", filter=Q(status="queued")),
        running=Count("pk", filter=Q(status="running")),
        failed=Count("pk", filter=Q(status="failed")),
        done_last_hour=Count("pk", filter=Q(status="done", finished_at__gte=now - timedelta(hours=1))),
        oldest_due=Min("due_at", filter=Q(status="queued", due_at__lte=now)),
    )
    deliveries = WebhookDelivery.objects.aggregate(
        deliveries_pending=Count("pk", filter=Q(status="pending")),
        deliveries_dead=Count("pk", filter=Q(status="dead")),
    )
    return QueueHealth(
        **requests,
        **deliveries,
        outbox=OutboxEntry.objects.filter(available_at__lte=now).count(),
        in_review=Creative.objects.filter(status=Creative.Status.IN_REVIEW).count(),
    )
