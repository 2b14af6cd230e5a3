"""What becomes of backups and restores reaches the operators, from the verbs to the mailbox."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.backups import plans
from opsconsole.models import Backup, Channel, Event, Restore
from opsconsole.notices import telling
from tests.opsconsole.factories import a_backup, a_plan
from tests.opsconsole.receivers import Mail, channel_file
from tests.opsconsole.taking import made, stub

pytestmark = pytest.mark.django_db(transaction=True)
STALLED = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def channel(channels_dir: Path, mail: Mail, backup_dir: Path) -> Channel:
    channel_file(channels_dir, "night", mail.url())
    return Channel.objects.create(name="night", language="en")


def letters(mail: Mail) -> list[tuple[str, str]]:
    """Subject and text of each letter, once all channels were told."""
    telling.tell_all()
    found = []
    for letter in mail.letters:
        payload: Any = letter.get_payload(decode=True)
        found.append((str(letter["Subject"]), payload.decode()))
    return found


def test_a_backup_whose_dump_is_killed(mail: Mail, settings: Settings, tmp_path: Path) -> None:
    stub(tmp_path / "bin", "pg_dump", "kill -9 $$")
    settings.POSTGRES_BIN = str(tmp_path / "bin")
    backup = made(parts=["database"])
    ((subject, text),) = letters(mail)
    assert subject == f"PM Scoring: backup failed: {backup.name}"
    assert backup.reason.splitlines()[0][:40] in text


def test_a_success_where_its_plan_asks_and_only_once_it_is_verified(mail: Mail) -> None:
    plan = a_plan(successes=True, parts=["database"])
    backup = made(plan=plan)
    assert backup.status == "stored", backup.reason
    ((subject, text),) = letters(mail)
    assert subject == f"PM Scoring: backup made: {backup.name}"
    assert "verified: True" in text


def test_a_plan_whose_backups_are_overdue_once(mail: Mail) -> None:
    a_backup(plan=a_plan("nightly"), at=now() - timedelta(days=9))
    assert plans.tell_overdue()
    assert [subject for subject, _text in letters(mail)] == ["PM Scoring: backup overdue: nightly"]
    plans.tell_overdue()
    assert len(letters(mail)) == 1


@pytest.mark.parametrize(
    ("begun", "subject"),
    [
        (
            lambda: Backup.objects.create(name="b", status="running", tries=3, language="en"),
            "PM Scoring: backup failed: b",
        ),
        (
            lambda: Restore.objects.create(
                backup_name="b", status="restoring", tries=1, language="en"
            ),
            "PM Scoring: restore failed: b",
        ),
    ],
)
def test_work_that_broke_off_for_the_last_time(
    mail: Mail, begun: Callable[[], Backup | Restore], subject: str
) -> None:
    job = begun()
    kind = type(job)
    kind._default_manager.filter(pk=job.pk).update(claimed_at=now() - 2 * STALLED)
    kind.objects.release_stalled(STALLED)
    (letter,) = letters(mail)
    assert letter[0].startswith(subject)
    assert "broke off" in letter[1]
    assert Event.objects.broken_at() is None
