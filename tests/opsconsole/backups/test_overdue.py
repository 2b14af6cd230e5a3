"""When a plan is due, and when it is overdue and told."""

from datetime import UTC, datetime, timedelta

import pytest

from opsconsole.backups import plans
from opsconsole.models import Backup, BackupPlan, Event
from tests.opsconsole.factories import STATUS, a_backup, a_plan

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 5, 1, 17, tzinfo=UTC)  # 02:00 in Tokyo
DAY = timedelta(days=1)


@pytest.fixture
def plan() -> BackupPlan:
    """At 02:00 in Tokyo each day, the only plan; it last started in time."""
    BackupPlan.objects.all().delete()
    return a_plan(started_at=NIGHT, most_hours=36)


def is_due(at: datetime) -> bool:
    return bool(plans.due(at))


def test_a_plan_is_due_when_its_time_has_come_in_its_zone(plan: BackupPlan) -> None:
    assert not is_due(NIGHT + timedelta(minutes=1))
    assert not is_due(NIGHT + DAY - timedelta(seconds=1))
    assert is_due(NIGHT + DAY)
    assert plans.next_start(plan, NIGHT + timedelta(hours=1)) == NIGHT + DAY


def test_a_missed_plan_is_due_however_long_ago_its_time_was(plan: BackupPlan) -> None:
    assert is_due(NIGHT + 40 * DAY + timedelta(hours=7))


def test_a_plan_that_is_off_is_never_due(plan: BackupPlan) -> None:
    plan.enabled = False
    plan.save()
    assert not is_due(NIGHT + 9 * DAY)


def test_the_plan_that_has_waited_longest_comes_first(plan: BackupPlan) -> None:
    other = a_plan("weekly", started_at=NIGHT - DAY)
    assert plans.due(NIGHT + DAY) == [other, plan]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Europe/Berlin"])
def test_a_day_of_23_or_25_hours_has_one_backup(plan: BackupPlan, zone: str) -> None:
    plan.schedule.timezone = zone
    plan.schedule.save()
    starts, at = 0, datetime(2026, 1, 1, tzinfo=UTC)
    plan.started_at = at
    plan.save()
    for _ in range(365 * 2):
        at += timedelta(hours=12)
        if is_due(at):
            BackupPlan.objects.update(started_at=at)
            starts += 1
    assert 364 <= starts <= 366


def overdue(at: datetime) -> bool:
    return plans.is_overdue(BackupPlan.objects.get(), at)


def test_a_plan_is_overdue_by_the_time_of_the_snapshot(plan: BackupPlan) -> None:
    backup = a_backup(at=NIGHT, plan=plan)
    # Verified again much later, as a drill does: the data in it are as old as before.
    Backup.objects.filter(pk=backup.pk).update(verified_at=NIGHT + 30 * DAY)
    assert not overdue(NIGHT + timedelta(hours=36))
    assert overdue(NIGHT + timedelta(hours=36, seconds=1))


@pytest.mark.parametrize(
    "fields", [{"verified_at": None}, {"status": STATUS.FAILED}, {"removing_at": NIGHT}]
)
def test_only_a_verified_backup_that_is_there_counts(
    plan: BackupPlan, fields: dict[str, object]
) -> None:
    a_backup(at=NIGHT, plan=plan)
    later = a_backup(at=NIGHT + DAY, plan=plan)
    Backup.objects.filter(pk=later.pk).update(**fields)
    assert overdue(NIGHT + timedelta(hours=37))


def test_the_backup_of_another_plan_does_not_count(plan: BackupPlan) -> None:
    a_backup(at=NIGHT, plan=plan)
    a_backup(at=NIGHT + 2 * DAY)
    assert overdue(NIGHT + 2 * DAY)


def test_a_plan_without_any_is_overdue_after_its_own_hours(plan: BackupPlan) -> None:
    assert not overdue(NIGHT + timedelta(hours=36))
    assert overdue(NIGHT + timedelta(hours=37))


def test_a_plan_that_starts_and_always_fails_becomes_overdue(plan: BackupPlan) -> None:
    for day in range(3):
        a_backup(STATUS.FAILED, at=NIGHT + day * DAY, plan=plan)
    plan.started_at = NIGHT + 2 * DAY
    plan.save()
    assert overdue(NIGHT + 2 * DAY)


def test_a_snapshot_in_the_future_is_not_fresh(plan: BackupPlan) -> None:
    a_backup(at=NIGHT, plan=plan)
    a_backup(at=NIGHT + 300 * DAY, plan=plan)
    assert overdue(NIGHT + 2 * DAY)


def told(at: datetime) -> int:
    return len(plans.tell_overdue(at))


def test_an_overdue_plan_is_told_once_a_day(plan: BackupPlan) -> None:
    backup = a_backup(at=NIGHT, plan=plan)
    assert [told(NIGHT + timedelta(hours=hours)) for hours in (36, 37, 38, 60, 61, 62)] == [
        *(0, 1, 0),
        *(0, 1, 0),
    ]
    event = Event.objects.filter(deed="plan.overdue").order_by("number").first()
    assert event
    assert (event.object_name, event.result, event.source) == ("nightly", "failed", "beat")
    assert event.details["newest_verified"] == backup.name
    assert event.details["most_hours"] == 36


def test_it_is_told_anew_when_it_is_overdue_again(plan: BackupPlan) -> None:
    a_backup(at=NIGHT, plan=plan)
    assert told(NIGHT + timedelta(hours=37)) == 1
    a_backup(at=NIGHT + timedelta(hours=38), plan=plan)
    assert told(NIGHT + timedelta(hours=39)) == 0
    assert told(NIGHT + timedelta(hours=38 + 37)) == 1


def test_a_clock_set_back_does_not_silence_it(plan: BackupPlan) -> None:
    a_backup(at=NIGHT, plan=plan)
    assert told(NIGHT + 400 * DAY) == 1
    assert told(NIGHT + 2 * DAY) == 1
