"""Reads of the queue: what waits, in which order, and all that the desk shows of one creative."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from creatives.models import Category, Creative, Merchant, ProductImage, Prompt, User
from creatives.models.base import TenantQuerySet
from creatives.permissions import REVIEWERS
from review.filters import QueueFilters
from review.models import SecondOpinion, Skip
from review.policy import Waiting, rank, risk

LOOK_AHEAD = 500  # the oldest ones are ranked; a longer queue is ranked as it moves up
PASSED = "pass"
DECIDED = (Creative.Status.APPROVED, Creative.Status.REJECTED)
ALL = QueueFilters()


def narrowed(rows: QuerySet[Creative], filters: QueueFilters) -> QuerySet[Creative]:
    """``rows`` that match ``filters``; whose they are, and whether they are in review, is left alone."""
    if filters.merchant:
        rows = rows.filter(merchant__slug=filters.merchant)
    if filters.prompt:
        rows = rows.filter(request__prompt_version__prompt=filters.prompt)
    if filters.verdict:
        rows = rows.filter(record__verdict=filters.verdict)
    if filters.category:
        rows = rows.filter(pictures(_in_category(filters.category)))
    if filters.q:
        rows = rows.filter(pictures(named(filters.q)))
    if filters.waited:
        rows = rows.filter(created_at__lte=timezone.now() - timedelta(hours=filters.waited))
    return rows


def waiting(user: User, filters: QueueFilters = ALL) -> QuerySet[Creative]:
    """Creatives that wait for ``user``'s eyes, narrowed by ``filters``: in review, or drawn for a second opinion.

    What the user has flagged waits for another, and what two reviewers differ about waits for an owner.
    """
    merchants = Merchant.objects.for_member(user, REVIEWERS).values("pk")
    mine = SecondOpinion.objects.filter(creative=OuterRef("pk"), status__in=SecondOpinion.UNSETTLED).filter(
        Q(first__reviewer=user) | Q(status=SecondOpinion.Status.DISPUTED)
    )
    found = Creative.objects.filter(
        Q(status=Creative.Status.IN_REVIEW) | Q(pk__in=_samples(user), status__in=DECIDED),
        ~Exists(mine),
        merchant__in=merchants,
    )
    return narrowed(found, filters)


def ranked(user: User, filters: QueueFilters) -> list[int]:
    """Ids of what nobody else holds, in the order of review; at most the 500 oldest are looked at."""
    now = timezone.now()
    rows = (
        waiting(user, filters)
        .exclude(Q(claim__expires_at__gt=now))
        .order_by("created_at", "pk")
        .values_list("pk", "created_at", "request__demand", "record__verdict", "record__quality")[:LOOK_AHEAD]
    )
    queue = [
        Waiting(pk, (now - created).total_seconds(), demand, _risk(verdict, quality))
        for pk, created, demand, verdict, quality in rows
    ]
    return rank(queue, skipped_by(user, [item.creative_id for item in queue]))


def _risk(verdict: object, quality: object) -> float:
    scores = quality if isinstance(quality, dict) else {}
    numbers = {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}
    return risk(numbers, verdict not in (None, "", PASSED))


def _samples(user: User) -> list[int]:
    """Creatives whose decision was drawn for a second opinion that ``user`` may give. Few, so their ids are looked up."""
    open_ones = SecondOpinion.objects.filter(
        kind=SecondOpinion.Kind.SAMPLE, status=SecondOpinion.Status.OPEN
    ).exclude(first__reviewer=user)
    return list(open_ones.values_list("creative", flat=True)[:LOOK_AHEAD])


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


def pictures(products: Q) -> Exists:
    """Creatives whose photo shows such a product of the same merchant."""
    images: TenantQuerySet = ProductImage.objects.filter(
        products, merchant=OuterRef("merchant"), sha256=OuterRef("request__image_sha256")
    )
    return Exists(images)


def _in_category(category_id: int) -> Q:
    category = Category.objects.filter(pk=category_id).first()
    path = category.path if category else "\n"
    return Q(product__category__path=path) | Q(product__category__path__startswith=f"{path} > ")


def named(text: str) -> Q:
    """Pictures of products whose title holds ``text``, or whose id it is."""
    return Q(product__title__icontains=text) | Q(product__external_id__iexact=text)
