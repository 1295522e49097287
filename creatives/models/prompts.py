"""Prompt pools: the prompts of a category, each a chain of immutable versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .accounts import Merchant
from .base import TenantQuerySet
from .catalog import Category, Product


class Prompt(models.Model):
    """A background of a category's pool. Its text lives in its versions."""

    category = models.ForeignKey(Category, models.PROTECT, related_name="prompts")
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["category", "name"], name="one_prompt_name_per_pool")]
        ordering = ["category", "name"]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """A text that never changes: an arm of the bandit. A trigger in the database refuses an update of it.

    The version with no ``retired_at`` is the one in use; a prompt has at most one. ``ground`` says whether products stand
    on something in the scene.
    """

    class Ground(models.TextChoices):
        AUTO = "auto", "as the text suggests"
        CONTACT = "contact", "stands on something: a soft shadow below it"
        NONE = "none", "hangs, floats or lies flat: no shadow"

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    text = models.TextField(max_length=600)
    negative_text = models.TextField(max_length=600, blank=True)
    ground = models.CharField(max_length=7, choices=Ground, default=Ground.AUTO, db_default=Ground.AUTO)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "version"], name="one_row_per_prompt_version"),
            models.UniqueConstraint(
                fields=["prompt"], condition=Q(retired_at__isnull=True), name="one_version_in_use_per_prompt"
            ),
        ]
        ordering = ["prompt", "version"]

    def __str__(self) -> str:
        return f"{self.prompt.name} v{self.version}"


class PromptVeto(models.Model):
    """A merchant's word that a prompt is not for a product, or for a category and all below it."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="prompt_vetoes")
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="vetoes")
    product = models.ForeignKey(Product, models.CASCADE, null=True, blank=True, related_name="prompt_vetoes")
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(product__isnull=True) ^ Q(category__isnull=True),
                name="veto_of_product_or_category",
            ),
            models.UniqueConstraint(
                fields=["prompt", "product"], condition=Q(product__isnull=False), name="one_veto_per_product"
            ),
            models.UniqueConstraint(
                fields=["merchant", "prompt", "category"],
                condition=Q(category__isnull=False),
                name="one_veto_per_category",
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.prompt} is not for {self.product or self.category}"
