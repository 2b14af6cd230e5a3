"""Marks refuse UPDATE in the database itself; the roles exist as groups from the start."""

from django.db import migrations

ROLES = ("exam manager", "marker", "adjudicator", "operator", "client", "viewer")

REFUSE = """
CREATE FUNCTION scoring_mark_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'marks are only ever added';
END $$;
CREATE TRIGGER scoring_mark_only_added BEFORE UPDATE ON scoring_mark
FOR EACH ROW EXECUTE FUNCTION scoring_mark_refuse_update();
"""
ALLOW = """
DROP TRIGGER scoring_mark_only_added ON scoring_mark;
DROP FUNCTION scoring_mark_refuse_update();
"""


def make_roles(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0001_first_tables"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
