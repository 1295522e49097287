"""What the learner has still to learn, and what it has learned."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from creatives.models import Category, Merchant, PromptVersion

from .policies import Policy


def _queued(model: type[models.Model]) -> Any:
    """A reference without a constraint: the queue is written with every impression and read in bulk."""
    return models.ForeignKey(model, models.CASCADE, related_name="+", db_constraint=False, db_index=False)


class PendingLesson(models.Model):
    """An impression that will teach, written with it and deleted in the transaction that learns from it.

    ``context`` is what ``Encoding.encode`` of ``encoding_version`` made of its features, as little-endian float64; empty
    where that has still to be done.
    """

    decision_id = models.UUIDField(primary_key=True, editable=False)
    merchant = _queued(Merchant)
    category = _queued(Category)
    prompt_version = _queued(PromptVersion)
    occurred_at = models.DateTimeField()
    encoding_version = models.PositiveSmallIntegerField()
    context = models.BinaryField(default=b"")

    class Meta:
        indexes = [models.Index(fields=["merchant", "category", "occurred_at"], name="lesson_of_pool")]

    def __str__(self) -> str:
        return f"lesson {self.decision_id}"


class LearningStep(models.Model):
    """What was learned between two versions of a policy. Steps are never changed or deleted: they rebuild any state.

    Version ``version`` of ``policy`` is version ``parent_version`` of ``parent`` (0: a policy that knows nothing) and the
    lessons of this step: ``decision_ids`` holds 16 bytes each, ``rewards`` one byte each, 1 for a click in time. A step of
    kind ``late`` adds the reward of clicks that were reported after their impression had been learned from as not clicked.
    """

    class Kind(models.TextChoices):
        LESSONS = "lessons", "impressions whose time was up"
        LATE = "late", "clicks reported late"
        REBUILD = "rebuild", "computed anew from the log"

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="steps")
    version = models.PositiveIntegerField()
    parent = models.ForeignKey(Policy, models.CASCADE, related_name="+", null=True, blank=True)
    parent_version = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=Kind)
    decision_ids = models.BinaryField(default=b"")
    rewards = models.BinaryField(default=b"")
    learned_at = models.DateTimeField()

    class Meta:
        ordering = ["policy", "version"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "version"], name="one_step_per_version"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True, parent_version=0)
                | Q(parent__isnull=False, parent_version__gt=0),
                name="step_from_a_version_or_from_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.version}: {self.kind}"
