"""Requests for creatives, the creatives that answer them, and the outbox between the database and the queue."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .accounts import Merchant
from .base import TenantQuerySet
from .prompts import PromptVersion


class CreativeRequest(models.Model):
    """The triplet (image, prompt, size): asked for once, however many products, placements and processes want it.

    ``bucket`` ("320x256") is the generation size and ``layout`` the canonical text of the placement's layout;
    ``sizes`` are the exact sizes ("300x250") that have been asked for. ``fence`` counts claims: only the holder of
    the latest one may write a result. ``demand`` counts impressions that had to show something else for want of it.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    image_sha256 = models.CharField(max_length=64)
    prompt_version = models.ForeignKey(PromptVersion, models.PROTECT, related_name="requests")
    bucket = models.CharField(max_length=9)
    layout = models.CharField(max_length=64)
    pipeline_version = models.CharField(max_length=80)
    seed = models.PositiveBigIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    demand = models.PositiveIntegerField(default=0, db_default=0)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "image_sha256", "prompt_version", "bucket", "layout", "pipeline_version"],
                name="one_request_per_triplet",
            ),
            models.CheckConstraint(condition=Q(fence__gte=F("attempts")), name="fence_never_behind_attempts"),
        ]
        indexes = [
            models.Index(fields=["bucket", "due_at"], condition=Q(status="queued"), name="request_due"),
            models.Index(fields=["lease_until"], condition=Q(status="running"), name="request_leased"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk} {self.bucket} {self.status}"


class Creative(models.Model):
    """A painted picture of a request. Only an approved one is ever served; a request has at most one that is alive.

    A paused one was approved and is not served for the time being. ``retired_from`` is the status that a creative had
    when it retired with its product or by a veto, and comes back to with them.
    """

    class Status(models.TextChoices):
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        PAUSED = "paused"
        REJECTED = "rejected"
        RETIRED = "retired"

    ALIVE = ("in_review", "approved", "paused")

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    request = models.ForeignKey(CreativeRequest, models.CASCADE, related_name="creatives")
    seed = models.PositiveBigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.IN_REVIEW)
    reason = models.CharField(max_length=60, blank=True)
    retired_from = models.CharField(max_length=10, blank=True, default="", db_default="")
    mask = models.FileField(max_length=200)
    placed = models.FileField(max_length=200)
    edges = models.FileField(max_length=200)
    generated = models.FileField(max_length=200)
    final = models.FileField(max_length=200)
    record = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "seed"], name="one_creative_per_seed"),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(status__in=["in_review", "approved", "paused"]),
                name="one_living_creative_per_request",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "status", "created_at"])]

    def __str__(self) -> str:
        return f"creative {self.pk} {self.status}"


class Rendition(models.Model):
    """A creative at one exact size. A row without a file is a size asked for and not yet rendered.

    It hangs on the request, so that a size can be asked for before there is a picture.
    """

    request = models.ForeignKey(CreativeRequest, models.CASCADE, related_name="renditions")
    creative = models.ForeignKey(Creative, models.SET_NULL, null=True, blank=True, related_name="renditions")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    file = models.FileField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "width", "height"], name="one_rendition_per_size"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(file=""), name="rendition_due")]

    def __str__(self) -> str:
        return f"{self.width}×{self.height} of request {self.request_id}"


class PositionedRendition(models.Model):
    """The product placed on white (step 2) at one exact size: the fallback of merchants who choose it."""

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    image_sha256 = models.CharField(max_length=64)
    layout = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    file = models.FileField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "image_sha256", "layout", "width", "height"],
                name="one_positioned_per_size",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(file=""), name="positioned_due")]

    def __str__(self) -> str:
        return f"{self.width}×{self.height} on white of {self.image_sha256[:8]}"


class OutboxEntry(models.Model):
    """A wake-up to be put on the queue, written in the transaction of the row that it is about."""

    job = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    available_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="one_wake_up_per_job_and_key")]
        indexes = [models.Index(fields=["available_at"])]

    def __str__(self) -> str:
        return f"{self.job}({self.key})"
