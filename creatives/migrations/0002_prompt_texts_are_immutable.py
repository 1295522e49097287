"""A prompt version's text never changes: pictures, statistics and the audit trail hang on it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION creatives_promptversion_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.prompt_id, NEW.version, NEW.text, NEW.negative_text)
       IS DISTINCT FROM (OLD.prompt_id, OLD.version, OLD.text, OLD.negative_text) THEN
        RAISE EXCEPTION 'prompt version % is immutable: make a new version', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER promptversion_immutable BEFORE UPDATE ON creatives_promptversion
    FOR EACH ROW EXECUTE FUNCTION creatives_promptversion_immutable();
"""
BACKWARD = """
DROP TRIGGER promptversion_immutable ON creatives_promptversion;
DROP FUNCTION creatives_promptversion_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("creatives", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
