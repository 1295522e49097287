"""Webhook messages and what became of them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .accounts import Merchant, Recommender
from .base import TenantQuerySet


class WebhookDelivery(models.Model):
    """One message to one recommender: its own outbox row. ``message_id`` is the ``webhook-id`` receivers deduplicate by."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        DEAD = "dead"
        SUPERSEDED = "superseded", "overtaken by a later message about the same creative"

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    recommender = models.ForeignKey(Recommender, models.CASCADE, related_name="deliveries")
    message_id = models.UUIDField(unique=True, default=uuid.uuid4)
    event_type = models.CharField(max_length=40)
    dedupe_key = models.CharField(max_length=80)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["recommender", "dedupe_key"], name="one_message_per_event_and_recommender"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(status="pending"), name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.recommender} {self.status}"
