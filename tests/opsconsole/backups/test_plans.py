"""Requests of due plans: one at a time, once, and made up for."""

from datetime import UTC, datetime, timedelta

import pytest

from opsconsole.backups import plans
from opsconsole.models import Backup, BackupPlan, Event
from tests.concurrency import run_concurrently
from tests.opsconsole.factories import STATUS, a_backup, a_plan

NIGHT = datetime(2026, 5, 1, 17, tzinfo=UTC)  # 02:00 in Tokyo
DAY = timedelta(days=1)
database = pytest.mark.django_db


@pytest.fixture
def plan() -> BackupPlan:
    """At 02:00 in Tokyo each day, the only plan; it last started in time."""
    BackupPlan.objects.all().delete()
    return a_plan(started_at=NIGHT, parts=["database"], stores=["local", "nas"], verify=False)


@database
def test_a_due_plan_gets_the_backup_that_it_describes(plan: BackupPlan) -> None:
    backup = plans.request_due(NIGHT + DAY)
    assert backup
    assert (backup.plan, backup.status, backup.origin) == (plan, "waiting", "made")
    assert (backup.parts, backup.stores, backup.verify) == (["database"], ["local", "nas"], False)
    plan.refresh_from_db()
    assert plan.started_at == NIGHT + DAY
    event = Event.objects.get(deed="backup.requested")
    assert (event.source, event.details["plan"]) == ("beat", "nightly")


@database
def test_a_plan_that_is_not_due_gets_none(plan: BackupPlan) -> None:
    assert plans.request_due(NIGHT + timedelta(hours=23)) is None
    assert not Backup.objects.exists()


@database
def test_a_plan_missed_for_weeks_gets_one_backup(plan: BackupPlan) -> None:
    at = NIGHT + 20 * DAY + timedelta(hours=5)
    first = plans.request_due(at)
    assert first
    Backup.objects.update(status=STATUS.STORED)
    assert plans.request_due(at + timedelta(minutes=1)) is None
    assert plans.request_due(NIGHT + 21 * DAY) is not None


@database
@pytest.mark.parametrize("status", [STATUS.WAITING, STATUS.RUNNING, STATUS.DUMPED])
def test_one_backup_at_a_time_and_the_others_have_their_turn(plan: BackupPlan, status: str) -> None:
    other = a_backup(status)
    assert plans.request_due(NIGHT + DAY) is None
    Backup.objects.filter(pk=other.pk).update(status=STATUS.FAILED)
    assert plans.request_due(NIGHT + DAY + timedelta(hours=3)) is not None


@database
def test_of_two_due_plans_the_one_that_waited_longer_comes_first(plan: BackupPlan) -> None:
    weekly = a_plan("weekly", started_at=NIGHT - DAY)
    first = plans.request_due(NIGHT + DAY)
    assert first
    assert first.plan == weekly
    Backup.objects.update(status=STATUS.STORED)
    second = plans.request_due(NIGHT + DAY)
    assert second
    assert second.plan == plan


@database
def test_a_clock_that_was_ahead_does_not_silence_the_plan(plan: BackupPlan) -> None:
    ahead = NIGHT + 4000 * DAY
    assert plans.request_due(ahead)
    Backup.objects.update(status=STATUS.STORED)
    assert plans.request_due(NIGHT + timedelta(hours=1)) is None
    assert plans.request_due(NIGHT + DAY)


@database
def test_a_plan_that_cannot_be_carried_out_is_told_once_and_not_silent(plan: BackupPlan) -> None:
    plan.recipients = "no key of age"
    plan.save()
    assert plans.request_due(NIGHT + DAY) is None
    assert plans.request_due(NIGHT + DAY + timedelta(minutes=1)) is None
    event = Event.objects.get(deed="backup.failed")
    assert (event.object_name, event.result) == ("nightly", "failed")
    assert "recipients" in event.details["reason"]


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_request_one_backup(plan: BackupPlan) -> None:
    at = NIGHT + DAY
    results = run_concurrently([lambda: plans.request_due(at)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["Backup", "NoneType"]
    assert Backup.objects.count() == 1
