"""Masks of photos with their revisions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("creatives", "0005_feeds_by_address_and_retiring")]

    operations = [
        migrations.CreateModel(
            name="ImageMask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("image_sha256", models.CharField(max_length=64)),
                ("revision", models.PositiveIntegerField(default=0)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("segmenter", "found automatically"),
                            ("brush", "painted by hand"),
                            ("box", "found in a box drawn by hand"),
                            ("upload", "uploaded"),
                            ("confirmed", "confirmed as it was"),
                            ("reverted", "set back to the automatic one"),
                        ],
                        default="segmenter",
                        max_length=10,
                    ),
                ),
                ("file", models.FileField(blank=True, max_length=200, upload_to="")),
                ("method", models.CharField(max_length=60)),
                ("confidence", models.FloatField()),
                ("warnings", models.JSONField(blank=True, default=list)),
                ("segmenter", models.CharField(blank=True, max_length=120)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="creatives.merchant"),
                ),
            ],
            options={
                "ordering": ["merchant", "image_sha256", "revision"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant", "image_sha256", "revision"), name="one_mask_per_revision"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("confidence__gte", 0), ("confidence__lte", 1)),
                        name="mask_confidence_is_a_share",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revision", 0), ("source", "segmenter")),
                            models.Q(("revision__gt", 0), models.Q(("source", "segmenter"), _negated=True)),
                            _connector="OR",
                        ),
                        name="only_revision_0_is_automatic",
                    ),
                ],
            },
        ),
    ]
