"""Experiments: which share of a merchant's shoppers is shown what."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from creatives.models import Merchant
from creatives.models.base import TenantQuerySet


def new_salt() -> str:
    """32 hexadecimal digits that make the assignment of one experiment independent of every other's."""
    return secrets.token_hex(16)


class ArmKind(models.TextChoices):
    """What an arm of an experiment shows."""

    PERSONALISED = "personalised", "LinUCB chooses the prompt"
    RANDOM = "random", "every prompt of the pool with equal probability"
    ORIGINAL = "original", "the original photo"
    POSITIONED = "positioned", "the product positioned on white"


class Experiment(models.Model):
    """A randomised comparison over the users of one merchant. Its arms do not change once it has started."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=120)
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant"], condition=Q(status="running"), name="one_running_experiment_per_merchant"
            ),
            models.UniqueConstraint(fields=["merchant", "name"], name="one_experiment_per_name"),
            models.CheckConstraint(
                condition=Q(status="draft", started_at__isnull=True, ended_at__isnull=True)
                | Q(status="running", started_at__isnull=False, ended_at__isnull=True)
                | Q(status="stopped", started_at__isnull=False, ended_at__isnull=False),
                name="experiment_times_match_its_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class ExperimentArm(models.Model):
    """One of the things compared. ``share`` is in per cent of users; the shares of an experiment add up to 100."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="arms")
    name = models.SlugField(max_length=40)
    kind = models.CharField(max_length=12, choices=ArmKind)
    share = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "name"], name="one_arm_per_name"),
            models.CheckConstraint(condition=Q(share__gte=1, share__lte=100), name="share_between_1_and_100"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.share} %"
