"""The audit trail, and what a reviewer holds, has put aside, or comes back to."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from creatives.models import Creative, Merchant
from creatives.models.base import TenantQuerySet


class Reason(models.TextChoices):
    """Why a picture is turned down: the classes of JD's human feedback (arXiv 2408.00418), then brand, safety, other.

    The order is the order of the digits 1–8 on the keyboard.
    """

    UNSUITABLE_INPUT = "unsuitable_input", "unsuitable input"
    SPACE_MISMATCH = "space_mismatch", "space mismatch (floating)"
    SIZE_MISMATCH = "size_mismatch", "size mismatch"
    INDISTINCT = "indistinct", "indistinct product"
    SHAPE_HALLUCINATION = "shape_hallucination", "shape hallucination"
    BRAND = "brand", "off brand"
    SAFETY = "safety", "unsafe content"
    OTHER = "other", "other"


class DecisionQuerySet(TenantQuerySet):
    """Lines of the trail."""

    def effective(self) -> Self:
        """Lines that speak of the creative's own state: a person's decisions and automatic approvals."""
        return self.filter(purpose__in=[Decision.Purpose.DECIDE, Decision.Purpose.AUTO])


class Decision(models.Model):
    """One line of the audit trail. A trigger in the database refuses to change or delete it.

    A decision stands while no later one exists for its creative; ``undoes`` names the decision that an undo took back.
    ``uuid`` comes with the form, so that the same form sent twice is one decision; ``batch`` is that of all that were
    decided together. ``purpose`` tells a decision from an answer that leaves the creative as it is (a gold check, a
    second opinion) and from an automatic approval, which has no reviewer; ``trust`` is the row it counts for.
    """

    class Action(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"
        UNDO = "undo"
        RETIRE = "retire"
        FLAG = "flag"
        REOPEN = "reopen"

    class Purpose(models.TextChoices):
        DECIDE = "decide", "decision"
        AUTO = "auto", "automatic approval"
        SECOND = "second", "second opinion"
        GOLD = "gold", "gold check"

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="decisions")
    creative = models.ForeignKey(Creative, models.PROTECT, related_name="decisions")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    action = models.CharField(max_length=8, choices=Action)
    purpose = models.CharField(max_length=6, choices=Purpose, default=Purpose.DECIDE)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    note = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(
        null=True, blank=True, help_text="From the picture being shown to the decision."
    )
    batch = models.UUIDField(null=True, blank=True)
    trust = models.ForeignKey(
        "PromptTrust", models.PROTECT, null=True, blank=True, related_name="decisions", db_index=False
    )
    undoes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="undone_by")
    at = models.DateTimeField(auto_now_add=True)
    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(action__in=["reject", "retire"]) & ~Q(reason=""))
                | Q(action__in=["approve", "undo", "flag", "reopen"], reason=""),
                name="reason_with_reject_and_retire_only",
            ),
            models.CheckConstraint(
                condition=Q(action="undo", undoes__isnull=False)
                | (~Q(action="undo") & Q(undoes__isnull=True)),
                name="undo_names_what_it_undoes",
            ),
            models.CheckConstraint(
                condition=Q(seconds__isnull=True) | Q(seconds__gte=0), name="seconds_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(purpose="auto", action="approve", reviewer__isnull=True)
                | (~Q(purpose="auto") & Q(reviewer__isnull=False)),
                name="no_reviewer_with_automatic_approvals_only",
            ),
        ]
        indexes = [
            models.Index(fields=["creative", "-id"]),
            models.Index(fields=["reviewer", "-id"]),
            models.Index(fields=["merchant", "-at"]),
            models.Index(fields=["trust", "-id"], condition=Q(trust__isnull=False), name="decision_of_trust"),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="decision_of_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of creative {self.creative_id} by {self.by}"

    @property
    def by(self) -> str:
        """The reviewer's name, or what approved it without one."""
        return str(self.reviewer) if self.reviewer_id else "Automatic approval"


class Claim(models.Model):
    """A reviewer is looking at a creative. It lapses at ``expires_at`` and may then be taken over."""

    creative = models.OneToOneField(Creative, models.CASCADE, related_name="claim")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="claims")
    claimed_at = models.DateTimeField(auto_now_add=True)
    shown_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["reviewer", "expires_at"])]

    def __str__(self) -> str:
        return f"creative {self.creative_id} held by {self.reviewer}"


class Skip(models.Model):
    """A reviewer put a creative aside: it comes back to that reviewer last."""

    creative = models.ForeignKey(Creative, models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="skips")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["creative", "reviewer"], name="one_skip_per_reviewer")]

    def __str__(self) -> str:
        return f"creative {self.creative_id} skipped by {self.reviewer}"


class SavedView(models.Model):
    """A reviewer's name for filters of the desk; ``query`` is their query string without the question mark."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="review_views")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=400)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint("user", Lower("name"), name="one_saved_view_per_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
