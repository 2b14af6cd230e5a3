"""What Prometheus is told of backups."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Backup, BackupPlan, Restore, Verification
from opsconsole.tasks import heartbeat
from tests.opsconsole.factories import STATUS, a_backup, a_plan
from tests.pmscoring.test_metrics import Samples, samples

# The page reads over a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plan() -> BackupPlan:
    """The only plan."""
    BackupPlan.objects.all().delete()
    return a_plan()


def scrape() -> Samples:
    return samples(Client().get("/metrics").content.decode())


def value(name: str, **labels: str) -> float | None:
    return scrape().get((name, tuple(sorted(labels.items()))))


def test_it_tells_of_the_newest_verified_backup_of_each_plan(plan: BackupPlan) -> None:
    at = now() - timedelta(hours=3)
    parts = [{"name": "database", "bytes": 700}, {"name": "uploads", "bytes": 30}]
    a_backup(at=at - timedelta(days=1), plan=plan)
    a_backup(at=at, plan=plan, manifest={"parts": parts}, seconds=12.5, verify_seconds=4.0)
    a_backup(at=now(), plan=plan, verified_at=None)

    told = scrape()

    daily = ("plan", "nightly")
    assert told[("pmscoring_backup_verified_timestamp_seconds", (daily,))] == pytest.approx(
        at.timestamp(), abs=0.001
    )
    assert told[("pmscoring_backup_bytes", (("part", "database"), daily))] == 700
    assert told[("pmscoring_backup_bytes", (("part", "uploads"), daily))] == 30
    assert told[("pmscoring_backup_seconds", (daily, ("step", "total")))] == 12.5
    assert told[("pmscoring_backup_seconds", (daily, ("step", "verify")))] == 4.0
    assert told[("pmscoring_backup_overdue", (daily,))] == 0


def test_what_has_not_happened_is_missing_and_not_zero(plan: BackupPlan) -> None:
    told = {name for name, _labels in scrape() if name.startswith("pmscoring_")}
    assert "pmscoring_backup_verified_timestamp_seconds" not in told
    assert "pmscoring_restore_seconds" not in told
    assert "pmscoring_restore_drill_passed_timestamp_seconds" not in told
    assert "pmscoring_backup_failures_total" in told


def test_failures_are_counted_from_the_first_one_on(plan: BackupPlan) -> None:
    name = "pmscoring_backup_failures_total"
    assert value(name, plan="nightly") == 0
    a_backup(STATUS.FAILED, plan=plan)
    a_backup(STATUS.FAILED, plan=plan, removing_at=now(), removed_at=now())
    a_backup(STATUS.FAILED)
    assert value(name, plan="nightly") == 2
    assert value(name, plan="") == 1


def test_an_overdue_plan_is_told_and_one_that_is_off_is_not(plan: BackupPlan) -> None:
    a_backup(at=now() - timedelta(days=2), plan=plan)
    assert value("pmscoring_backup_overdue", plan="nightly") == 1
    BackupPlan.objects.update(enabled=False)
    assert value("pmscoring_backup_overdue", plan="nightly") is None


def test_a_drill_is_a_verification_after_the_backup_was_made(plan: BackupPlan) -> None:
    name = "pmscoring_restore_drill_passed_timestamp_seconds"
    backup = a_backup(at=now() - timedelta(days=9), plan=plan)
    made = now() - timedelta(days=9)

    def verified(after: timedelta, *, ok: bool = True, complete: bool = True) -> None:
        Verification.objects.create(
            backup=backup, started_at=made + after, ok=ok, complete=complete, seconds=1
        )

    verified(timedelta(seconds=30))
    verified(timedelta(days=2), ok=False)
    verified(timedelta(days=3), complete=False)
    assert value(name) is None
    verified(timedelta(days=1))
    assert value(name) == pytest.approx((made + timedelta(days=1)).timestamp(), abs=1)


def test_it_tells_how_long_the_last_restore_took() -> None:
    for seconds, status in ((30.0, "done"), (5.0, "failed")):
        Restore.objects.create(backup_name="b", status=status, finished_at=now(), seconds=seconds)
    assert value("pmscoring_restore_seconds") == 30


def test_a_queue_shows_life_when_its_worker_does_what_beat_sends() -> None:
    name = "pmscoring_task_heartbeat_timestamp_seconds"
    heartbeat("ops")
    assert value(name, queue="ops") == pytest.approx(now().timestamp(), abs=30)


def test_removed_backups_do_not_count_as_verified(plan: BackupPlan) -> None:
    backup = a_backup(plan=plan)
    Backup.objects.filter(pk=backup.pk).update(removing_at=now())
    assert value("pmscoring_backup_verified_timestamp_seconds", plan="nightly") is None
