"""Answers that check a reviewer rather than decide a creative: second opinions and gold items."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from creatives.models import Creative, Merchant
from creatives.models.base import TenantQuerySet

from .trail import Decision, Reason


class SecondOpinion(models.Model):
    """Another reviewer looks, without seeing what the first one thinks.

    A *flag* was asked for: the creative waits, and two equal opinions decide it. A *sample* was drawn: the first decision
    stands meanwhile. Different opinions are a dispute, which an owner or administrator resolves. ``lean`` is what the
    first reviewer thinks; empty for a flag without an opinion, where the second one's word is enough.
    """

    class Kind(models.TextChoices):
        FLAG = "flag", "asked for"
        SAMPLE = "sample", "drawn by chance"

    class Status(models.TextChoices):
        OPEN = "open"
        AGREED = "agreed"
        DISPUTED = "disputed"
        RESOLVED = "resolved"
        WITHDRAWN = "withdrawn"

    UNSETTLED = ("open", "disputed")

    merchant = models.ForeignKey(Merchant, models.PROTECT)
    creative = models.ForeignKey(Creative, models.PROTECT, related_name="second_opinions")
    kind = models.CharField(max_length=6, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    first = models.OneToOneField(Decision, models.PROTECT, related_name="opens")
    lean = models.CharField(max_length=8, blank=True, choices=[("approve", "approve"), ("reject", "reject")])
    lean_reason = models.CharField(max_length=20, choices=Reason, blank=True)
    note = models.CharField(max_length=500, blank=True)
    second = models.OneToOneField(Decision, models.PROTECT, null=True, blank=True, related_name="answers")
    resolution = models.OneToOneField(
        Decision, models.PROTECT, null=True, blank=True, related_name="resolves"
    )
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["creative"],
                condition=Q(status__in=["open", "disputed"]),
                name="one_unsettled_second_opinion",
            ),
            models.CheckConstraint(
                condition=Q(second__isnull=True) | ~Q(second=F("first")), name="second_opinion_is_another"
            ),
            models.CheckConstraint(
                condition=(Q(status="resolved", resolution__isnull=False))
                | (~Q(status="resolved") & Q(resolution__isnull=True)),
                name="resolved_names_its_resolution",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "status"])]

    def __str__(self) -> str:
        return f"second opinion on creative {self.creative_id}, {self.status}"


class GoldItem(models.Model):
    """A decided creative whose right answer is known. It is mixed into queues and never changed by the answers.

    Another expected answer is another row: the old one retires, so that past answers keep what they were measured by.
    """

    merchant = models.ForeignKey(Merchant, models.PROTECT)
    creative = models.ForeignKey(Creative, models.PROTECT, related_name="gold_items")
    expected = models.CharField(max_length=8, choices=[("approve", "approve"), ("reject", "reject")])
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    note = models.CharField(max_length=500, blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now_add=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["creative"], condition=Q(retired_at__isnull=True), name="one_gold_item_per_creative"
            ),
            models.CheckConstraint(
                condition=Q(expected="approve", reason="") | (Q(expected="reject") & ~Q(reason="")),
                name="gold_rejections_have_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"gold: {self.expected} creative {self.creative_id}"


class GoldCheck(models.Model):
    """A gold item in one reviewer's queue, and the answer to it; each reviewer gets an item once."""

    gold = models.ForeignKey(GoldItem, models.PROTECT, related_name="checks")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="gold_checks")
    answer = models.OneToOneField(Decision, models.PROTECT, null=True, blank=True, related_name="gold_check")
    claimed_at = models.DateTimeField(auto_now_add=True)
    shown_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gold", "reviewer"], name="one_gold_check_per_reviewer")
        ]
        indexes = [
            models.Index(fields=["reviewer"], condition=Q(answer__isnull=True), name="gold_check_pending")
        ]

    def __str__(self) -> str:
        return f"{self.gold} before {self.reviewer}"
