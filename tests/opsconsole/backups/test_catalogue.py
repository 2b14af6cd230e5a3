"""The catalogue gained from a store, and from the folder."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
import pytest
from django.core.management import call_command
from django.utils.timezone import now

from opsconsole.backups import catalogue, copies, places, prune
from opsconsole.gateways import stores
from opsconsole.gateways.stores import StoreError
from opsconsole.models import SYSTEM, Backup, Event
from tests.opsconsole.factories import STATUS, a_backup, with_files
from tests.opsconsole.s3 import S3, WRITER_KEY, WRITER_SECRET

pytestmark = pytest.mark.django_db


def silent(_fraction: float, _note: str) -> None:
    """Nobody looks."""


@pytest.fixture
def backup(s3: S3, bucket: str, stores_dir: Path, backup_dir: Path) -> Backup:
    """A backup in the folder and in the store `away`."""
    s3.describe(stores_dir, "away", bucket)
    backup = a_backup(STATUS.DUMPED, stores=["local", "away"])
    with_files(backup)
    copies.store_all(backup, silent)
    return backup


def rebuild(store: str = "away") -> catalogue.Rebuilt:
    return catalogue.rebuild(store, caller=SYSTEM, say=silent)


def test_a_lost_catalogue_is_gained_back_from_a_store(backup: Backup, tmp_path: Path) -> None:
    Backup.objects.all().delete()

    [found] = rebuild().entered

    assert (found.uid, found.name, found.manifest) == (backup.uid, backup.name, backup.manifest)
    assert (found.origin, found.status, found.verified_at) == ("found", "stored", None)
    assert (found.bytes, found.parts) == (backup.bytes, ["database", "uploads"])
    assert not Backup.objects.verified().exists()
    assert found.copies.get().status == "waiting"
    assert Event.objects.get(deed="backup.found").details == {"store": "away"}
    copies.fetch(found, "away", tmp_path / "fetched")
    assert found.copies.get().status == "stored"


def test_what_the_catalogue_has_is_left_as_it_is(backup: Backup) -> None:
    before = Backup.objects.values().get()
    assert rebuild().entered == []
    assert Backup.objects.values().get() == before
    assert not Event.objects.filter(deed="backup.found").exists()


def test_what_was_removed_and_kept_by_the_store_is_found_again(
    s3: S3, backup: Backup, bucket: str, stores_dir: Path
) -> None:
    keys = {"access_key_id": WRITER_KEY, "secret_access_key": WRITER_SECRET}
    s3.describe(stores_dir, "away", bucket, **keys)
    later = a_backup(at=now() + timedelta(hours=1))
    Backup.objects.filter(pk=backup.pk).update(status=STATUS.STORED)
    backup.refresh_from_db()
    assert later == Backup.objects.newest_verified()
    prune.remove(backup, caller=SYSTEM)
    assert backup not in Backup.objects.kept()

    assert rebuild().entered == [backup]

    found = Backup.objects.kept().get(pk=backup.pk)
    assert (found.origin, found.plan, found.verified_at) == ("found", None, None)
    assert found.copies.get(store="away").status == "waiting"


def test_backups_of_another_installation_are_found_too(backup: Backup) -> None:
    folder = places.folder(backup)
    Backup.objects.all().delete()
    elsewhere = {**backup.manifest, "installation": str(uuid4())}
    (folder / "manifest.json").write_text(json.dumps(elsewhere))
    store = stores.named("away")
    store.remove("")
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{elsewhere['installation']}/{backup.name}/{path.relative_to(folder)}"
            store.put(key, path)
    [found] = rebuild().entered
    assert not places.is_ours(found)


def test_a_copy_without_a_manifest_is_no_backup(backup: Backup) -> None:
    store, prefix = stores.named("away"), places.prefix(backup)
    Backup.objects.all().delete()
    store.remove(f"{prefix}/manifest.json")
    obstore.delete(store.objects, f"{prefix}/manifest.json")
    rebuilt = rebuild()
    assert (rebuilt.entered, rebuilt.passed_over) == ([], [])


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"name": "20200101T000000Z-deadbeef"}, "its manifest belongs to another backup"),
        ({"installation": "3f1b6a52-0000-4000-8000-000000000000"}, "belongs to another backup"),
        ({"id": "3f1b6a52-0000-4000-8000-000000000000"}, "its name does not match its id"),
        ({"snapshot_at": "yesterday"}, "its manifest is not valid"),
        ({"snapshot_at": "2026-01-01T00:00:00"}, "its manifest is not valid"),
        ({"warnings": ["\0"]}, "its manifest is not valid"),
        ({"format": 2}, "the manifest has format 2 instead of 1"),
        ({"parts": [{"name": "database"}]}, "the manifest is not valid"),
    ],
)
def test_a_manifest_that_lies_is_passed_over_with_a_reason(
    backup: Backup, tmp_path: Path, lie: dict[str, Any], reason: str
) -> None:
    Backup.objects.all().delete()
    (tmp_path / "lie").write_text(json.dumps({**backup.manifest, **lie}))
    stores.named("away").put(f"{places.prefix(backup)}/manifest.json", tmp_path / "lie")

    rebuilt = rebuild()

    assert rebuilt.entered == []
    [(place, why)] = rebuilt.passed_over
    assert place == places.prefix(backup)
    assert reason in why
    assert not Backup.objects.exists()


def test_the_folder_is_a_store_like_the_others(backup: Backup) -> None:
    Backup.objects.all().delete()
    (places.folder(backup).parent / "notes").mkdir()
    shutil.copytree(places.folder(backup), f"{places.folder(backup)}.partial")
    [found] = rebuild("local").entered
    assert found.name == backup.name


def test_a_store_that_is_away_changes_nothing(backup: Backup) -> None:
    with pytest.raises(StoreError, match="not described"):
        rebuild("nowhere")


def test_the_command_lists_and_rebuilds(backup: Backup, capsys: pytest.CaptureFixture[str]) -> None:
    Backup.objects.all().delete()
    call_command("backups")
    assert "there is no backup yet" in capsys.readouterr().out

    call_command("backups", "--rebuild", "away", "--json")
    out, err = capsys.readouterr()
    [listed] = json.loads(out)
    assert listed["id"] == str(backup.uid)
    assert (listed["state"], listed["verified"]) == ("stored", None)
    assert listed["stores"] == [{"name": "away", "state": "waiting", "reason": ""}]
    assert [part["name"] for part in listed["parts"]] == ["database", "uploads"]
    assert "1 entered, not verified here" in err

    call_command("backups", "--rebuild", "away")
    assert "nothing that is not in the list already" in capsys.readouterr().err

    a_backup(STATUS.FAILED, reason="the disk is full")
    gone = a_backup(removing_at=now(), removed_at=now())
    call_command("backups")
    out = capsys.readouterr().out
    assert "    the disk is full\n" in out
    assert gone.name not in out
    call_command("backups", "--all")
    assert f"{gone.name}  removed " in capsys.readouterr().out
