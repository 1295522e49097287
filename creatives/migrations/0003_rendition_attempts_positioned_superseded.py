"""Renditions count their tries, products on white get a table of their own, overtaken messages a status."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("creatives", "0002_prompt_texts_are_immutable"),
    ]

    operations = [
        migrations.CreateModel(
            name="PositionedRendition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("image_sha256", models.CharField(max_length=64)),
                ("layout", models.CharField(max_length=24)),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("file", models.FileField(blank=True, max_length=200, upload_to="")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("error", models.TextField(blank=True)),
            ],
        ),
        migrations.AddField(
            model_name="rendition",
            name="attempts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="rendition",
            name="due_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="rendition",
            name="error",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="webhookdelivery",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("delivered", "Delivered"),
                    ("dead", "Dead"),
                    ("superseded", "overtaken by a later message about the same creative"),
                ],
                default="pending",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="rendition",
            index=models.Index(condition=models.Q(("file", "")), fields=["due_at"], name="rendition_due"),
        ),
        migrations.AddField(
            model_name="positionedrendition",
            name="merchant",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="creatives.merchant"),
        ),
        migrations.AddIndex(
            model_name="positionedrendition",
            index=models.Index(condition=models.Q(("file", "")), fields=["due_at"], name="positioned_due"),
        ),
        migrations.AddConstraint(
            model_name="positionedrendition",
            constraint=models.UniqueConstraint(
                fields=("merchant", "image_sha256", "layout", "width", "height"),
                name="one_positioned_per_size",
            ),
        ),
    ]
