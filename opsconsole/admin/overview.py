"""The console's panel on the overview: is there a backup to fall back on, and what needs a person.

It is shown to operators and viewers.
"""

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.admin import schedules, states, words
from opsconsole.backups import plans
from opsconsole.models import Backup, BackupPlan, Restore
from pmscoring.base.admin import overview
from pmscoring.base.roles import OPERATOR, VIEWER, has_role

FAILED_DAYS, MOST_FAILED = 7, 3
LEAST_FREE = 0.1
"""The share of the disk below which its free room is shown in red."""


def read(request: HttpRequest) -> dict[str, Any]:
    """The context of opsconsole/overview.html."""
    newest = Backup.objects.newest_verified()
    enabled = list(BackupPlan.objects.filter(enabled=True).select_related("schedule"))
    overdue = [plan for plan in enabled if plans.is_overdue(plan)]
    jobs = _under_way()
    return {
        "newest": newest,
        "age": words.age(newest.snapshot_at) if newest else "",
        "bad": newest is None or bool(overdue),
        "overdue": [(plan, words.hours(plan.most_hours)) for plan in overdue],
        "plans": [
            (plan, schedules.in_words(plan.schedule), plans.next_start(plan)) for plan in enabled
        ],
        "jobs": jobs,
        "failed": _failed(newest),
        "disk": _disk(),
        "may_operate": has_role(request.user, OPERATOR),
    }


def _under_way() -> list[tuple[str, Any, Any]]:
    jobs: list[Any] = []
    for rows in (Backup.objects.unfinished(), Restore.objects.unfinished()):
        jobs += rows[:MOST_FAILED]
    return [(job._meta.verbose_name or "", job, states.live_state(job)) for job in jobs]


def _failed(newest: Backup | None) -> list[Backup]:
    """What failed in the last days, and after the newest verified backup was asked for."""
    since = now() - timedelta(days=FAILED_DAYS)
    if newest and newest.requested_at > since:
        since = newest.requested_at
    rows = Backup.objects.filter(status=Backup.Status.FAILED, requested_at__gt=since)
    return list(rows.defer("manifest")[:MOST_FAILED])


def _disk() -> dict[str, Any] | None:
    """The free room of the disk that BACKUP_DIR is on; None where it cannot be seen."""
    folder = Path(settings.BACKUP_DIR)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with suppress(OSError):
        usage = shutil.disk_usage(folder)
        return {
            "free": words.size(usage.free),
            "of": _("of %s") % words.size(usage.total),
            "bad": usage.free < LEAST_FREE * usage.total,
        }
    return None


overview.register(overview.Panel("opsconsole/overview.html", read, (OPERATOR, VIEWER), 5))
