"""The drill: an old backup, read from its store, restored and compared."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
from django.utils.timezone import now

from opsconsole.backups import drill, places, take
from opsconsole.gateways import stores
from opsconsole.models import SYSTEM, Backup, BackupCopy, Event, Verification
from tests.opsconsole.factories import STATUS, a_backup
from tests.opsconsole.s3 import S3


def silent(_fraction: float, _note: str) -> None:
    """Nobody looks."""


def a_copy(store: str = "away", **fields: Any) -> BackupCopy:
    backup = a_backup(**fields)
    return BackupCopy.objects.create(backup=backup, store=store, status=BackupCopy.Status.STORED)


def looked_at(copy: BackupCopy, days_ago: float, *, ok: bool = True) -> None:
    at = now() - timedelta(days=days_ago)
    Verification.objects.create(
        backup=copy.backup, store=copy.store, started_at=at, ok=ok, complete=ok
    )


@pytest.mark.django_db
def test_the_copy_that_was_not_looked_at_for_longest_has_its_turn() -> None:
    first, second = a_copy(), a_copy()
    looked_at(first, 10)
    assert drill.next_copy() == second
    looked_at(second, 3)
    assert drill.next_copy() == first


@pytest.mark.django_db
def test_a_copy_in_a_store_comes_before_the_folder() -> None:
    local = a_copy("local")
    assert drill.next_copy() == local
    away = a_copy()
    looked_at(away, 1)
    assert drill.next_copy() == away


@pytest.mark.django_db
def test_only_copies_of_verified_backups_that_stay_have_a_turn() -> None:
    a_copy(status=STATUS.FAILED)
    a_copy(verified_at=None)
    a_copy(removing_at=now())
    BackupCopy.objects.filter(pk=a_copy().pk).update(status="kept")
    assert drill.next_copy() is None
    assert drill.drill(caller=SYSTEM, say=silent) is None


@pytest.mark.django_db
def test_it_is_due_a_week_after_one_passed_and_a_day_after_one_failed() -> None:
    copy = a_copy(at=now() - timedelta(days=90))
    assert drill.is_due()
    looked_at(copy, 6)
    assert not drill.is_due()
    assert drill.is_due(now() + timedelta(days=1, minutes=1))
    looked_at(copy, 0.5, ok=False)
    assert not drill.is_due(now() + timedelta(hours=11))
    assert drill.is_due(now() + timedelta(days=1, minutes=1))


@pytest.mark.django_db
def test_the_verification_of_a_new_backup_is_no_drill() -> None:
    copy = a_copy()
    looked_at(copy, 0.001)
    Backup.objects.update(finished_at=now())
    assert drill.is_due()


@pytest.mark.django_db
def test_it_waits_while_a_backup_is_under_way() -> None:
    a_copy()
    a_backup(STATUS.RUNNING)
    assert not drill.is_due()


@pytest.fixture
def backup(s3: S3, bucket: str, stores_dir: Path, backup_dir: Path) -> Backup:
    """A real one, in the folder and in the store `away`."""
    s3.describe(stores_dir, "away", bucket)
    wanted = {"parts": ["database"], "stores": ["local", "away"]}
    backup = take.at_once(silent, caller=SYSTEM, **wanted)
    backup.refresh_from_db()
    assert backup.status == "stored", backup.reason
    return backup


@pytest.mark.django_db(transaction=True)
def test_a_copy_in_a_store_is_restored_and_compared(backup: Backup, backup_dir: Path) -> None:
    outcome = drill.drill(caller=SYSTEM, say=silent)
    assert outcome
    assert (outcome.store, outcome.ok, outcome.complete) == ("away", True, True), outcome.checks
    assert outcome.restore_seconds
    assert [path.name for path in backup_dir.iterdir()] == [backup.name]


@pytest.mark.django_db(transaction=True)
def test_a_lost_object_is_a_failed_verification_that_is_told(backup: Backup) -> None:
    store, prefix = stores.named("away"), places.prefix(backup)
    obstore.delete(store.objects, f"{prefix}/database/toc.dat")

    outcome = drill.drill(caller=SYSTEM, say=silent)

    assert outcome
    assert (outcome.ok, outcome.complete) == (False, False), (outcome.store, outcome.checks)
    event = Event.objects.get(deed="backup.verification_failed")
    assert event.result == "failed"
    assert "database/toc.dat is not there" in event.details["reason"]
    assert backup.copies.get(store="away").status == "failed"
    # It is still good where it lies, and the next turn is the folder's.
    backup.refresh_from_db()
    assert backup.verified_at
    assert drill.next_copy() == backup.copies.get(store="local")


@pytest.mark.django_db(transaction=True)
def test_a_backup_whose_folder_is_gone_is_looked_at_in_its_store(backup: Backup) -> None:
    places.folder(backup).rename(places.folder(backup).with_name("elsewhere"))
    outcome = drill.look(backup, caller=SYSTEM, say=silent)
    assert (outcome.store, outcome.ok) == ("away", True)
