"""Of backups and restores."""

from collections.abc import Iterator

from django.db.models import Count, F, Max, Q
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from opsconsole.backups import plans
from opsconsole.models import Backup, BackupPlan, Restore, Verification

NO_PLAN = ""
"""The label of backups that belong to no plan."""
NAMES = {
    "pmscoring_backup_verified_timestamp_seconds",
    "pmscoring_backup_bytes",
    "pmscoring_backup_seconds",
    "pmscoring_backup_overdue",
    "pmscoring_backup_failures_total",
    "pmscoring_restore_seconds",
    "pmscoring_restore_drill_passed_timestamp_seconds",
}


def collect() -> Iterator[Metric]:
    """The families of NAMES that have a sample."""
    yield from _of_newest()
    yield from _of_plans()
    yield _failures()
    yield from _of_restores()


def _of_newest() -> Iterator[Metric]:
    verified = GaugeMetricFamily(
        "pmscoring_backup_verified_timestamp_seconds",
        "Time of the snapshot of the newest verified backup",
        labels=["plan"],
    )
    size = GaugeMetricFamily(
        "pmscoring_backup_bytes", "Size of its parts as they are stored", labels=["plan", "part"]
    )
    seconds = GaugeMetricFamily(
        "pmscoring_backup_seconds",
        "How long it took to make (total), and to restore and compare (verify)",
        labels=["plan", "step"],
    )
    for name, backup in _newest_verified():
        verified.add_metric([name], backup.snapshot_at.timestamp() if backup.snapshot_at else 0)
        for part in backup.manifest.get("parts", []):
            size.add_metric([name, part["name"]], part["bytes"])
        for step, value in (("total", backup.seconds), ("verify", backup.verify_seconds)):
            if value is not None:
                seconds.add_metric([name, step], value)
    yield from (verified, size, seconds)


def _newest_verified() -> Iterator[tuple[str, Backup]]:
    """(name of the plan, newest verified backup), and the newest one without a plan."""
    rows = Backup.objects.verified().exclude(snapshot_at=None).select_related("plan")
    for backup in rows.order_by("plan_id", "-snapshot_at").distinct("plan_id"):
        yield backup.plan.name if backup.plan else NO_PLAN, backup


def _of_plans() -> Iterator[Metric]:
    overdue = GaugeMetricFamily(
        "pmscoring_backup_overdue",
        "1 where the newest verified backup is older than the plan allows",
        labels=["plan"],
    )
    for plan in BackupPlan.objects.filter(enabled=True):
        overdue.add_metric([plan.name], int(plans.is_overdue(plan)))
    yield overdue


def _failures() -> Metric:
    failures = CounterMetricFamily(
        "pmscoring_backup_failures", "Backups that have failed", labels=["plan"]
    )
    failed = Count("backups", filter=Q(backups__status=Backup.Status.FAILED))
    for name, count in BackupPlan.objects.annotate(failed=failed).values_list("name", "failed"):
        failures.add_metric([name], count)
    without = Backup.objects.filter(plan=None, status=Backup.Status.FAILED).count()
    failures.add_metric([NO_PLAN], without)
    return failures


def _of_restores() -> Iterator[Metric]:
    last = Restore.objects.filter(status=Restore.Status.DONE).order_by("finished_at").last()
    if last and last.seconds is not None:
        yield GaugeMetricFamily(
            "pmscoring_restore_seconds", "How long the last restore took", value=last.seconds
        )
    # Verified again, some time after it was made: a rehearsal of the restore.
    drills = Verification.objects.filter(ok=True, complete=True)
    passed = drills.filter(started_at__gt=F("backup__finished_at")).aggregate(at=Max("started_at"))
    if passed["at"]:
        yield GaugeMetricFamily(
            "pmscoring_restore_drill_passed_timestamp_seconds",
            "When an older backup was last restored and compared",
            value=passed["at"].timestamp(),
        )
