"""Who changed what and when, of everything that has no trail of its own."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from .accounts import Merchant


class AuditEntry(models.Model):
    """A change by a person. Entries are added and never changed; a trigger in the database refuses it.

    ``subject`` names what was changed as it was called then, ``url`` is its page. ``target`` ("creatives.merchant:7") and
    ``changes`` ({field: [before, after]}) are there where the change can be taken back; the entry that does so ``undoes``
    this one.
    """

    at = models.DateTimeField(db_default=Now())
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    merchant = models.ForeignKey(Merchant, models.CASCADE, null=True, blank=True, related_name="+")
    area = models.CharField(max_length=20)
    action = models.CharField(max_length=80)
    subject = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    target = models.CharField(max_length=80, blank=True)
    changes = models.JSONField(default=dict, blank=True)
    undoes = models.OneToOneField("self", models.CASCADE, null=True, blank=True, related_name="undone_by")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["area", "-id"]), models.Index(fields=["merchant", "-id"])]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
