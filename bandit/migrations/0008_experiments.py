"""Several experiments at a time, each with shoppers of its own, a control, a plan and a record of who did what."""

import django.contrib.postgres.constraints
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import bandit.models.experiments

# What ran until now had all the shoppers; one arm of each becomes what the others are compared with.
FORWARD = """
UPDATE bandit_experiment SET slot_start = 0 WHERE status <> 'draft';
UPDATE bandit_experiment SET design = 'phase_3' WHERE name = 'LinUCB against random prompts';
UPDATE bandit_experimentarm SET is_control = true WHERE id IN (
    SELECT DISTINCT ON (experiment_id) id FROM bandit_experimentarm
    ORDER BY experiment_id, array_position(ARRAY['original', 'random', 'positioned', 'personalised'], kind::text), id
);
INSERT INTO bandit_layer (merchant_id, salt, holdout)
SELECT DISTINCT ON (merchant_id) merchant_id, replace(gen_random_uuid()::text, '-', ''), 0 FROM bandit_experiment;
CREATE TRIGGER note_config_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit_layer
    FOR EACH STATEMENT EXECUTE FUNCTION bandit_note_config_change();
"""
BACKWARD = "DROP TRIGGER note_config_change ON bandit_layer"


class Migration(migrations.Migration):
    dependencies = [
        ("bandit", "0007_config_changes_of_vetoes"),
        ("creatives", "0004_recommender_is_simulator"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="ExperimentAction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=200)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Layer",
            fields=[
                (
                    "merchant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="creatives.merchant",
                    ),
                ),
                (
                    "salt",
                    models.CharField(
                        default=bandit.models.experiments.new_salt, editable=False, max_length=32
                    ),
                ),
                ("holdout", models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="experiment",
            name="one_running_experiment_per_merchant",
        ),
        migrations.AddField(
            model_name="experiment",
            name="baseline",
            field=models.FloatField(default=0.02),
        ),
        migrations.AddField(
            model_name="experiment",
            name="design",
            field=models.CharField(
                choices=[
                    ("phase_1", "Phase I: original, positioned or generated picture"),
                    ("phase_2", "Phase II: one version of the pipeline against another"),
                    ("phase_3", "Phase III: random prompt against LinUCB"),
                    ("custom", "A design of your own"),
                ],
                default="custom",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="enrolled",
            field=models.PositiveSmallIntegerField(default=100),
        ),
        migrations.AddField(
            model_name="experiment",
            name="minimal_gain",
            field=models.FloatField(default=0.1),
        ),
        migrations.AddField(
            model_name="experiment",
            name="power",
            field=models.FloatField(default=0.8),
        ),
        migrations.AddField(
            model_name="experiment",
            name="slot_start",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="experiment",
            name="traffic",
            field=models.PositiveSmallIntegerField(default=100),
        ),
        migrations.AddField(
            model_name="experimentarm",
            name="is_control",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="experimentarm",
            name="pipeline_version",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("status", "running")),
                expressions=[
                    ("merchant", "="),
                    (
                        models.Func(
                            models.F("slot_start"),
                            django.db.models.expressions.CombinedExpression(
                                models.F("slot_start"), "+", models.F("traffic")
                            ),
                            function="int4range",
                        ),
                        "&&",
                    ),
                ],
                name="running_experiments_share_nobody",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("slot_start__isnull", True), ("status", "draft")),
                    ("slot_start__isnull", False),
                    _connector="OR",
                ),
                name="experiment_has_a_slot_once_started",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("enrolled__gte", 1), ("enrolled__lte", 100), ("traffic__gte", 1), ("traffic__lte", 100)
                ),
                name="experiment_shares_in_per_cent",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slot_start__isnull", True),
                    (
                        "slot_start__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.Value(100), "-", models.F("traffic")
                        ),
                    ),
                    _connector="OR",
                ),
                name="slot_ends_on_the_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("baseline__gt", 0),
                    ("baseline__lt", 1),
                    ("minimal_gain__gt", 0),
                    ("power__gt", 0),
                    ("power__lt", 1),
                ),
                name="experiment_can_be_planned",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_control", True)),
                fields=("experiment",),
                name="one_control_per_experiment",
            ),
        ),
        migrations.AddField(
            model_name="experimentaction",
            name="experiment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="actions", to="bandit.experiment"
            ),
        ),
        migrations.AddField(
            model_name="experimentaction",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="layer",
            constraint=models.CheckConstraint(
                condition=models.Q(("holdout__lte", 50)), name="holdout_up_to_half"
            ),
        ),
    ]
