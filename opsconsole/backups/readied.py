"""A restored database is made ready for its first visitor, before it takes the live one's place.

This runs in a process of its own, whose settings name the new database and the staged files.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from opsconsole.backups.media import missing_and_orphans
from opsconsole.models import BackupPlan, Deployment, Operation
from pmscoring.base import personal, restored

MOST_NAMES = 1000


def ready(*, scrub: bool = False) -> dict[str, Any]:
    """Migrate, delete what was due, let no schedule catch up, and read each table once.

    With `scrub` what is personal goes too, for a copy that leaves this environment. Returns what
    was deleted, rows without a file, files without a row, and the number of rows.
    """
    call_command("migrate", interactive=False, verbosity=0)
    report: dict[str, Any] = {"deleted_by_date": restored.delete_due()}
    skip_what_schedules_missed()
    end_what_was_under_way()
    if scrub:
        report["scrubbed"] = personal.scrub()
    missing, orphans = missing_and_orphans(settings.MEDIA_ROOT)
    report |= named("missing_files", missing) | named("orphan_files", orphans)
    return report | {"rows": read_each_table()}


def named(name: str, files: list[str]) -> dict[str, Any]:
    """The first of the names, and how many there are."""
    return {name: files[:MOST_NAMES], f"{name}_count": len(files)}


def skip_what_schedules_missed() -> None:
    """As if everything had run just now: beat and plans wait for the next time."""
    PeriodicTask.objects.update(last_run_at=now())
    BackupPlan.objects.update(started_at=now())
    # An update of many tells beat nothing.
    PeriodicTasks.update_changed()


def end_what_was_under_way() -> None:
    """Nothing that was deployed or operated in the snapshot's moment is taken up here.

    Where there is a live database its rows of the console take these ones' place afterwards.
    """
    reason = str(_("it was under way when the backup was made that was restored"))
    for unfinished in (Deployment.objects.unfinished(), Operation.objects.unfinished()):
        unfinished.update(status="failed", reason=reason, claimed_at=None, finished_at=now())


def read_each_table() -> int:
    """Read a row of each model as the application does, and count; returns the number of rows."""
    models = [model for model in apps.get_models() if model._meta.managed]
    for model in models:
        model._default_manager.order_by("pk").first()
    return sum(model._default_manager.count() for model in models)
