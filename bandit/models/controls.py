"""What people decide about a pool's policy, what the safety cap has done, and the record of both."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from creatives.models import Category, Merchant, PromptVersion
from creatives.models.base import TenantQuerySet

from .policies import PolicyKind


class PoolControl(models.Model):
    """How one merchant's shoppers are served from one pool. Without a row everything is as the merchant has it."""

    class Serve(models.TextChoices):
        POLICY = "policy", "what the policy chooses"
        ORIGINAL = "original", "the original photo only"
        POSITIONED = "positioned", "the product positioned on white only"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="pool_controls")
    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    serve = models.CharField(max_length=12, choices=Serve, default=Serve.POLICY)
    kind = models.CharField(max_length=8, choices=PolicyKind, default=PolicyKind.LINUCB)
    alpha = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.0), MaxValueValidator(10.0)]
    )
    exploration = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)]
    )
    newcomer_share = models.FloatField(
        default=0.05, validators=[MinValueValidator(0.0), MaxValueValidator(0.5)]
    )
    newcomer_impressions = models.PositiveIntegerField(default=200)
    pauses_harmful = models.BooleanField(default=True)
    is_frozen = models.BooleanField(default=False)
    half_life_hours = models.FloatField(null=True, blank=True, validators=[MinValueValidator(1.0)])
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "category"], name="one_control_per_pool"),
            models.CheckConstraint(
                condition=Q(alpha__isnull=True) | Q(alpha__gte=0, alpha__lte=10), name="pool_alpha_in_range"
            ),
            models.CheckConstraint(
                condition=Q(exploration__isnull=True) | Q(exploration__gte=0, exploration__lte=1),
                name="pool_exploration_in_unit_interval",
            ),
            models.CheckConstraint(
                condition=Q(newcomer_share__gte=0, newcomer_share__lte=0.5), name="newcomer_share_up_to_half"
            ),
            models.CheckConstraint(
                condition=Q(half_life_hours__isnull=True) | Q(half_life_hours__gt=0),
                name="pool_half_life_above_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant} · {self.category}"


class PausedPrompt(models.Model):
    """A prompt that one merchant's shoppers are not shown for the time being.

    ``paused_by`` None: the safety cap did it, on the figures of ``observed``, ``upper`` and ``expected`` (click rates), the
    last of which is that of what the prompt was held ``beside``. A prompt that a person has resumed is not paused by the
    cap again.
    """

    class Beside(models.TextChoices):
        OTHERS = "others", "the other prompts"
        ORIGINAL = "original", "the original photo"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="paused_prompts")
    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    prompt_version = models.ForeignKey(PromptVersion, models.CASCADE, related_name="+")
    paused_at = models.DateTimeField(auto_now_add=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    impressions = models.PositiveBigIntegerField(default=0)
    observed = models.FloatField(null=True, blank=True)
    upper = models.FloatField(null=True, blank=True)
    expected = models.FloatField(null=True, blank=True)
    beside = models.CharField(max_length=8, choices=Beside, default=Beside.OTHERS)
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-paused_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "prompt_version"],
                condition=Q(resumed_at__isnull=True),
                name="paused_once_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prompt_version} paused for {self.merchant}"


class PolicyAction(models.Model):
    """Who changed what about a pool's policy, and when. Rows are only ever added."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="policy_actions")
    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    what = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["merchant", "category", "-at"], name="actions_of_pool")]

    def __str__(self) -> str:
        return self.what


class Watermark(models.Model):
    """Up to when a process that reads the log bit by bit has read it; its row is the lock of that process."""

    name = models.CharField(max_length=40, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.until}"


class ConfigChange(models.Model):
    """A row for each statement that changed what decisions are made with, written by triggers of the database.

    Its highest id and number of rows, read together, tell a process that keeps such things in memory whether anything has
    been committed since: rows become visible when their change does.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"change {self.pk}"
