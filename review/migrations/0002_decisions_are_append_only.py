"""The audit trail is written once: the database itself refuses to change or delete a decision."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION review_decision_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decision % is part of the audit trail: it cannot be changed or deleted', OLD.uuid
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON review_decision
    FOR EACH ROW EXECUTE FUNCTION review_decision_append_only();
"""
BACKWARD = """
DROP TRIGGER decision_append_only ON review_decision;
DROP FUNCTION review_decision_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
