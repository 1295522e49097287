"""A merchant's rules of review, and which prompts have earned trust under them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator as AtMost
from django.core.validators import MinValueValidator as AtLeast
from django.db import models
from django.db.models import Q

from creatives.models import Category, Merchant, PromptVersion
from creatives.models.base import TenantQuerySet


class ReviewRules(models.Model):
    """One version of a merchant's rules; the newest holds, older ones stay as they were. Shares are 0–1."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="review_rules")
    sla_hours = models.PositiveIntegerField(
        "Decide within (hours)",
        default=24,
        validators=[AtLeast(1), AtMost(720)],
        help_text="Pictures that have waited longer are shown as overdue. 1 to 720.",
    )
    second_share = models.FloatField(
        "Second opinions",
        default=0.0,
        validators=[AtLeast(0.0), AtMost(1.0)],
        help_text="Share of decisions that another reviewer answers as well, without seeing the first answer. 0 to 1; "
        "0.05 is one in twenty. Agreement and Cohen’s kappa come from these.",
    )
    gold_share = models.FloatField(
        "Gold items",
        default=0.0,
        validators=[AtLeast(0.0), AtMost(0.5)],
        help_text="Share of pictures before which a gold item is shown. 0 to 0.5. Administrators choose the items.",
    )
    trust = models.BooleanField(
        "Approve what has earned trust",
        default=False,
        help_text="A prompt whose pictures were approved many times in a row in a category is approved without a "
        "person there. Pictures that the quality gate doubts are always looked at.",
    )
    trust_after = models.PositiveIntegerField(
        "Approvals in a row",
        default=50,
        validators=[AtLeast(10), AtMost(1000)],
        help_text="So many approvals without a rejection between them earn trust. 10 to 1,000.",
    )
    check_share = models.FloatField(
        "Keep checking",
        default=0.05,
        validators=[AtLeast(0.01), AtMost(1.0)],
        help_text="Share of a trusted prompt’s pictures that a person still decides. 0.01 to 1.",
    )
    demote_after = models.PositiveIntegerField(
        "Rejections that end trust",
        default=2,
        validators=[AtLeast(1), AtMost(20)],
        help_text="So many rejections or reversals of a trusted prompt end its trust; it starts again from nothing. "
        "1 to 20.",
    )
    note = models.CharField(max_length=200, blank=True, help_text="Why the rules change; for the record.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sla_hours__range=(1, 720))
                & Q(second_share__range=(0.0, 1.0))
                & Q(gold_share__range=(0.0, 0.5))
                & Q(trust_after__range=(10, 1000))
                & Q(check_share__range=(0.01, 1.0))
                & Q(demote_after__range=(1, 20)),
                name="review_rules_within_limits",
            )
        ]
        indexes = [models.Index(fields=["merchant", "-id"])]

    def __str__(self) -> str:
        return f"review rules of {self.merchant}"


class PromptTrust(models.Model):
    """How far a prompt version is trusted in a product category of a merchant.

    ``streak`` counts the approvals since the last rejection, ``rejections`` those since trust was earned. Both are read
    off the audit trail while this row is locked; lines up to ``counted_from`` no longer count, nor those up to
    ``trusted_from`` against trust.
    """

    class State(models.TextChoices):
        EARNING = "earning", "counting"
        TRUSTED = "trusted", "trusted"
        STOPPED = "stopped", "stopped"

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="prompt_trust")
    prompt_version = models.ForeignKey(PromptVersion, models.PROTECT, related_name="+")
    category = models.ForeignKey(Category, models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.EARNING)
    streak = models.PositiveIntegerField(default=0)
    rejections = models.PositiveIntegerField(default=0)
    counted_from = models.PositiveBigIntegerField(default=0)
    trusted_from = models.PositiveBigIntegerField(default=0)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "prompt_version", "category"], name="one_trust_per_prompt_and_category"
            )
        ]

    def __str__(self) -> str:
        return f"{self.prompt_version} in {self.category}: {self.state}"


class TrustEvent(models.Model):
    """Trust was earned, lost, stopped or started again. ``by`` is empty where a rule did it."""

    class Kind(models.TextChoices):
        EARNED = "earned"
        LOST = "lost"
        STOPPED = "stopped"
        RESTARTED = "restarted"

    trust = models.ForeignKey(PromptTrust, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=9, choices=Kind)
    streak = models.PositiveIntegerField()
    rejections = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.trust}"
