"""A snapshot never changes: web processes keep it by its version, and the log names the version that decided."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION bandit_policysnapshot_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'snapshot % is immutable: make a new version', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER policysnapshot_immutable BEFORE UPDATE ON bandit_policysnapshot
    FOR EACH ROW EXECUTE FUNCTION bandit_policysnapshot_immutable();
"""
BACKWARD = """
DROP TRIGGER policysnapshot_immutable ON bandit_policysnapshot;
DROP FUNCTION bandit_policysnapshot_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("bandit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
