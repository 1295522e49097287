"""What other policies would have earned on a merchant's own log."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from creatives.models import Category, Merchant
from creatives.models.base import TenantQuerySet


class PolicyComparison(models.Model):
    """One off-policy evaluation of several policies on the log of a pool, run in the background.

    ``candidates`` is a list of ``{"kind", "alpha"}``; ``result`` one entry for each that is done. ``done`` of ``total``
    candidates are finished.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="policy_comparisons")
    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    days = models.PositiveSmallIntegerField(default=30)
    max_rows = models.PositiveIntegerField(default=50_000)
    candidates = models.JSONField(default=list)
    total = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveSmallIntegerField(default=0)
    rows = models.PositiveIntegerField(null=True, blank=True)
    result = models.JSONField(default=list)
    error = models.CharField(max_length=300, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "category"],
                condition=Q(status__in=["queued", "running"]),
                name="one_comparison_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"comparison {self.pk} ({self.status})"
