"""Removing: only what retention lets go, whole or gone on with at the next run."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from opsconsole.backups import copies, places, prune
from opsconsole.backups.hold import hold
from opsconsole.backups.prune import Outcome
from opsconsole.gateways import stores
from opsconsole.models import SYSTEM, Backup, BackupPlan, Event, Restore
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Refused
from tests.concurrency import run_concurrently
from tests.opsconsole.factories import STATUS, a_backup, a_plan, with_files
from tests.opsconsole.s3 import S3, WRITER_KEY, WRITER_SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backup_dir")]


@pytest.fixture
def plan() -> BackupPlan:
    """A plan that keeps one backup."""
    return a_plan(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0)


@pytest.fixture
def old(plan: BackupPlan) -> Backup:
    """A backup that the plan no longer keeps, for `newer` is there."""
    backup = a_backup(at=now() - timedelta(days=2), plan=plan)
    with_files(backup)
    return backup


@pytest.fixture
def newer(plan: BackupPlan, old: Backup) -> Backup:
    backup = a_backup(at=now() - timedelta(days=1), plan=plan)
    with_files(backup)
    return backup


def run(*, dry_run: bool = False) -> Outcome:
    return prune.prune(caller=SYSTEM, say=lambda _fraction, _note: None, dry_run=dry_run)


def store_copies(backup: Backup, *names: str) -> None:
    """Copies of a backup that has long been stored."""
    backup.stores = ["local", *names]
    Backup.objects.filter(pk=backup.pk).update(status=STATUS.DUMPED, claimed_at=now())
    backup.refresh_from_db(fields=["status", "claimed_at"])
    copies.store_all(backup, lambda _fraction, _note: None)
    Backup.objects.filter(pk=backup.pk).update(status=STATUS.STORED, claimed_at=None)


def test_it_removes_what_no_plan_keeps_and_says_why_the_rest_stays(
    old: Backup, newer: Backup
) -> None:
    outcome = run()

    assert outcome.removed == [old]
    assert outcome.kept == [(newer, "the newest verified one, one of the last 1")]
    assert not places.folder(old).exists()
    assert places.folder(newer).is_dir()
    old.refresh_from_db()
    assert old.removed_at
    assert list(Backup.objects.kept()) == [newer]
    event = Event.objects.get(deed="backup.removed")
    assert event.object_name == old.name


def test_a_dry_run_changes_nothing(old: Backup, newer: Backup) -> None:
    outcome = run(dry_run=True)
    assert outcome.removed == [old]
    assert places.folder(old).is_dir()
    assert set(Backup.objects.kept()) == {old, newer}
    assert not Event.objects.filter(deed="backup.removed").exists()


@pytest.mark.parametrize("status", [STATUS.FAILED, STATUS.STORED])
def test_nothing_is_removed_while_the_newest_is_failed_or_unverified(
    old: Backup, newer: Backup, plan: BackupPlan, status: str
) -> None:
    a_backup(status, plan=plan, verified_at=None)
    assert run().removed == []
    assert places.folder(old).is_dir()


def test_nothing_but_the_folders_of_rows_is_removed(
    old: Backup, newer: Backup, backup_dir: Path
) -> None:
    others = ["20200101T000000Z-deadbeef", "notes", "20200101T000000Z-deadbeef.partial"]
    for name in others:
        (backup_dir / name).mkdir()
    run()
    assert {path.name for path in backup_dir.iterdir()} == {newer.name, *others}


def test_a_link_in_place_of_a_folder_is_not_followed(
    old: Backup, newer: Backup, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    places.folder(old).rename(precious)
    places.folder(old).symlink_to(precious)
    outcome = run()
    assert (precious / "manifest.json").exists()
    assert outcome.removed == []
    assert "its removal is not complete" in outcome.kept[-1][1]


def test_copies_go_with_the_folder_and_only_those_of_this_backup(
    s3: S3, bucket: str, stores_dir: Path, old: Backup, newer: Backup
) -> None:
    s3.describe(stores_dir, "away", bucket)
    for backup in (old, newer):
        store_copies(backup, "away")

    run()

    assert {key.split("/")[1] for key in stores.named("away").keys("")} == {newer.name}
    assert set(old.copies.values_list("status", flat=True)) == {"removed"}


def test_a_store_that_may_not_delete_keeps_its_copy_and_the_row_says_so(
    s3: S3, bucket: str, stores_dir: Path, old: Backup, newer: Backup
) -> None:
    keys = {"access_key_id": WRITER_KEY, "secret_access_key": WRITER_SECRET}
    s3.describe(stores_dir, "away", bucket, **keys)
    store_copies(old, "away")

    assert run().removed == [old]

    assert not places.folder(old).exists()
    copy = old.copies.get(store="away")
    assert (copy.status, copy.get_status_display()) == ("kept", "kept by the store")
    assert copy.reason == "store away refuses to delete (AccessDenied)"
    assert Event.objects.get(deed="backup.removed").details == {"kept_by": ["away"]}
    assert run().removed == []


def test_a_locked_version_behind_a_delete_marker_counts_as_kept(
    s3: S3, stores_dir: Path, old: Backup, newer: Backup
) -> None:
    bucket = f"b-{uuid4().hex[:12]}"
    s3.make_bucket(bucket, locked=True)
    s3.describe(stores_dir, "away", bucket)
    store_copies(old, "away")

    assert run().removed == [old]

    copy = old.copies.get(store="away")
    assert (copy.status, copy.reason) == ("kept", "store away keeps older versions of objects")


def test_a_store_that_is_away_is_asked_again_at_the_next_run(
    s3: S3, bucket: str, stores_dir: Path, old: Backup, newer: Backup
) -> None:
    s3.describe(stores_dir, "away", bucket)
    store_copies(old, "away")
    (stores_dir / "away.json").unlink()

    outcome = run()

    assert outcome.removed == []
    because = dict(outcome.kept)[old]
    assert because == "its removal is not complete: store away is not described in STORES_DIR"
    assert old not in Backup.objects.kept()
    assert not Event.objects.filter(deed="backup.removed").exists()

    s3.describe(stores_dir, "away", bucket)
    assert run().removed == [old]
    assert list(stores.named("away").keys("")) == []


def test_a_run_that_was_killed_is_gone_on_with_whatever_came_since(
    old: Backup, newer: Backup, plan: BackupPlan
) -> None:
    assert prune._begin(old)
    places.folder(old).rename(places.folder(old).with_name(f"{old.name}.removing"))
    a_backup(STATUS.FAILED, plan=plan)  # which would now keep everything

    assert run().removed == [old]
    assert not places.folder(old).with_name(f"{old.name}.removing").exists()


def test_copies_of_another_installation_are_left_alone(
    s3: S3, bucket: str, stores_dir: Path, old: Backup, newer: Backup
) -> None:
    s3.describe(stores_dir, "away", bucket)
    store_copies(old, "away")
    # As it would be found by an installation that did not make it.
    old.manifest["installation"] = "3f1b6a52-0000-4000-8000-000000000000"
    old.save(update_fields=["manifest"])
    run()
    assert old.copies.get(store="away").status == "kept"
    assert list(stores.named("away").keys("")) != []


def test_a_held_backup_stays_until_it_is_let_go(old: Backup, newer: Backup) -> None:
    hold(old, caller=SYSTEM)
    hold(old, caller=SYSTEM)
    assert dict(run().kept)[old] == "held"
    hold(old, caller=SYSTEM, on=False)
    assert run().removed == [old]
    deeds = Event.objects.order_by("number").values_list("deed", flat=True)
    assert list(deeds) == ["backup.held", "backup.released", "backup.removed"]


def test_what_is_held_after_the_decision_is_not_removed(old: Backup, newer: Backup) -> None:
    decided_before = [backup for backup, decision in prune.decisions() if not decision.stays]
    hold(old, caller=SYSTEM)
    assert decided_before == [old]
    assert not prune._begin(old)
    assert places.folder(old).is_dir()


def test_a_backup_that_is_being_removed_is_held_no_more(old: Backup, newer: Backup) -> None:
    run()
    with pytest.raises(WrongState, match="is being removed"):
        hold(old, caller=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_holding_and_removing_at_once_do_one_of_the_two(old: Backup, newer: Backup) -> None:
    held, removed = run_concurrently([lambda: hold(old, caller=SYSTEM), lambda: run()])
    old.refresh_from_db()
    assert isinstance(removed, Outcome)
    if old.held:
        assert (held, removed.removed, old.removing_at) == (None, [], None)
        assert places.folder(old).is_dir()
    else:
        assert isinstance(held, WrongState)
        assert removed.removed == [old]


def test_a_backup_that_a_restore_wants_stays(old: Backup, newer: Backup) -> None:
    restore = Restore.objects.create(backup=old, backup_name=old.name)
    assert run().removed == []
    Restore.objects.filter(pk=restore.pk).update(status=Restore.Status.DONE)
    assert run().removed == [old]


def test_a_person_removes_a_backup_of_no_plan(backup_dir: Path) -> None:
    backup, other = a_backup(), a_backup()
    with_files(backup)
    assert run().removed == []
    assert prune.remove(backup, caller=SYSTEM).removed == [backup]
    assert list(backup_dir.iterdir()) == []
    with pytest.raises(Refused, match="newest verified"):
        prune.remove(other, caller=SYSTEM)


def test_a_person_does_not_remove_what_is_held_or_under_way() -> None:
    held, running, _newest = a_backup(held=True), a_backup(STATUS.RUNNING), a_backup()
    with pytest.raises(Refused, match="is held"):
        prune.remove(held, caller=SYSTEM)
    with pytest.raises(Refused, match="is under way"):
        prune.remove(running, caller=SYSTEM)


def test_the_command_prints_what_goes_and_why_the_rest_stays(
    old: Backup, newer: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("prune", "--dry-run", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert printed == {
        "removed": [{"id": str(old.uid), "name": old.name}],
        "kept": [
            {
                "id": str(newer.uid),
                "name": newer.name,
                "because": "the newest verified one, one of the last 1",
            }
        ],
    }
    call_command("prune", "--dry-run")
    assert f"would go {old.name}\n" in capsys.readouterr().out
    call_command("prune")
    assert f"removed  {old.name}\n" in capsys.readouterr().out


def test_the_command_removes_one_backup_only_when_that_is_confirmed(
    old: Backup, newer: Backup
) -> None:
    with pytest.raises(CommandError, match="--yes") as caught:
        call_command("prune", "--remove", old.name)
    assert caught.value.returncode == 2
    with pytest.raises(CommandError, match="newest verified") as caught:
        call_command("prune", "--remove", str(newer.uid), "--yes")
    assert caught.value.returncode == 3
    call_command("prune", "--remove", old.name[-8:], "--yes")
    assert not places.folder(old).exists()


def test_the_command_holds_a_backup(old: Backup, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("hold", old.name, "--json")
    assert json.loads(capsys.readouterr().out)["held"] is True
    call_command("hold", old.name, "--off")
    assert capsys.readouterr().out == f"{old.name}: not held\n"
    with pytest.raises(CommandError, match="there is no backup") as caught:
        call_command("hold", "nothing")
    assert caught.value.returncode == 2
