"""What a prompt was held beside when the safety cap paused it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bandit", "0008_experiments")]

    operations = [
        migrations.AddField(
            model_name="pausedprompt",
            name="beside",
            field=models.CharField(
                choices=[("others", "the other prompts"), ("original", "the original photo")],
                default="others",
                max_length=8,
            ),
        ),
    ]
