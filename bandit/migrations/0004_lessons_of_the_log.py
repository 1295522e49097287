"""The marks of what was learned move from the log's rows, each rewritten for it, to one row for each step of a policy."""

from django.db import migrations

FORWARD = """
UPDATE bandit_policy SET is_active = true WHERE encoding_version = 1;

INSERT INTO bandit_pendinglesson
    (decision_id, merchant_id, category_id, prompt_version_id, occurred_at, encoding_version, context)
SELECT decision_id, merchant_id, category_id, prompt_version_id, occurred_at, encoding_version, ''
FROM bandit_impression
WHERE learned_at IS NULL AND variant = 'generated' AND NOT is_fallback AND prompt_version_id IS NOT NULL
    AND category_id IS NOT NULL AND flags = '{}';

INSERT INTO bandit_learningstep
    (policy_id, version, parent_id, parent_version, kind, decision_ids, rewards, learned_at)
SELECT p.id, i.learned_version, CASE WHEN i.learned_version > 1 THEN p.id END, i.learned_version - 1, 'lessons',
    string_agg(uuid_send(i.decision_id), ''::bytea ORDER BY i.occurred_at, i.decision_id),
    string_agg(CASE WHEN i.learned_reward > 0 THEN '\\x01'::bytea ELSE '\\x00'::bytea END, ''::bytea
        ORDER BY i.occurred_at, i.decision_id),
    max(i.learned_at)
FROM bandit_impression i
JOIN bandit_policy p ON p.merchant_id = i.merchant_id AND p.category_id = i.category_id AND p.current_version > 0
WHERE i.learned_at IS NOT NULL AND p.encoding_version = 1
GROUP BY p.id, i.learned_version;

UPDATE bandit_click c SET settled_at = i.learned_at
FROM bandit_impression i WHERE i.decision_id = c.decision_id AND i.learned_reward > 0;
"""


class Migration(migrations.Migration):
    dependencies = [("bandit", "0003_learning_steps")]
    operations = [
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="impression",
            name="learned_as_a_whole",
        ),
        migrations.RemoveIndex(
            model_name="impression",
            name="impression_to_learn",
        ),
        migrations.RemoveIndex(
            model_name="impression",
            name="impression_learned",
        ),
        migrations.RemoveField(
            model_name="impression",
            name="learned_at",
        ),
        migrations.RemoveField(
            model_name="impression",
            name="learned_reward",
        ),
        migrations.RemoveField(
            model_name="impression",
            name="learned_version",
        ),
    ]
