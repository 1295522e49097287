"""Trials of prompts: what a text would paint for a few products, before it is saved."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .catalog import Category
from .prompts import Prompt


class PromptTrial(models.Model):
    """A text that is tried and not saved. Its pictures are comparisons (``ProfileComparison``) of one entry each.

    ``prompt`` and ``base`` are the prompt and the version that an edit began from; without them the text is a new one,
    called ``name``.
    """

    category = models.ForeignKey(Category, models.CASCADE, related_name="+")
    prompt = models.ForeignKey(Prompt, models.CASCADE, null=True, blank=True, related_name="trials")
    base = models.PositiveIntegerField(null=True, blank=True)
    name = models.CharField(max_length=80, blank=True)
    text = models.TextField(max_length=600)
    negative_text = models.TextField(max_length=600, blank=True)
    ground = models.CharField(max_length=7, default="auto")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"trial of {self.prompt or self.name or 'a prompt'}"
