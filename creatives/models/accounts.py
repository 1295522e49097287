"""People, merchants, and the keys of programs."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from .base import MerchantQuerySet


class AccountManager(UserManager["User"]):
    """Users are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:  # type: ignore[override]
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:  # type: ignore[override]
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person. ``is_staff`` makes an admin of the whole installation; other rights come from memberships."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = AccountManager()  # type: ignore[misc]

    def __str__(self) -> str:
        return self.name or self.email


class Merchant(models.Model):
    """A tenant: its catalogue, creatives, learning and reports are its own."""

    class Fallback(models.TextChoices):
        ORIGINAL = "original", "the original photo"
        POSITIONED = "positioned", "the product positioned on white"

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    auto_approve = models.BooleanField(
        default=False, help_text="Serve new creatives without a person's review."
    )
    fallback = models.CharField(max_length=12, choices=Fallback, default=Fallback.ORIGINAL)
    exploration = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of decisions that pick a prompt at random, logged with its probability.",
    )
    alpha = models.FloatField(default=0.5, validators=[MinValueValidator(0.0), MaxValueValidator(10.0)])
    attribution_minutes = models.PositiveIntegerField(
        default=60, help_text="An impression counts as not clicked once this many minutes have passed."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    objects = MerchantQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may do for a merchant."""

    OWNER = "owner"
    EDITOR = "editor"
    REVIEWER = "reviewer"


class Membership(models.Model):
    """A person's role with a merchant."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "merchant", "role"], name="one_membership_per_role")
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.role} of {self.merchant}"


class Recommender(models.Model):
    """A program that asks for decisions, and the endpoint we call back."""

    name = models.CharField(max_length=80, unique=True)
    is_active = models.BooleanField(default=True)
    is_simulator = models.BooleanField(
        default=False, help_text="Its shoppers are made up: every event is marked as simulated."
    )
    merchants = models.ManyToManyField(Merchant, related_name="recommenders", blank=True)
    webhook_url = models.URLField(blank=True, max_length=500)
    webhook_secret = models.CharField(max_length=120, blank=True, help_text="whsec_… (Standard Webhooks)")
    webhook_secret_previous = models.CharField(
        max_length=120, blank=True, help_text="Signs as well while a secret is being rotated."
    )

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A key of a merchant or of a recommender, shown once and stored as its SHA-256.

    The secret has 256 random bits, so a plain digest is as safe as a slow hash and costs a decision nothing.
    """

    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    merchant = models.ForeignKey(Merchant, models.CASCADE, null=True, blank=True, related_name="api_keys")
    recommender = models.ForeignKey(
        Recommender, models.CASCADE, null=True, blank=True, related_name="api_keys"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(merchant__isnull=True, recommender__isnull=False)
                | Q(merchant__isnull=False, recommender__isnull=True),
                name="api_key_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @staticmethod
    def digest_of(secret: str) -> str:
        """Hex SHA-256 of a presented key."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(
        cls, *, merchant: Merchant | None = None, recommender: Recommender | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which cannot be had again."""
        secret = ("sk_m_" if merchant else "sk_r_") + secrets.token_urlsafe(32)
        key = cls.objects.create(
            prefix=secret[:12], digest=cls.digest_of(secret), merchant=merchant, recommender=recommender
        )
        return key, secret
