"""Reads of the queue: what waits, in which order, and all that the desk shows of one creative."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from creatives.models import Category, Creative, Merchant, ProductImage, Prompt, Rendition, User
from creatives.models.base import TenantQuerySet
from creatives.permissions import REVIEWERS
from review.filters import QueueFilters
from review.models import Skip
from review.policy import Waiting, rank

LOOK_AHEAD = 500  # the oldest ones are ranked; a longer queue is ranked as it moves up
PASSED = "pass"
ALL = QueueFilters()


def waiting(user: User, filters: QueueFilters = ALL) -> QuerySet[Creative]:
    """Creatives in review of the merchants for whom ``user`` reviews, narrowed by ``filters``."""
    merchants = Merchant.objects.for_member(user, REVIEWERS)
    if filters.merchant:
        merchants = merchants.filter(slug=filters.merchant)
    found = Creative.objects.filter(status=Creative.Status.IN_REVIEW, merchant__in=merchants.values("pk"))
    if filters.prompt:
        found = found.filter(request__prompt_version__prompt=filters.prompt)
    if filters.verdict:
        found = found.filter(record__verdict=filters.verdict)
    if filters.category:
        found = found.filter(_pictures_product_of(filters.category))
    return found


def ranked(user: User, filters: QueueFilters) -> list[int]:
    """Ids of what nobody else holds, in the order of review; at most the 500 oldest are looked at."""
    now = timezone.now()
    sizes = (
        Rendition.objects.filter(request=OuterRef("request"))
        .order_by()
        .values("request")
        .annotate(wanted=Count("pk"))
    )
    rows = (
        waiting(user, filters)
        .exclude(Q(claim__expires_at__gt=now))
        .annotate(demand=Subquery(sizes.values("wanted")))
        .order_by("created_at", "pk")
        .values_list("pk", "created_at", "demand", "record__verdict")[:LOOK_AHEAD]
    )
    queue = [
        Waiting(pk, (now - created).total_seconds(), demand or 1, verdict not in (None, "", PASSED))
        for pk, created, demand, verdict in rows
    ]
    return rank(queue, skipped_by(user, [item.creative_id for item in queue]))


def skipped_by(user: User, creative_ids: list[int]) -> dict[int, datetime]:
    """When ``user`` put which of these creatives aside."""
    return dict(
        Skip.objects.filter(reviewer=user, creative__in=creative_ids).values_list("creative_id", "at")
    )


def choices(user: User) -> dict[str, list[Any]]:
    """What the filters may be set to: merchants, and the categories, prompts and verdicts of what waits."""
    queue = waiting(user)
    images = queue.values("request__image_sha256", "merchant")
    products = ProductImage.objects.filter(
        sha256__in=images.values("request__image_sha256"), merchant__in=images.values("merchant")
    )
    return {
        "merchants": list(Merchant.objects.for_member(user, REVIEWERS).order_by("name")),
        "categories": list(
            Category.objects.filter(pk__in=products.values("product__category")).order_by("path")
        ),
        "prompts": list(
            Prompt.objects.filter(pk__in=queue.values("request__prompt_version__prompt")).order_by("name")
        ),
        "verdicts": sorted(filter(None, queue.values_list("record__verdict", flat=True).distinct())),
    }


def _pictures_product_of(category_id: int) -> Exists:
    category = Category.objects.filter(pk=category_id).first()
    path = category.path if category else "\n"
    images: TenantQuerySet = ProductImage.objects.filter(
        Q(product__category__path=path) | Q(product__category__path__startswith=f"{path} > "),
        merchant=OuterRef("merchant"),
        sha256=OuterRef("request__image_sha256"),
    )
    return Exists(images)
