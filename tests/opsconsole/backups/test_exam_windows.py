"""While an exam window holds, nothing is restored and no backup is removed without a reason."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from opsconsole import tasks
from opsconsole.backups import prune, restore
from opsconsole.models import SYSTEM, Backup, Event, ExamWindow, Restore
from pmscoring.base.refusals import Refused
from tests.clients import JSON, client_for
from tests.opsconsole.factories import a_backup, a_plan, with_files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backup_dir")]
WHY = "the exam was called off"


@pytest.fixture(autouse=True)
def window(db: None) -> ExamWindow:
    """A window that holds."""
    hour = timedelta(hours=1)
    return ExamWindow.objects.create(name="autumn", starts_at=now() - hour, ends_at=now() + hour)


@pytest.fixture
def old(db: None) -> Backup:
    """A backup that no plan keeps any more."""
    plan = a_plan(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0)
    backup = a_backup(at=now() - timedelta(days=2), plan=plan)
    with_files(backup)
    with_files(a_backup(at=now() - timedelta(days=1), plan=plan))
    return backup


def silent(_fraction: float, _note: str) -> None:
    """Nobody is told."""


DEEDS: dict[str, Callable[[Backup, str], object]] = {
    "restore": lambda backup, why: restore.request(backup, caller=SYSTEM, why=why),
    "prune": lambda backup, why: prune.prune(caller=SYSTEM, say=silent, why=why),
    "removal": lambda backup, why: prune.remove(backup, caller=SYSTEM, why=why),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_it_is_refused_with_the_name_of_the_window(old: Backup, deed: str) -> None:
    with pytest.raises(Refused, match="exam window autumn"):
        DEEDS[deed](old, "")
    old.refresh_from_db()
    assert old.removing_at is None
    assert not Restore.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("deed", DEEDS)
def test_a_reason_overrides_it_and_the_event_keeps_it(old: Backup, deed: str) -> None:
    DEEDS[deed](old, WHY)
    assert WHY in Event.objects.get().details.values()


def test_what_would_be_removed_may_be_asked(old: Backup) -> None:
    assert prune.prune(caller=SYSTEM, say=silent, dry_run=True).removed == [old]


def test_the_schedule_removes_nothing_meanwhile(old: Backup, window: ExamWindow) -> None:
    with pytest.raises(Refused):
        tasks.prune_backups()
    window.delete()
    tasks.prune_backups()
    old.refresh_from_db()
    assert old.removed_at


def test_the_command_exits_with_3_and_takes_a_reason(old: Backup) -> None:
    with pytest.raises(CommandError, match="exam window autumn") as error:
        call_command("prune", stdout=io.StringIO(), stderr=io.StringIO())
    assert error.value.returncode == 3
    call_command("prune", "--reason", WHY, stdout=io.StringIO(), stderr=io.StringIO())
    old.refresh_from_db()
    assert old.removed_at


def test_rest_answers_with_a_conflict_that_says_what_overrides_it(old: Backup) -> None:
    body = {"backup": str(old.uid), "confirm": old.name}
    operator = client_for("operator")
    place, english = "/api/v1/ops/restores", {"Accept-Language": "en"}
    refused = operator.post(place, body, content_type=JSON, headers=english)
    assert refused.status_code == 409
    assert "a reason overrides this" in refused.content.decode()
    accepted = operator.post(place, {**body, "why": WHY}, content_type=JSON, headers=english)
    assert accepted.status_code == 202
