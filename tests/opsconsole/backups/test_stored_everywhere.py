"""A backup whose store is away: failed with the reason, and still of use where it was made."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.backups import again, copies, drill, looking, places, prune, restore, take
from opsconsole.gateways import stores
from opsconsole.models import SYSTEM, Backup, BackupPlan, Event
from pmscoring.base.refusals import Refused
from tests.local_servers import free_port
from tests.opsconsole.factories import STATUS, a_backup, a_plan
from tests.opsconsole.s3 import CANARIES, S3

pytestmark = pytest.mark.django_db(transaction=True)


def silent(_fraction: float, _note: str) -> None:
    """Nobody looks."""


@pytest.fixture
def plan(
    s3: S3, bucket: str, stores_dir: Path, backup_dir: Path, settings: Settings, tmp_path: Path
) -> BackupPlan:
    """A plan that keeps one backup, here and in the store `away`."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.MEDIA_ROOT.mkdir()
    s3.describe(stores_dir, "away", bucket)
    return a_plan(
        parts=["database", "uploads"],
        stores=["local", "away"],
        keep_last=1,
        keep_daily=0,
        keep_weekly=0,
        keep_monthly=0,
    )


def made(plan: BackupPlan) -> Backup:
    backup = take.request(caller=SYSTEM, plan=plan)
    take.take(backup, silent)
    backup.refresh_from_db()
    return backup


@pytest.fixture
def failed(s3: S3, plan: BackupPlan, stores_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Backup:
    """A backup that was made while the store was away."""
    monkeypatch.setattr(copies, "ATTEMPTS", 1)
    monkeypatch.setattr(stores, "RETRIES", {"max_retries": 0})
    s3.describe(stores_dir, "away", "b", endpoint=f"http://127.0.0.1:{free_port()}")
    return made(plan)


def test_it_is_stored_when_every_store_has_it(plan: BackupPlan) -> None:
    backup = made(plan)
    assert (backup.status, backup.reason) == ("stored", "")
    assert set(backup.copies.values_list("status", flat=True)) == {"stored"}
    assert backup.verified_at


def test_it_fails_with_the_reason_of_the_store(failed: Backup) -> None:
    assert failed.status == "failed"
    assert failed.reason == "store away: it cannot be reached"
    event = Event.objects.get(deed="backup.failed")
    assert event.details["reason"] == "store away: it cannot be reached"
    assert not Event.objects.filter(deed="backup.stored").exists()
    told = str(list(Event.objects.values())) + str(list(Backup.objects.values()))
    assert not [key for key in CANARIES if key in told]


def test_it_is_whole_where_it_was_made(failed: Backup) -> None:
    assert failed.verified_at
    assert drill.look(failed, caller=SYSTEM, say=silent).complete
    assert restore.request(failed, caller=SYSTEM, parts=["database"]).backup == failed


def test_one_that_failed_before_it_was_verified_is_not_restored(plan: BackupPlan) -> None:
    broken = a_backup(STATUS.FAILED, plan=plan)
    with pytest.raises(Refused, match="are gone"):
        restore.request(broken, caller=SYSTEM)


def test_it_counts_for_nothing_and_lets_nothing_be_removed(
    failed: Backup, plan: BackupPlan
) -> None:
    older = [
        a_backup(at=now() - timedelta(days=days), plan=plan, stores=["local"]) for days in (2, 1)
    ]
    outcome = prune.prune(caller=SYSTEM, say=silent)
    assert outcome.removed == []
    assert set(Backup.objects.verified()) == set(older)
    assert places.folder(failed).is_dir()


def test_the_next_good_one_lets_it_go(
    s3: S3, failed: Backup, plan: BackupPlan, bucket: str, stores_dir: Path
) -> None:
    s3.describe(stores_dir, "away", bucket)
    good = made(plan)
    assert good.status == "stored"
    assert prune.prune(caller=SYSTEM, say=silent).removed == [failed]
    assert places.folder(good).is_dir()


def test_it_is_stored_once_the_store_is_back_and_it_was_copied_again(
    failed: Backup, s3: S3, bucket: str, stores_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.describe(stores_dir, "away", bucket)

    call_command("backups", "--copy-again", str(failed.uid))

    failed.refresh_from_db()
    assert (failed.status, failed.reason) == ("stored", "")
    assert set(failed.copies.values_list("status", flat=True)) == {"stored"}
    assert failed in Backup.objects.verified()
    event = Event.objects.get(deed="backup.stored")
    assert (event.source, event.details["stores"]) == ("command", ["local", "away"])
    with pytest.raises(Refused, match="lacks no copy"):
        again.copy_again(failed, caller=SYSTEM, say=silent)


def test_it_stays_failed_while_the_store_is_away(failed: Backup) -> None:
    with pytest.raises(copies.Missing, match="away: it cannot be reached"):
        again.copy_again(failed, caller=SYSTEM, say=silent)

    failed.refresh_from_db()
    assert failed.status == "failed"
    assert Event.objects.filter(deed="backup.failed").count() == 2


def test_it_is_copied_from_the_backup_folder_alone(failed: Backup) -> None:
    shutil.rmtree(places.folder(failed))

    with pytest.raises(Refused, match="not in the backup folder"):
        again.copy_again(failed, caller=SYSTEM, say=silent)


def test_a_verification_shows_how_far_it_is(plan: BackupPlan) -> None:
    backup = made(plan)
    stages: list[str] = []

    def look(_fraction: float, _note: str) -> None:
        stages.append(Backup.objects.get(pk=backup.pk).stage)

    drill.look(backup, caller=SYSTEM, say=look)

    assert any(stages)
    backup.refresh_from_db()
    assert (backup.status, backup.stage, backup.claimed_at) == ("stored", "", None)


def test_what_a_killed_verification_showed_is_cleared(plan: BackupPlan) -> None:
    backup = made(plan)
    hour = timedelta(hours=1)
    Backup.objects.update(stage="comparing", claimed_at=now() - hour)

    looking.forget(2 * hour)
    assert Backup.objects.get().stage == "comparing"
    looking.forget(hour / 2)

    backup.refresh_from_db()
    assert (backup.status, backup.stage, backup.claimed_at) == ("stored", "", None)
