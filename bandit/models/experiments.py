"""Experiments: which share of a merchant's shoppers is shown what."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

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


class Design(models.TextChoices):
    """The designs of the paper's three phases, and one's own."""

    PHASE_1 = "phase_1", "Phase I: original, positioned or generated picture"
    PHASE_2 = "phase_2", "Phase II: one version of the pipeline against another"
    PHASE_3 = "phase_3", "Phase III: random prompt against LinUCB"
    CUSTOM = "custom", "A design of your own"


class Layer(models.Model):
    """The line [0, 100) on which a merchant's shoppers have their places, in per cent.

    A running experiment holds a stretch of it that no other one has, so nobody is in two experiments at once. The last
    ``holdout`` per cent are never in any and always see the original photo: what they click tells what all of it together
    has brought.
    """

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="+")
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    holdout = models.PositiveSmallIntegerField(default=0)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(holdout__lte=50), name="holdout_up_to_half")]

    def __str__(self) -> str:
        return f"layer of {self.merchant_id}"


class Experiment(models.Model):
    """A randomised comparison over the users of one merchant. Its arms do not change once it has started.

    ``traffic`` per cent of the merchant's shoppers are set aside for it, from ``slot_start`` on, and of those ``enrolled``
    per cent take part; that share may grow while it runs. ``baseline`` (a click rate), ``minimal_gain`` (relative) and
    ``power`` say how long it has to run.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=120)
    design = models.CharField(max_length=8, choices=Design, default=Design.CUSTOM)
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    traffic = models.PositiveSmallIntegerField(default=100)
    slot_start = models.PositiveSmallIntegerField(null=True, blank=True)
    enrolled = models.PositiveSmallIntegerField(default=100)
    baseline = models.FloatField(default=0.02)
    minimal_gain = models.FloatField(default=0.1)
    power = models.FloatField(default=0.8)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "name"], name="one_experiment_per_name"),
            ExclusionConstraint(
                name="running_experiments_share_nobody",
                expressions=[
                    ("merchant", RangeOperators.EQUAL),
                    (
                        Func(F("slot_start"), F("slot_start") + F("traffic"), function="int4range"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status="running"),
            ),
            models.CheckConstraint(
                condition=Q(status="draft", started_at__isnull=True, ended_at__isnull=True)
                | Q(status="running", started_at__isnull=False, ended_at__isnull=True)
                | Q(status="stopped", started_at__isnull=False, ended_at__isnull=False),
                name="experiment_times_match_its_status",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", slot_start__isnull=True) | Q(slot_start__isnull=False),
                name="experiment_has_a_slot_once_started",
            ),
            models.CheckConstraint(
                condition=Q(traffic__gte=1, traffic__lte=100, enrolled__gte=1, enrolled__lte=100),
                name="experiment_shares_in_per_cent",
            ),
            models.CheckConstraint(
                condition=Q(slot_start__isnull=True) | Q(slot_start__lte=100 - F("traffic")),
                name="slot_ends_on_the_line",
            ),
            models.CheckConstraint(
                condition=Q(baseline__gt=0, baseline__lt=1, minimal_gain__gt=0, power__gt=0, power__lt=1),
                name="experiment_can_be_planned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class ExperimentArm(models.Model):
    """One of the things compared. ``share`` is in per cent of users; the shares of an experiment add up to 100.

    ``pipeline_version`` restricts the pictures to those that version has painted; empty means the newest there are. The
    others are compared with the arm that ``is_control``.
    """

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="arms")
    name = models.SlugField(max_length=40)
    kind = models.CharField(max_length=12, choices=ArmKind)
    share = models.PositiveSmallIntegerField()
    is_control = models.BooleanField(default=False)
    pipeline_version = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "name"], name="one_arm_per_name"),
            models.UniqueConstraint(
                fields=["experiment"], condition=Q(is_control=True), name="one_control_per_experiment"
            ),
            models.CheckConstraint(condition=Q(share__gte=1, share__lte=100), name="share_between_1_and_100"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.share} %"


class ExperimentAction(models.Model):
    """Who planned, started, widened or stopped an experiment. Rows are only ever added."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="actions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    what = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return self.what
