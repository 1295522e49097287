"""Safe zones, room for a text and the shadow's switch: in placements, in merchants' own layouts, and in prompts."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

INSETS = ("safe_top", "safe_right", "safe_bottom", "safe_left")
SHARES = ("text_left", "text_top", "text_width", "text_height")
GROUND = [("auto", "as the prompt has it"), ("contact", "always"), ("none", "never")]
PROMPT_GROUND = [
    ("auto", "as the text suggests"),
    ("contact", "stands on something: a soft shadow below it"),
    ("none", "hangs, floats or lies flat: no shadow"),
]
ANCHORS = [
    ("c", "centre"),
    ("s", "bottom"),
    ("n", "top"),
    ("w", "left"),
    ("e", "right"),
    ("sw", "bottom left"),
    ("se", "bottom right"),
    ("nw", "top left"),
    ("ne", "top right"),
]

FUNCTION = """
CREATE OR REPLACE FUNCTION creatives_promptversion_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.prompt_id, NEW.version, NEW.text, NEW.negative_text{more_new})
       IS DISTINCT FROM (OLD.prompt_id, OLD.version, OLD.text, OLD.negative_text{more_old}) THEN
        RAISE EXCEPTION 'prompt version % is immutable: make a new version', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


def _whole(low: int, high: int, default: int) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(
        default=default, validators=[MinValueValidator(low), MaxValueValidator(high)]
    )


class Migration(migrations.Migration):
    dependencies = [("creatives", "0008_profile_comparisons")]
    operations = [
        *(
            migrations.AddField(model, name, _whole(0, most, 0))
            for model in ("placement", "merchantplacement")
            for names, most in ((INSETS, 45), (SHARES, 100))
            for name in names
        ),
        *(
            migrations.AddField(
                model, "ground", models.CharField(choices=GROUND, default="auto", max_length=7)
            )
            for model in ("placement", "merchantplacement")
        ),
        migrations.AlterField("merchantplacement", "scale", _whole(10, 100, 72)),
        migrations.AlterField("merchantplacement", "margin", _whole(0, 40, 8)),
        migrations.AlterField(
            "merchantplacement", "anchor", models.CharField(choices=ANCHORS, default="s", max_length=2)
        ),
        *(
            migrations.AlterField(model, "layout", models.CharField(max_length=64))
            for model in ("creativerequest", "positionedrendition")
        ),
        migrations.AddField(
            "promptversion",
            "ground",
            models.CharField(choices=PROMPT_GROUND, db_default="auto", default="auto", max_length=7),
        ),
        migrations.RunSQL(
            FUNCTION.format(more_new=", NEW.ground", more_old=", OLD.ground"),
            FUNCTION.format(more_new="", more_old=""),
        ),
    ]
