"""What LinUCB has learned, version by version."""

from __future__ import annotations

from django.db import models

from creatives.models import Category, Merchant
from creatives.models.base import TenantQuerySet


class SnapshotQuerySet(TenantQuerySet):
    """Snapshots belong to the merchant of their policy."""

    merchant_path = "policy__merchant"


class Policy(models.Model):
    """A lineage of LinUCB states: one merchant, one category pool, one encoding of the features.

    Its row is the lock of its learner. ``current_version`` 0 means that nothing has been learned. The width of the
    exploration bonus is not part of the state: serving takes the merchant's.
    """

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="policies")
    category = models.ForeignKey(Category, models.PROTECT, related_name="policies")
    encoding_version = models.PositiveSmallIntegerField()
    ridge = models.FloatField(default=1.0)
    current_version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["merchant", "category", "encoding_version"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "category", "encoding_version"], name="one_policy_per_pool_and_encoding"
            ),
            models.CheckConstraint(condition=models.Q(ridge__gt=0), name="ridge_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.merchant} · {self.category} v{self.current_version}"


class PolicySnapshot(models.Model):
    """An immutable state of a policy. ``state`` is what ``bandit.snapshot.to_bytes`` makes of ``LinUCB.state()``."""

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="snapshots")
    version = models.PositiveIntegerField()
    state = models.BinaryField()
    impressions = models.PositiveBigIntegerField(
        help_text="How many impressions the state has learned from, in all."
    )
    clicks = models.PositiveBigIntegerField(help_text="How many of them were clicked in time.")
    created_at = models.DateTimeField(auto_now_add=True)
    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-version"]
        constraints = [models.UniqueConstraint(fields=["policy", "version"], name="one_snapshot_per_version")]

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.version}"
