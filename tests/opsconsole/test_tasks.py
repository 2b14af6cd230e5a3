"""What the tasks of the queue `ops` do with the rows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole import tasks
from opsconsole.models import (
    Backup,
    BackupPlan,
    Environment,
    Event,
    ExamWindow,
    Operation,
    Restore,
)
from pmscoring.base.lifecycle import WrongState
from scoring.models import Exam
from scoring.tasks import publish_load
from tests.opsconsole.factories import STATUS, a_backup, a_plan, with_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_dir")]
Sent = list[tuple[str, tuple[object, ...]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The messages to the broker: name of the task, and what it is sent with."""
    messages: Sent = []

    def keep(self: object, args: tuple[object, ...] = (), **_: object) -> None:
        messages.append((str(getattr(self, "name", "")), tuple(args or ())))

    monkeypatch.setattr(current_app.Task, "apply_async", keep)
    return messages


@pytest.fixture(autouse=True)
def no_plan() -> None:
    """No plan is due but those that a test makes."""
    BackupPlan.objects.all().delete()


def tasks_sent(sent: Sent) -> list[str]:
    return [name.rsplit(".", 1)[-1] for name, _args in sent]


def test_the_sweep_nudges_the_first_of_what_waits(sent: Sent) -> None:
    first, _second = a_backup(STATUS.WAITING), a_backup(STATUS.WAITING)
    tasks.sweep()
    assert ("opsconsole.tasks.take_backup", (first.pk,)) in sent
    assert tasks_sent(sent).count("take_backup") == 1
    assert {"sweep_restores", "remove_leftovers", "sweep_operations", "tell"} <= set(
        tasks_sent(sent)
    )


def test_the_sweep_has_windows_follow_the_exams_that_scoring_publishes(sent: Sent) -> None:
    tasks.sweep()
    assert "follow_exams" in tasks_sent(sent)
    at = now()
    Exam.objects.create(
        code="PM-2027",
        title="Spring",
        starts_at=at + timedelta(days=1),
        ends_at=at + timedelta(days=1, hours=3),
    )
    publish_load()
    tasks.follow_exams()
    window = ExamWindow.objects.get()
    assert (window.exam, window.starts_at) == ("PM-2027", at + timedelta(days=1))


def test_the_sweep_of_restores_nudges_what_waits(sent: Sent) -> None:
    asked = Restore.objects.create(backup_name="b")
    tasks.sweep_restores()
    assert ("opsconsole.tasks.run_restore", (asked.pk,)) in sent


def test_the_sweep_requests_what_is_due_and_nudges_it(sent: Sent) -> None:
    a_plan(started_at=now() - timedelta(days=2))
    tasks.sweep()
    [backup] = Backup.objects.all()
    assert ("opsconsole.tasks.take_backup", (backup.pk,)) in sent


def test_the_sweep_tells_of_an_overdue_plan(sent: Sent) -> None:
    plan = a_plan(most_hours=24)
    a_backup(at=now() - timedelta(days=2), plan=plan)
    tasks.sweep()
    assert Event.objects.filter(deed="plan.overdue").count() == 1
    assert "tell" in tasks_sent(sent)


def test_the_sweep_gives_a_quiet_workers_backup_to_another(sent: Sent) -> None:
    quiet = a_backup(STATUS.DUMPED, tries=1)
    long_ago = now() - timedelta(seconds=settings.BACKUP_STALLED_SECONDS + 5)
    Backup.objects.filter(pk=quiet.pk).update(claimed_at=long_ago)
    tasks.sweep()
    quiet.refresh_from_db()
    assert quiet.status == "waiting"
    assert ("opsconsole.tasks.take_backup", (quiet.pk,)) in sent


def test_what_killed_work_left_is_removed_and_work_under_way_is_not(backup_dir: Path) -> None:
    gone, going_on = a_backup(STATUS.FAILED), a_backup(STATUS.RUNNING)
    for backup in (gone, going_on):
        (backup_dir / f"{backup.name}.partial").mkdir()
    tasks.remove_leftovers()
    assert [path.name for path in backup_dir.iterdir()] == [f"{going_on.name}.partial"]


def test_a_restore_that_broke_off_is_given_up_when_it_was_undone() -> None:
    restore = Restore.objects.create(backup_name="b", status="restoring", tries=1)
    long_ago = now() - timedelta(seconds=settings.BACKUP_STALLED_SECONDS + 5)
    Restore.objects.update(claimed_at=long_ago)
    tasks.sweep_restores()
    restore.refresh_from_db()
    assert restore.status == "failed"


def test_a_second_message_for_one_backup_changes_nothing() -> None:
    running = a_backup(STATUS.RUNNING)
    with pytest.raises(WrongState):
        tasks.take_backup(running.pk)
    running.refresh_from_db()
    assert running.status == "running"


def test_messages_about_rows_that_are_gone_are_ignored() -> None:
    for task in (tasks.take_backup, tasks.verify_backup, tasks.run_restore, tasks.drop_previous):
        task(404)


def test_a_backup_is_made_by_its_task(sent: Sent) -> None:
    waiting = a_backup(STATUS.WAITING, parts=["database"])
    tasks.take_backup(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("stored", "")
    assert waiting.verified_at
    assert "tell" in tasks_sent(sent)


def test_a_verification_that_a_person_asked_for_names_the_person(sent: Sent) -> None:
    backup = a_backup()
    with_files(backup)
    tasks.verify_backup(backup.pk, "", "hanako", "admin", "192.0.2.1")
    event = Event.objects.get(deed="backup.verification_failed")
    assert (event.actor, event.source, event.address) == ("hanako", "admin", "192.0.2.1")


def test_the_prune_removes_what_no_plan_keeps(sent: Sent) -> None:
    plan = a_plan(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0)
    old, new = (a_backup(at=now() - timedelta(days=days), plan=plan) for days in (2, 1))
    tasks.prune_backups()
    assert list(Backup.objects.kept()) == [new]
    assert Event.objects.get(deed="backup.removed").object_id == str(old.pk)


def test_every_task_of_the_schedule_goes_to_a_queue_that_has_a_worker() -> None:
    schedule: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    ours = [entry for entry in schedule.values() if entry["task"].startswith("opsconsole.")]
    assert {entry["task"] for entry in ours} <= set(current_app.tasks)
    queues = {entry["options"].get("queue", "ops") for entry in ours}
    assert queues == {"default", "scoring", "ops"}


def test_the_sweep_of_operations_enters_the_installation_and_nudges_what_is_due(
    sent: Sent, settings: Settings
) -> None:
    settings.ENGINE = "embedded"
    tasks.sweep_operations()
    here = Environment.objects.here()
    now_due = Operation.objects.create(environment=here, kind="run", target="check")
    later = {"not_before": (now() + timedelta(hours=1)).isoformat()}
    Operation.objects.create(environment=here, kind="scale", target="web", arguments=later)
    tasks.sweep_operations()
    keys = [args for name, args in sent if name.endswith("perform_operation")]
    assert keys == [(now_due.pk,)]


def test_the_sweep_of_operations_fails_what_a_dead_worker_had(
    sent: Sent, settings: Settings
) -> None:
    settings.ENGINE = "embedded"
    tasks.sweep_operations()
    broken = Operation.objects.create(
        environment=Environment.objects.here(),
        kind="run",
        status="running",
        tries=1,
        claimed_at=now() - timedelta(seconds=settings.BACKUP_STALLED_SECONDS + 5),
    )
    tasks.sweep_operations()
    broken.refresh_from_db()
    assert broken.status == "failed"
    assert "perform_operation" not in tasks_sent(sent)
