"""What the bandit has learned, version by version."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from creatives.models import Category, Merchant
from creatives.models.base import TenantQuerySet


class SnapshotQuerySet(TenantQuerySet):
    """Snapshots belong to the merchant of their policy."""

    merchant_path = "policy__merchant"


class PolicyKind(models.TextChoices):
    """The policies that can be served."""

    LINUCB = "linucb", "LinUCB, a model for each prompt"
    HYBRID = "hybrid", "LinUCB with a part that all prompts share"
    TS = "ts", "Thompson sampling"


class Policy(models.Model):
    """A lineage of states: one merchant, one category pool, one encoding of the features, one kind of policy.

    ``current_version`` is the one that is served and learned on; 0 means that nothing has been learned. Of a pool's lineages
    one ``is_active``; the learner locks the rows of all of them. The width of the exploration bonus is not part of the
    state: serving takes the pool's or the merchant's.
    """

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="policies")
    category = models.ForeignKey(Category, models.PROTECT, related_name="policies")
    encoding_version = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=PolicyKind, default=PolicyKind.LINUCB)
    ridge = models.FloatField(default=1.0)
    half_life_hours = models.FloatField(
        null=True, blank=True, help_text="After this long a lesson weighs half; empty: nothing is forgotten."
    )
    current_version = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["merchant", "category", "encoding_version"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "category", "encoding_version", "kind"], name="one_policy_per_lineage"
            ),
            models.UniqueConstraint(
                fields=["merchant", "category"],
                condition=Q(is_active=True),
                name="one_active_policy_per_pool",
            ),
            models.CheckConstraint(condition=Q(ridge__gt=0), name="ridge_above_zero"),
            models.CheckConstraint(
                condition=Q(half_life_hours__isnull=True) | Q(half_life_hours__gt=0),
                name="half_life_above_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant} · {self.category} v{self.current_version}"


class PolicySnapshot(models.Model):
    """An immutable state of a policy. ``state`` is what ``bandit.snapshot.to_bytes`` makes of the policy's ``state()``.

    Older ones are thinned out; what led from one version to the next is kept for good (``LearningStep``).
    """

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="snapshots")
    version = models.PositiveIntegerField()
    state = models.BinaryField()
    impressions = models.PositiveBigIntegerField(
        help_text="How many impressions the state has learned from, in all."
    )
    clicks = models.PositiveBigIntegerField(help_text="How many of them were clicked in time.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-version"]
        constraints = [models.UniqueConstraint(fields=["policy", "version"], name="one_snapshot_per_version")]

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.version}"
