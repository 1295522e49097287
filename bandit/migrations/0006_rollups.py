"""Roll-ups, and the triggers that note which hours of the log have changed (``bandit.rollups``)."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION bandit_touch_impressions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bandit_rolluptouch (merchant_id, hour)
    SELECT DISTINCT merchant_id, date_trunc('hour', occurred_at, 'UTC') FROM inserted;
    RETURN NULL;
END $$;
CREATE TRIGGER impression_touch AFTER INSERT ON bandit_impression
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION bandit_touch_impressions();

CREATE FUNCTION bandit_touch_flagged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bandit_rolluptouch (merchant_id, hour)
    VALUES (NEW.merchant_id, date_trunc('hour', NEW.occurred_at, 'UTC'));
    RETURN NULL;
END $$;
CREATE TRIGGER impression_flags_touch AFTER UPDATE OF flags ON bandit_impression
    FOR EACH ROW WHEN (OLD.flags IS DISTINCT FROM NEW.flags) EXECUTE FUNCTION bandit_touch_flagged();

CREATE FUNCTION bandit_touch_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bandit_rolluptouch (merchant_id, decision_id) SELECT merchant_id, decision_id FROM inserted;
    RETURN NULL;
END $$;
CREATE TRIGGER click_touch AFTER INSERT ON bandit_click
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION bandit_touch_decisions();
CREATE TRIGGER conversion_touch AFTER INSERT ON bandit_conversion
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION bandit_touch_decisions();

CREATE FUNCTION bandit_touch_window() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bandit_rolluptouch (merchant_id, hour)
    SELECT DISTINCT NEW.id, hour FROM bandit_hourlycell WHERE merchant_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER merchant_window_touch AFTER UPDATE OF attribution_minutes ON creatives_merchant
    FOR EACH ROW WHEN (OLD.attribution_minutes IS DISTINCT FROM NEW.attribution_minutes)
    EXECUTE FUNCTION bandit_touch_window();

INSERT INTO bandit_rolluptouch (merchant_id, hour)
SELECT DISTINCT merchant_id, date_trunc('hour', occurred_at, 'UTC') FROM bandit_impression;
"""
BACKWARD = """
DROP TRIGGER merchant_window_touch ON creatives_merchant;
DROP TRIGGER conversion_touch ON bandit_conversion;
DROP TRIGGER click_touch ON bandit_click;
DROP TRIGGER impression_flags_touch ON bandit_impression;
DROP TRIGGER impression_touch ON bandit_impression;
DROP FUNCTION bandit_touch_window, bandit_touch_decisions, bandit_touch_flagged, bandit_touch_impressions;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("bandit", "0005_config_changes"),
        ("creatives", "0004_recommender_is_simulator"),
    ]

    operations = [
        migrations.CreateModel(
            name="RollupState",
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
                ("hours_at", models.DateTimeField(null=True)),
                ("days_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RollupTouch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("hour", models.DateTimeField(null=True)),
                ("decision_id", models.UUIDField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["merchant_id"], name="bandit_roll_merchan_a2f5cd_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hour__isnull", False), ("decision_id__isnull", False), _connector="XOR"
                        ),
                        name="touches_hour_or_decision",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DailyCell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_simulated", models.BooleanField()),
                ("experiment_id", models.BigIntegerField(null=True)),
                ("arm", models.CharField(max_length=40)),
                (
                    "arm_kind",
                    models.CharField(
                        choices=[
                            ("personalised", "LinUCB chooses the prompt"),
                            ("random", "every prompt of the pool with equal probability"),
                            ("original", "the original photo"),
                            ("positioned", "the product positioned on white"),
                        ],
                        max_length=12,
                    ),
                ),
                ("category_id", models.BigIntegerField(null=True)),
                ("prompt_version_id", models.BigIntegerField(null=True)),
                ("placement", models.CharField(max_length=60)),
                ("device", models.CharField(max_length=20)),
                (
                    "variant",
                    models.CharField(
                        choices=[
                            ("original", "Original"),
                            ("positioned", "Positioned"),
                            ("generated", "Generated"),
                        ],
                        max_length=12,
                    ),
                ),
                ("is_fallback", models.BooleanField()),
                ("impressions", models.PositiveBigIntegerField()),
                ("clicks", models.PositiveBigIntegerField()),
                ("conversions", models.PositiveBigIntegerField()),
                ("value", models.DecimalField(decimal_places=2, max_digits=20)),
                ("weight", models.FloatField()),
                ("weight_squared", models.FloatField()),
                ("clicked_weight", models.FloatField()),
                ("clicked_weight_squared", models.FloatField()),
                ("day", models.DateField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="creatives.merchant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["merchant", "day"], name="bandit_dail_merchan_7847d5_idx")],
            },
        ),
        migrations.CreateModel(
            name="DailyCreative",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("is_simulated", models.BooleanField()),
                ("creative_id", models.BigIntegerField()),
                ("placement", models.CharField(max_length=60)),
                ("impressions", models.PositiveBigIntegerField()),
                ("clicks", models.PositiveBigIntegerField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="creatives.merchant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["merchant", "day"], name="bandit_dail_merchan_0b1f78_idx")],
            },
        ),
        migrations.CreateModel(
            name="DailyGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("is_simulated", models.BooleanField()),
                ("dimension", models.CharField(max_length=12)),
                ("key", models.CharField(max_length=60)),
                ("group", models.PositiveSmallIntegerField()),
                ("impressions", models.PositiveBigIntegerField()),
                ("clicks", models.PositiveBigIntegerField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="creatives.merchant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["merchant", "dimension", "day"], name="bandit_dail_merchan_6ea227_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ExperimentDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("arm", models.CharField(max_length=40)),
                ("is_simulated", models.BooleanField()),
                ("day", models.DateField()),
                ("users", models.BigIntegerField()),
                ("n", models.BigIntegerField()),
                ("c", models.BigIntegerField()),
                ("v", models.BigIntegerField()),
                ("f", models.BigIntegerField()),
                ("nn", models.BigIntegerField()),
                ("nc", models.BigIntegerField()),
                ("cc", models.BigIntegerField()),
                ("nv", models.BigIntegerField()),
                ("vv", models.BigIntegerField()),
                ("nf", models.BigIntegerField()),
                ("ff", models.BigIntegerField()),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="bandit.experiment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("experiment", "arm", "is_simulated", "day"), name="one_row_per_arm_and_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ExperimentUserDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "experiment",
                        "user_key",
                        "day",
                        "arm",
                        "is_simulated",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("user_key", models.CharField(max_length=32)),
                ("day", models.DateField()),
                ("arm", models.CharField(max_length=40)),
                ("is_simulated", models.BooleanField()),
                ("impressions", models.PositiveIntegerField()),
                ("clicks", models.PositiveIntegerField()),
                ("conversions", models.PositiveIntegerField()),
                ("fallbacks", models.PositiveIntegerField()),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="bandit.experiment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["experiment", "day"], name="bandit_expe_experim_aae804_idx")
                ],
            },
        ),
        migrations.CreateModel(
            name="HourlyCell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_simulated", models.BooleanField()),
                ("experiment_id", models.BigIntegerField(null=True)),
                ("arm", models.CharField(max_length=40)),
                (
                    "arm_kind",
                    models.CharField(
                        choices=[
                            ("personalised", "LinUCB chooses the prompt"),
                            ("random", "every prompt of the pool with equal probability"),
                            ("original", "the original photo"),
                            ("positioned", "the product positioned on white"),
                        ],
                        max_length=12,
                    ),
                ),
                ("category_id", models.BigIntegerField(null=True)),
                ("prompt_version_id", models.BigIntegerField(null=True)),
                ("placement", models.CharField(max_length=60)),
                ("device", models.CharField(max_length=20)),
                (
                    "variant",
                    models.CharField(
                        choices=[
                            ("original", "Original"),
                            ("positioned", "Positioned"),
                            ("generated", "Generated"),
                        ],
                        max_length=12,
                    ),
                ),
                ("is_fallback", models.BooleanField()),
                ("impressions", models.PositiveBigIntegerField()),
                ("clicks", models.PositiveBigIntegerField()),
                ("conversions", models.PositiveBigIntegerField()),
                ("value", models.DecimalField(decimal_places=2, max_digits=20)),
                ("weight", models.FloatField()),
                ("weight_squared", models.FloatField()),
                ("clicked_weight", models.FloatField()),
                ("clicked_weight_squared", models.FloatField()),
                ("hour", models.DateTimeField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="creatives.merchant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["merchant", "hour"], name="bandit_hour_merchan_3d9eba_idx")],
            },
        ),
        migrations.CreateModel(
            name="StaleDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="creatives.merchant",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("merchant", "day"), name="one_stale_day")],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
