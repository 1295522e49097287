"""Masks of photos: what the segmenter found, and what people made of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from .accounts import Merchant
from .base import TenantQuerySet


class MaskQuerySet(TenantQuerySet):
    """Rows of ImageMask."""

    def in_force(self) -> MaskQuerySet:
        """The row that counts for each photo: the one of the highest revision."""
        ranked = self.model.objects.annotate(
            rank=Window(
                RowNumber(), partition_by=[F("merchant"), F("image_sha256")], order_by=F("revision").desc()
            )
        ).filter(rank=1)
        return self.filter(pk__in=ranked.values("pk"))


class ImageMask(models.Model):
    """One revision of the mask of a merchant's photo. Revision 0 is the segmenter's; people add the others and change none.

    ``file`` is the matte, a grey PNG of the photo's size. ``segmenter`` names the code and weights that made revision 0.
    """

    class Source(models.TextChoices):
        SEGMENTER = "segmenter", "found automatically"
        BRUSH = "brush", "painted by hand"
        BOX = "box", "found in a box drawn by hand"
        UPLOAD = "upload", "uploaded"
        CONFIRMED = "confirmed", "confirmed as it was"
        REVERTED = "reverted", "set back to the automatic one"

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    image_sha256 = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=10, choices=Source, default=Source.SEGMENTER)
    file = models.FileField(max_length=200, blank=True)
    method = models.CharField(max_length=60)
    confidence = models.FloatField()
    warnings = models.JSONField(default=list, blank=True)
    segmenter = models.CharField(max_length=120, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    objects = MaskQuerySet.as_manager()

    class Meta:
        ordering = ["merchant", "image_sha256", "revision"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "image_sha256", "revision"], name="one_mask_per_revision"
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0) & Q(confidence__lte=1), name="mask_confidence_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(revision=0, source="segmenter") | (Q(revision__gt=0) & ~Q(source="segmenter")),
                name="only_revision_0_is_automatic",
            ),
        ]

    def __str__(self) -> str:
        return f"mask {self.revision} of {self.image_sha256[:8]}"

    @property
    def is_by_hand(self) -> bool:
        return self.revision > 0
