"""Roll-ups: the log counted by hour, day, creative and shopper, so that a report never reads the log itself.

``bandit.rollups`` writes them, each part anew from the log or not at all, so they always equal it. Triggers of the
database note which hours have changed, whoever changed them and how.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from creatives.models import Merchant
from creatives.models.base import TenantQuerySet

from .events import Variant
from .experiments import ArmKind, Experiment


class RollupTouch(models.Model):
    """Something happened to this hour, or to the impression ``decision_id``, in the transaction that wrote this row.

    A click names its impression, not an hour: that impression may not be known yet, or not committed.
    """

    merchant_id = models.BigIntegerField()
    hour = models.DateTimeField(null=True)
    decision_id = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["merchant_id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(hour__isnull=False) ^ Q(decision_id__isnull=False),
                name="touches_hour_or_decision",
            )
        ]

    def __str__(self) -> str:
        return f"touch {self.hour or self.decision_id}"


class RollupState(models.Model):
    """A merchant's roll-ups. Its row is their lock. ``hours_at`` and ``days_at``: what was committed by then is counted."""

    merchant = models.OneToOneField(Merchant, models.CASCADE, primary_key=True, related_name="+")
    hours_at = models.DateTimeField(null=True)
    days_at = models.DateTimeField(null=True)
    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"roll-ups of {self.merchant_id}"


class StaleDay(models.Model):
    """A day whose hours are counted anew and whose day-wise roll-ups are not yet."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "day"], name="one_stale_day")]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.day}"


class Cell(models.Model):
    """Impressions that count, alike in everything reports filter and split by, in one period.

    ``prompt_version_id`` is the prompt that was shown (none for other pictures). With w = 1 / propensity, ``weight`` is Σw,
    ``weight_squared`` Σw², and the ``clicked_*`` ones are the same over clicked impressions only.
    """

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    is_simulated = models.BooleanField()
    experiment_id = models.BigIntegerField(null=True)
    arm = models.CharField(max_length=40)
    arm_kind = models.CharField(max_length=12, choices=ArmKind)
    category_id = models.BigIntegerField(null=True)
    prompt_version_id = models.BigIntegerField(null=True)
    placement = models.CharField(max_length=60)
    device = models.CharField(max_length=20)
    variant = models.CharField(max_length=12, choices=Variant)
    is_fallback = models.BooleanField()
    impressions = models.PositiveBigIntegerField()
    clicks = models.PositiveBigIntegerField()
    conversions = models.PositiveBigIntegerField()
    value = models.DecimalField(max_digits=20, decimal_places=2)
    weight = models.FloatField()
    weight_squared = models.FloatField()
    clicked_weight = models.FloatField()
    clicked_weight_squared = models.FloatField()
    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class HourlyCell(Cell):
    """A cell of one hour; ``hour`` is its start."""

    hour = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["merchant", "hour"])]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.hour}"


class DailyCell(Cell):
    """A cell of one UTC day: the sum of its hours."""

    day = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["merchant", "day"])]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.day}"


class DailyGroup(models.Model):
    """Impressions and clicks of one of ``GROUPS`` groups of users (by a hash of the user) for one key of a dimension.

    Users fall into groups at random, so the spread between the groups says how sure a rate is when the impressions of a
    user are alike.
    """

    GROUPS = 64

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    is_simulated = models.BooleanField()
    dimension = models.CharField(max_length=12)
    key = models.CharField(max_length=60)
    group = models.PositiveSmallIntegerField()
    impressions = models.PositiveBigIntegerField()
    clicks = models.PositiveBigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["merchant", "dimension", "day"])]

    def __str__(self) -> str:
        return f"{self.dimension} {self.key} {self.day}"


class DailyCreative(models.Model):
    """Impressions and clicks of a creative that was shown, by placement."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    is_simulated = models.BooleanField()
    creative_id = models.BigIntegerField()
    placement = models.CharField(max_length=60)
    impressions = models.PositiveBigIntegerField()
    clicks = models.PositiveBigIntegerField()
    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["merchant", "day"])]

    def __str__(self) -> str:
        return f"creative {self.creative_id} {self.day}"


class ExperimentUserDay(models.Model):
    """What one shopper of an experiment saw and did in one day."""

    pk = models.CompositePrimaryKey("experiment", "user_key", "day", "arm", "is_simulated")
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="+", db_index=False)
    user_key = models.CharField(max_length=32)
    day = models.DateField()
    arm = models.CharField(max_length=40)
    is_simulated = models.BooleanField()
    impressions = models.PositiveIntegerField()
    clicks = models.PositiveIntegerField()
    conversions = models.PositiveIntegerField()
    fallbacks = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["experiment", "day"])]

    def __str__(self) -> str:
        return f"{self.user_key} {self.day}"


class ExperimentDay(models.Model):
    """By how much the sums over the users of an arm grew in one day; running sums over the days are the sums themselves.

    With a user's impressions n, clicks c, conversions v and fallbacks f since the start of the experiment: ``nn`` is the
    growth of Σn², ``nc`` of Σnc and so on; ``users`` counts the new ones.
    """

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="days", db_index=False)
    arm = models.CharField(max_length=40)
    is_simulated = models.BooleanField()
    day = models.DateField()
    users = models.BigIntegerField()
    n = models.BigIntegerField()
    c = models.BigIntegerField()
    v = models.BigIntegerField()
    f = models.BigIntegerField()
    nn = models.BigIntegerField()
    nc = models.BigIntegerField()
    cc = models.BigIntegerField()
    nv = models.BigIntegerField()
    vv = models.BigIntegerField()
    nf = models.BigIntegerField()
    ff = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "arm", "is_simulated", "day"], name="one_row_per_arm_and_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id} {self.arm} {self.day}"
