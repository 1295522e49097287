"""Vetoes of prompts and a merchant's own layout of a placement are what decisions are made with, too."""

from django.db import migrations

TABLES = ("creatives_promptveto", "creatives_merchantplacement")
FORWARD = "".join(
    f"CREATE TRIGGER note_config_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION bandit_note_config_change();"
    for table in TABLES
)
BACKWARD = "".join(f"DROP TRIGGER note_config_change ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [("bandit", "0006_rollups"), ("creatives", "0007_pauses_vetoes_placement_defaults")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
