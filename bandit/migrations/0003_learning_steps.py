"""Lessons that wait, steps that were learned, what is set aside, and what people decide about a policy."""

import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bandit", "0002_snapshots_are_immutable"),
        ("creatives", "0004_recommender_is_simulator"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConfigChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="LearningStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("parent_version", models.PositiveIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("lessons", "impressions whose time was up"),
                            ("late", "clicks reported late"),
                            ("rebuild", "computed anew from the log"),
                        ],
                        max_length=8,
                    ),
                ),
                ("decision_ids", models.BinaryField(default=b"")),
                ("rewards", models.BinaryField(default=b"")),
                ("learned_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["policy", "version"],
            },
        ),
        migrations.CreateModel(
            name="PausedPrompt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("paused_at", models.DateTimeField(auto_now_add=True)),
                ("impressions", models.PositiveBigIntegerField(default=0)),
                ("observed", models.FloatField(blank=True, null=True)),
                ("upper", models.FloatField(blank=True, null=True)),
                ("expected", models.FloatField(blank=True, null=True)),
                ("resumed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-paused_at"],
            },
        ),
        migrations.CreateModel(
            name="PendingLesson",
            fields=[
                ("decision_id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("occurred_at", models.DateTimeField()),
                ("encoding_version", models.PositiveSmallIntegerField()),
                ("context", models.BinaryField(default=b"")),
            ],
        ),
        migrations.CreateModel(
            name="PolicyAction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=300)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="PolicyComparison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=8,
                    ),
                ),
                ("days", models.PositiveSmallIntegerField(default=30)),
                ("max_rows", models.PositiveIntegerField(default=50000)),
                ("candidates", models.JSONField(default=list)),
                ("total", models.PositiveSmallIntegerField(default=0)),
                ("done", models.PositiveSmallIntegerField(default=0)),
                ("rows", models.PositiveIntegerField(blank=True, null=True)),
                ("result", models.JSONField(default=list)),
                ("error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PoolControl",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "serve",
                    models.CharField(
                        choices=[
                            ("policy", "what the policy chooses"),
                            ("original", "the original photo only"),
                            ("positioned", "the product positioned on white only"),
                        ],
                        default="policy",
                        max_length=12,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("linucb", "LinUCB, a model for each prompt"),
                            ("hybrid", "LinUCB with a part that all prompts share"),
                            ("ts", "Thompson sampling"),
                        ],
                        default="linucb",
                        max_length=8,
                    ),
                ),
                (
                    "alpha",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(10.0),
                        ],
                    ),
                ),
                (
                    "exploration",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "newcomer_share",
                    models.FloatField(
                        default=0.05,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(0.5),
                        ],
                    ),
                ),
                ("newcomer_impressions", models.PositiveIntegerField(default=200)),
                ("pauses_harmful", models.BooleanField(default=True)),
                ("is_frozen", models.BooleanField(default=False)),
                (
                    "half_life_hours",
                    models.FloatField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1.0)]
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SetAside",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("decision_id", models.UUIDField()),
                ("kind", models.CharField(max_length=12)),
                ("reason", models.CharField(choices=[("repeat", "Repeat"), ("bot", "Bot")], max_length=8)),
                ("event_id", models.CharField(blank=True, max_length=100)),
                ("occurred_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name_plural": "set aside",
            },
        ),
        migrations.CreateModel(
            name="Watermark",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="policy",
            name="one_policy_per_pool_and_encoding",
        ),
        migrations.AddField(
            model_name="click",
            name="settled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="impression",
            name="flagged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="policy",
            name="half_life_hours",
            field=models.FloatField(
                blank=True,
                help_text="After this long a lesson weighs half; empty: nothing is forgotten.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="is_active",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="policy",
            name="kind",
            field=models.CharField(
                choices=[
                    ("linucb", "LinUCB, a model for each prompt"),
                    ("hybrid", "LinUCB with a part that all prompts share"),
                    ("ts", "Thompson sampling"),
                ],
                default="linucb",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="policysnapshot",
            name="made_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="click",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True)),
                fields=["received_at"],
                name="click_unsettled",
            ),
        ),
        migrations.AddIndex(
            model_name="click",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="click_received"),
        ),
        migrations.AddIndex(
            model_name="impression",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["received_at"], name="impression_received"
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.UniqueConstraint(
                fields=("merchant", "category", "encoding_version", "kind"), name="one_policy_per_lineage"
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("merchant", "category"),
                name="one_active_policy_per_pool",
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("half_life_hours__isnull", True), ("half_life_hours__gt", 0), _connector="OR"
                ),
                name="half_life_above_zero",
            ),
        ),
        migrations.AddField(
            model_name="learningstep",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="bandit.policy",
            ),
        ),
        migrations.AddField(
            model_name="learningstep",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="bandit.policy"
            ),
        ),
        migrations.AddField(
            model_name="pausedprompt",
            name="category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="creatives.category"
            ),
        ),
        migrations.AddField(
            model_name="pausedprompt",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="paused_prompts",
                to="creatives.merchant",
            ),
        ),
        migrations.AddField(
            model_name="pausedprompt",
            name="paused_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="pausedprompt",
            name="prompt_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="creatives.promptversion"
            ),
        ),
        migrations.AddField(
            model_name="pausedprompt",
            name="resumed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="pendinglesson",
            name="category",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="creatives.category",
            ),
        ),
        migrations.AddField(
            model_name="pendinglesson",
            name="merchant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="creatives.merchant",
            ),
        ),
        migrations.AddField(
            model_name="pendinglesson",
            name="prompt_version",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="creatives.promptversion",
            ),
        ),
        migrations.AddField(
            model_name="policyaction",
            name="category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="creatives.category"
            ),
        ),
        migrations.AddField(
            model_name="policyaction",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="policy_actions",
                to="creatives.merchant",
            ),
        ),
        migrations.AddField(
            model_name="policyaction",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="policycomparison",
            name="asked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="policycomparison",
            name="category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="creatives.category"
            ),
        ),
        migrations.AddField(
            model_name="policycomparison",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="policy_comparisons",
                to="creatives.merchant",
            ),
        ),
        migrations.AddField(
            model_name="poolcontrol",
            name="category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="creatives.category"
            ),
        ),
        migrations.AddField(
            model_name="poolcontrol",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pool_controls",
                to="creatives.merchant",
            ),
        ),
        migrations.AddField(
            model_name="setaside",
            name="merchant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="creatives.merchant",
            ),
        ),
        migrations.AddConstraint(
            model_name="learningstep",
            constraint=models.UniqueConstraint(fields=("policy", "version"), name="one_step_per_version"),
        ),
        migrations.AddConstraint(
            model_name="learningstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("parent__isnull", True), ("parent_version", 0)),
                    models.Q(("parent__isnull", False), ("parent_version__gt", 0)),
                    _connector="OR",
                ),
                name="step_from_a_version_or_from_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="pausedprompt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resumed_at__isnull", True)),
                fields=("merchant", "prompt_version"),
                name="paused_once_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="pendinglesson",
            index=models.Index(fields=["merchant", "category", "occurred_at"], name="lesson_of_pool"),
        ),
        migrations.AddIndex(
            model_name="policyaction",
            index=models.Index(fields=["merchant", "category", "-at"], name="actions_of_pool"),
        ),
        migrations.AddConstraint(
            model_name="policycomparison",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["queued", "running"])),
                fields=("merchant", "category"),
                name="one_comparison_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolcontrol",
            constraint=models.UniqueConstraint(fields=("merchant", "category"), name="one_control_per_pool"),
        ),
        migrations.AddConstraint(
            model_name="poolcontrol",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("alpha__isnull", True), models.Q(("alpha__gte", 0), ("alpha__lte", 10)), _connector="OR"
                ),
                name="pool_alpha_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolcontrol",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("exploration__isnull", True),
                    models.Q(("exploration__gte", 0), ("exploration__lte", 1)),
                    _connector="OR",
                ),
                name="pool_exploration_in_unit_interval",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolcontrol",
            constraint=models.CheckConstraint(
                condition=models.Q(("newcomer_share__gte", 0), ("newcomer_share__lte", 0.5)),
                name="newcomer_share_up_to_half",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolcontrol",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("half_life_hours__isnull", True), ("half_life_hours__gt", 0), _connector="OR"
                ),
                name="pool_half_life_above_zero",
            ),
        ),
        migrations.AddIndex(
            model_name="setaside",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["received_at"], name="set_aside_received"
            ),
        ),
        migrations.AddConstraint(
            model_name="setaside",
            constraint=models.UniqueConstraint(
                fields=("decision_id", "kind", "reason", "event_id", "occurred_at"), name="set_aside_once"
            ),
        ),
    ]
