"""The log: what was shown, clicked and bought. Rows are facts of the past, so they hold on to nothing that may go.

Products, creatives, prompts and experiments are referred to without a database constraint: deleting one of them neither
deletes the log nor makes an event that is under way impossible to record.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from creatives.models import Category, Creative, Merchant, Product, PromptVersion
from creatives.models.base import TenantQuerySet

from .experiments import ArmKind, Experiment


class Variant(models.TextChoices):
    """What the shopper was shown."""

    ORIGINAL = "original"
    POSITIONED = "positioned"
    GENERATED = "generated"


def loose(model: type[models.Model]) -> Any:
    """A reference of the log: nullable, without a constraint."""
    return models.ForeignKey(
        model, models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False, db_index=False
    )


class Impression(models.Model):
    """A decision that was shown. ``features`` holds the raw features by group, so that any encoding can be rebuilt.

    ``propensity`` is the probability with which the prompt was chosen, in (0, 1]. Rows with ``flags`` are kept but do not
    count (``bandit.filters``); ``flagged_at`` is when the last flag was added to a row that had been recorded without it.
    """

    decision_id = models.UUIDField(primary_key=True, editable=False)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    product = loose(Product)
    category = loose(Category)
    creative = loose(Creative)
    prompt_version = loose(PromptVersion)
    experiment = loose(Experiment)
    arm = models.CharField(max_length=40, blank=True)
    arm_kind = models.CharField(max_length=12, choices=ArmKind)
    placement = models.CharField(max_length=60)
    device = models.CharField(max_length=20, blank=True)
    variant = models.CharField(max_length=12, choices=Variant)
    is_fallback = models.BooleanField()
    propensity = models.FloatField()
    policy_version = models.PositiveIntegerField()
    encoding_version = models.PositiveSmallIntegerField()
    features = models.JSONField(default=dict)
    user_key = models.CharField(max_length=32)
    is_simulated = models.BooleanField(default=False)
    flags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    flagged_at = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["merchant", "occurred_at"]),
            BrinIndex(fields=["received_at"], name="impression_received"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(propensity__gt=0, propensity__lte=1), name="propensity_in_unit_interval"
            ),
        ]

    def __str__(self) -> str:
        return f"impression {self.decision_id}"


class Click(models.Model):
    """The first click of a decision. It may arrive before the impression, and counts once that is there.

    ``settled_at`` is when the learner was done with it: learned as a reward, or found to be none.
    """

    decision_id = models.UUIDField(primary_key=True, editable=False)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    event_id = models.CharField(max_length=100, blank=True)
    is_simulated = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["merchant", "occurred_at"]),
            models.Index(
                fields=["received_at"], condition=Q(settled_at__isnull=True), name="click_unsettled"
            ),
            BrinIndex(fields=["received_at"], name="click_received"),
        ]

    def __str__(self) -> str:
        return f"click {self.decision_id}"


class SetAside(models.Model):
    """A report that was not counted, and why: kept, so that nothing that was reported is lost.

    ``repeat``: the decision has such an event already, and this is another one, not the same sent again. ``bot``: a program
    that says so opened the link. At most ``bandit.events.MAX_SET_ASIDE`` are kept for a decision, kind and reason.
    """

    class Reason(models.TextChoices):
        REPEAT = "repeat"
        BOT = "bot"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    decision_id = models.UUIDField()
    kind = models.CharField(max_length=12)
    reason = models.CharField(max_length=8, choices=Reason)
    event_id = models.CharField(max_length=100, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "set aside"
        constraints = [
            models.UniqueConstraint(
                fields=["decision_id", "kind", "reason", "event_id", "occurred_at"], name="set_aside_once"
            )
        ]
        indexes = [BrinIndex(fields=["received_at"], name="set_aside_received")]

    def __str__(self) -> str:
        return f"{self.reason} {self.kind} {self.decision_id}"


class Conversion(models.Model):
    """A purchase or other goal that the caller ascribes to a decision, known by the caller's ``event_id``."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    event_id = models.CharField(max_length=100)
    decision_id = models.UUIDField(db_index=True)
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    is_simulated = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "event_id"], name="one_conversion_per_event")
        ]
        indexes = [models.Index(fields=["merchant", "occurred_at"])]

    def __str__(self) -> str:
        return f"conversion {self.event_id}"
