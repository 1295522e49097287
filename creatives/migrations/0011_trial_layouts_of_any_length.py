"""A comparison takes every layout that a placement may have: zones made the text longer than 24 characters."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("creatives", "0010_prompt_trials_audit_demand")]
    operations = [
        migrations.AlterField("profilecomparison", "layout", models.CharField(max_length=64)),
    ]
