"""Channels are told of what a person must look at, and of successes where that is asked for."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.serializers import serialize
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import get_language
from pytest_django import DjangoCaptureOnCommitCallbacks

from opsconsole import tasks
from opsconsole.models import Backup, BackupPlan, Caller, Channel, Event, Restore
from opsconsole.notices import telling, testing
from pmscoring.base.refusals import Refused
from tests.concurrency import run_concurrently
from tests.local_servers import free_port
from tests.opsconsole.logged import Logged
from tests.opsconsole.receivers import CANARY, Mail, Receiver, answers, channel_file

database = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)
ANN = Caller("ann", "admin", "192.0.2.7")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "FIRST_WAIT", 0.01)


@pytest.fixture
def channel(db: None, channels_dir: Path, receiver: Receiver) -> Channel:
    """A channel that leads to the receiver."""
    return a_channel(channels_dir, receiver.url)


def a_channel(folder: Path, address: str, name: str = "night", **more: Any) -> Channel:
    channel_file(folder, name, address)
    return Channel.objects.create(name=name, **{"language": "en"} | more)


def a_backup(**more: Any) -> Backup:
    return Backup.objects.create(name=f"backup-{Backup.objects.count()}", **more)


def titles(receiver: Receiver) -> list[str]:
    return [notice["title"] for notice in receiver.notices]


def fresh(channel: Channel) -> Channel:
    return Channel.objects.get(pk=channel.pk)


def failed_backup() -> Event:
    reason = "pg_dump: no space left on device"
    return Event.objects.record("backup.failed", a_backup(), result="failed", reason=reason)


def due_again(channel: Channel) -> None:
    """The pause after a failure is over."""
    Channel.objects.filter(pk=channel.pk).update(due_at=now())


def test_a_failed_backup_is_told_with_its_reason(channel: Channel, receiver: Receiver) -> None:
    failed_backup()
    assert telling.tell_all() == 1
    (notice,) = receiver.notices
    assert notice["title"] == "PM Scoring: backup failed: backup-0"
    assert "reason: pg_dump: no space left on device" in notice["message"]
    assert fresh(channel).delivered_at
    assert telling.tell_all() == 0


@pytest.mark.parametrize(
    "deed",
    [
        "backup.failed",
        "backup.verification_failed",
        "plan.overdue",
        "restore.failed",
        "restore.undone",
    ],
)
def test_what_a_person_must_look_at_is_always_told(
    channel: Channel, receiver: Receiver, default_plan: BackupPlan, deed: str
) -> None:
    Event.objects.record(deed, default_plan)
    telling.tell_all()
    assert len(receiver.notices) == 1


@pytest.mark.parametrize(
    "deed", ["backup.requested", "backup.stored", "backup.held", "restore.done", "plan.changed"]
)
def test_other_deeds_are_not_told_unasked(
    channel: Channel, receiver: Receiver, default_plan: BackupPlan, deed: str
) -> None:
    Event.objects.record(deed, a_backup(plan=default_plan))
    telling.tell_all()
    assert receiver.notices == []


def test_a_channel_that_asks_for_successes_is_told_of_them(
    channel: Channel, receiver: Receiver
) -> None:
    Channel.objects.update(successes=True)
    Event.objects.record("backup.stored", a_backup())
    Event.objects.record("backup.requested", a_backup())
    Event.objects.record("restore.done", Restore.objects.create(backup_name="b"))
    telling.tell_all()
    assert titles(receiver) == ["PM Scoring: 2 events"]


def test_a_plan_that_asks_for_successes_has_its_own_backups_told(
    channel: Channel, receiver: Receiver, default_plan: BackupPlan
) -> None:
    BackupPlan.objects.update(successes=True)
    Event.objects.record("backup.stored", a_backup(plan=default_plan))
    Event.objects.record("backup.stored", a_backup())
    telling.tell_all()
    assert titles(receiver) == ["PM Scoring: backup made: backup-0"]


def test_many_at_once_come_in_one_notice_the_oldest_first(
    channel: Channel, receiver: Receiver
) -> None:
    for _ in range(23):
        failed_backup()
    telling.tell_all()
    (notice,) = receiver.notices
    assert notice["title"] == "PM Scoring: 23 events"
    assert notice["message"].index("backup-0") < notice["message"].index("backup-1")
    assert "and 3 more events" in notice["message"]


def test_it_speaks_the_channel_s_language(
    channel: Channel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "title_of", lambda events: get_language())
    Channel.objects.update(language="ja")
    failed_backup()
    telling.tell_all()
    assert titles(receiver) == ["ja"]


def test_a_new_channel_is_told_of_what_happens_from_now_on(
    channels_dir: Path, receiver: Receiver, db: None
) -> None:
    failed_backup()
    channel = a_channel(channels_dir, receiver.url)
    telling.tell_all()
    assert receiver.notices == []
    Channel.objects.update(enabled=False)
    failed_backup()
    telling.tell_all()
    fresh(channel).start_afresh()
    Channel.objects.update(enabled=True)
    telling.tell_all()
    assert receiver.notices == []


def test_a_dead_channel_keeps_its_fault_and_harms_no_other(
    channel: Channel, channels_dir: Path, receiver: Receiver
) -> None:
    dead = a_channel(channels_dir, f"json://ann:{CANARY}@127.0.0.1:{free_port()}", "dead")
    failed_backup()
    assert telling.tell_all() == 1
    assert len(receiver.notices) == 1
    assert fresh(channel).fault == ""
    assert fresh(dead).fault == "the service could not be reached, or refused the notice"
    assert Event.objects.broken_at() is None


def test_a_channel_that_works_again_is_told_what_it_missed_once(
    channel: Channel, receiver: Receiver
) -> None:
    receiver.answer = answers(500)
    failed_backup()
    assert telling.tell_all() == 0
    assert len(receiver.notices) == telling.TRIES
    assert fresh(channel).fault == "the service answered 500"
    receiver.answer, receiver.notices = answers(200), []
    failed_backup()
    assert telling.tell_all() == 0, "it waits a while after a failure"
    due_again(channel)
    assert telling.tell_all() == 1
    assert titles(receiver) == ["PM Scoring: 2 events"]
    assert (fresh(channel).fault, fresh(channel).tries) == ("", 0)


def test_each_failure_doubles_the_pause_up_to_an_hour(channel: Channel, receiver: Receiver) -> None:
    receiver.answer = answers(500)
    failed_backup()
    pauses = []
    for _ in range(9):
        due_again(channel)
        telling.tell_all()
        pauses.append(round((fresh(channel).due_at - now()) / timedelta(seconds=30)))
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 120, 120]


@committed
def test_two_workers_at_once_send_one_notice(channels_dir: Path, receiver: Receiver) -> None:
    a_channel(channels_dir, receiver.url)
    failed_backup()
    assert sorted(run_concurrently([telling.tell_all] * 4)) == [0, 0, 0, 1]
    assert len(receiver.notices) == 1


@committed
def test_a_channel_of_a_worker_that_died_is_told_by_another(
    channels_dir: Path, receiver: Receiver
) -> None:
    channel = a_channel(channels_dir, receiver.url)
    failed_backup()
    assert channel.claim()
    assert telling.tell_all() == 0
    due_again(channel)
    assert telling.tell_all() == 1


@committed
def test_a_deed_that_is_rolled_back_is_not_told(channels_dir: Path, receiver: Receiver) -> None:
    a_channel(channels_dir, receiver.url)
    with transaction.atomic():
        failed_backup()
        run_concurrently([telling.tell_all])
        transaction.set_rollback(True)
    telling.tell_all()
    assert receiver.notices == []


def test_an_event_that_is_told_sends_for_a_worker_and_any_other_does_not(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(tasks.tell, "apply_async", lambda *_, **__: sent.append("tell"))
    with django_capture_on_commit_callbacks(execute=True):
        failed_backup()
    with django_capture_on_commit_callbacks(execute=True):
        Event.objects.record("backup.held", a_backup())
    assert sent == ["tell"]


def test_a_requested_test_is_told_to_its_channel_alone_and_recorded(
    channel: Channel, channels_dir: Path, receiver: Receiver, mail: Mail
) -> None:
    a_channel(channels_dir, mail.url(), "other")
    testing.request_test(channel, ANN)
    telling.tell_all()
    (notice,) = receiver.notices
    assert "test" in notice["title"]
    assert "by ann" in notice["message"]
    assert mail.letters == []
    tested = Event.objects.get(deed="channel.tested")
    assert (tested.actor, tested.address, tested.result) == ("ann", "192.0.2.7", "ok")


def test_a_requested_test_of_a_dead_channel_is_tried_at_once_and_fails_once(
    channel: Channel, receiver: Receiver
) -> None:
    receiver.answer = answers(500)
    failed_backup()
    telling.tell_all()
    testing.request_test(channel, ANN)
    for _ in range(3):
        telling.tell_all()
        due_again(channel)
    failed = Event.objects.filter(deed="channel.tested", result="failed")
    assert [event.details for event in failed] == [{"reason": "the service answered 500"}]


def test_a_channel_that_is_off_is_not_tested(channel: Channel) -> None:
    Channel.objects.update(enabled=False)
    with pytest.raises(Refused, match="switch it on"):
        testing.request_test(fresh(channel), ANN)
    assert not Event.objects.exists()


def test_a_test_from_this_process_says_whether_it_arrived(channel: Channel, mail: Mail) -> None:
    assert testing.test(channel, ANN) is True
    assert fresh(channel).delivered_at


def test_no_address_gets_into_a_row_an_event_or_a_log(
    channel: Channel, channels_dir: Path, receiver: Receiver, mail: Mail, logged: Logged
) -> None:
    receiver.answer = answers(403)
    a_channel(channels_dir, mail.url(), "mail")
    a_channel(channels_dir, f"nonsense://{CANARY}", "wrong")
    failed_backup()
    telling.tell_all()
    for each in Channel.objects.all():
        assert testing.test(each, ANN) is (each.name == "mail")
    rows = serialize("json", [*Channel.objects.all(), *Event.objects.all()])
    assert CANARY not in rows
    assert CANARY not in logged.text
    assert "was not delivered" in logged.text
