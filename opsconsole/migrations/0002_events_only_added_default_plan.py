"""Events refuse every change in the database itself; one plan is there from the first start."""

from django.conf import settings
from django.db import migrations

REFUSE = """
CREATE FUNCTION opsconsole_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only ever added';
END $$;
CREATE TRIGGER opsconsole_event_only_added BEFORE UPDATE OR DELETE ON opsconsole_event
FOR EACH ROW EXECUTE FUNCTION opsconsole_event_refuse_change();
CREATE TRIGGER opsconsole_event_never_emptied BEFORE TRUNCATE ON opsconsole_event
FOR EACH STATEMENT EXECUTE FUNCTION opsconsole_event_refuse_change();

-- The count of events must not go back, or the last ones could be taken off unseen.
CREATE TRIGGER opsconsole_installation_never_fewer BEFORE UPDATE ON opsconsole_installation
FOR EACH ROW WHEN (NEW.events < OLD.events)
EXECUTE FUNCTION opsconsole_event_refuse_change();
"""
ALLOW = """
DROP TRIGGER opsconsole_installation_never_fewer ON opsconsole_installation;
DROP TRIGGER opsconsole_event_never_emptied ON opsconsole_event;
DROP TRIGGER opsconsole_event_only_added ON opsconsole_event;
DROP FUNCTION opsconsole_event_refuse_change();
"""


def make_plan(apps, schema_editor):
    """Daily at 02:00, in the backup folder, kept as the model's defaults say."""
    crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    schedule = crontab.objects.create(minute="0", hour="2", timezone=settings.TIME_ZONE)
    apps.get_model("opsconsole", "BackupPlan").objects.create(name="daily", schedule=schedule)


class Migration(migrations.Migration):
    dependencies = [
        ("opsconsole", "0001_backups_events_channels"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunPython(make_plan, migrations.RunPython.noop),
    ]
