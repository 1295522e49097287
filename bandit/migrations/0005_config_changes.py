"""Changes of what decisions are made with leave a row: processes that keep such things in memory look for new ones."""

from django.db import migrations

TABLES = (
    *("creatives_merchant", "creatives_recommender", "creatives_recommender_merchants", "creatives_apikey"),
    *("creatives_category", "creatives_prompt", "creatives_promptversion", "creatives_placement"),
    *("bandit_experiment", "bandit_experimentarm", "bandit_poolcontrol", "bandit_pausedprompt"),
)
FUNCTION = """
CREATE FUNCTION bandit_note_config_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bandit_configchange DEFAULT VALUES;
    RETURN NULL;
END $$;
"""
FORWARD = FUNCTION + "".join(
    f"CREATE TRIGGER note_config_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION bandit_note_config_change();"
    for table in TABLES
)
BACKWARD = "DROP FUNCTION bandit_note_config_change() CASCADE"


class Migration(migrations.Migration):
    dependencies = [("bandit", "0004_lessons_of_the_log"), ("creatives", "0004_recommender_is_simulator")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
