"""Comparisons of checkpoint profiles: one product, prompt and seed, painted by several."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .accounts import Merchant
from .trials import PromptTrial


class ProfileComparison(models.Model):
    """What is painted: a merchant's photo with a prompt at a size (pixels), from one seed.

    Those of a ``trial`` show one product each, with the text that is tried or (``is_in_use``) with the one in use.
    """

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    image_sha256 = models.CharField(max_length=64)
    prompt = models.TextField()
    negative_prompt = models.TextField(blank=True)
    seed = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    layout = models.CharField(max_length=64)
    trial = models.ForeignKey(PromptTrial, models.CASCADE, null=True, blank=True, related_name="pictures")
    is_in_use = models.BooleanField(default=False, db_default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"comparison {self.pk} at {self.width}×{self.height}"


class ComparisonEntry(models.Model):
    """One profile's picture. ``attempts`` counts claims: only the holder of the latest one may write a result.

    ``due_at`` is when it may be claimed, again if its worker has not answered by then. ``facts`` say what it took: device,
    load_ms, paint_ms, weights_bytes, peak_bytes, bucket, verdict, reasons.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    OPEN = ("queued", "running")

    comparison = models.ForeignKey(ProfileComparison, models.CASCADE, related_name="entries")
    profile = models.CharField(max_length=80)
    pipeline_version = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    step = models.PositiveSmallIntegerField(default=0)
    steps = models.PositiveSmallIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    final = models.FileField(max_length=200, blank=True)
    generated = models.FileField(max_length=200, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["comparison", "profile"], name="one_picture_per_profile"),
            models.CheckConstraint(condition=Q(step__lte=F("steps")), name="no_more_steps_than_there_are"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status__in=["queued", "running"]), name="comparison_due"
            )
        ]

    @property
    def seconds(self) -> float | None:
        """How long the painting took, once it is done."""
        return self.facts["paint_ms"] / 1000 if "paint_ms" in self.facts else None

    def __str__(self) -> str:
        return f"{self.profile} in comparison {self.comparison_id}: {self.status}"
