"""Verification: what is damaged, incomplete or untrue is found, and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from opsconsole.backups import alone, manifest, places, take, verify
from opsconsole.backups.report import Report
from opsconsole.backups.verify import verify_folder
from opsconsole.gateways.postgres.server import PostgresError, Server
from opsconsole.models import Backup, BackupCopy, Caller, Event, Verification

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = Caller("tester", "command")
PARTS = ("database", "uploads", "redis", "configuration")


@pytest.fixture
def backup(settings: Settings, tmp_path: Path, backup_dir: Path) -> Backup:
    """A stored backup with all parts, not yet verified."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / "one.csv").write_text("an answer\n" * 1000)
    User.objects.bulk_create(User(username=f"user {number}") for number in range(300))
    backup = take.request(caller=NOBODY, parts=PARTS, verify=False)
    take.take(backup, lambda fraction, stage: None)
    assert backup.status == "stored", backup.reason
    return backup


@pytest.fixture
def folder(backup: Backup, backup_dir: Path) -> Path:
    """Its folder."""
    return backup_dir / backup.name


def looked_at(folder: Path, **more: Any) -> Report:
    return verify_folder(folder, server=Server.from_settings(), **more)


def failed(report: Report) -> list[str]:
    """The names of the checks that failed; and no scratch database is left."""
    assert Server.from_settings().databases(alone.scratch_prefix()) == []
    return [check.name for check in report.checks if not check.ok]


def files(folder: Path) -> list[Path]:
    """One file of each part: of the database the largest."""
    largest = max((folder / "database").iterdir(), key=lambda path: path.stat().st_size)
    return [largest, *(folder / name for name in ("uploads.tar", "redis.rdb", "configuration.tar"))]


def test_a_good_backup_is_restored_and_its_time_measured(backup: Backup) -> None:
    done = verify.verify(backup, caller=NOBODY)
    assert done.ok, done.checks
    assert done.complete
    assert done.restore_seconds
    backup.refresh_from_db()
    assert backup.verified_at
    assert backup.verify_seconds == done.restore_seconds
    event = Event.objects.get(deed="backup.verified")
    assert (event.actor, event.details["complete"]) == ("tester", True)
    assert failed(looked_at(places.folder(backup))) == []


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 20])


def remove(path: Path) -> None:
    path.unlink()


def link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("damage", [flip_a_bit, cut_off, remove, link])
def test_each_kind_of_damage_to_each_part_is_found(
    damage: Callable[[Path], None], folder: Path, backup: Backup, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "whole")
    for file in files(folder):
        damage(file)
        report = looked_at(folder)
        assert failed(report) == ["files"]
        assert file.relative_to(folder).as_posix() in report.reason
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "whole", folder)


def test_damage_takes_the_trust_away_and_says_so(folder: Path, backup: Backup) -> None:
    verify.verify(backup, caller=NOBODY)
    flip_a_bit(folder / "uploads.tar")
    done = verify.verify(backup, caller=NOBODY)
    assert not done.ok
    backup.refresh_from_db()
    assert backup not in Backup.objects.verified()
    copy = BackupCopy.objects.get(backup=backup)
    assert (copy.status, "uploads.tar" in copy.reason) == ("failed", True)
    event = Event.objects.get(deed="backup.verification_failed")
    assert event.result == "failed"
    assert "uploads.tar" in event.details["reason"]


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A manifest that agrees with itself, after a change."""
    document = json.loads((folder / "manifest.json").read_text())
    change(document)
    (folder / "manifest.json").write_text(json.dumps(document))


def with_true_hashes(folder: Path, document: dict[str, Any]) -> None:
    """Whoever changes a file may write its hash into the manifest too."""
    for number, part in enumerate(document["parts"]):
        described = manifest.described(folder, part["name"])
        document["parts"][number] = part | {**described}


@pytest.mark.parametrize("damage", [flip_a_bit, cut_off])
def test_damage_with_hashes_that_fit_is_found_by_reading(
    damage: Callable[[Path], None], folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "whole")
    expected = {"database": "restore", "redis.rdb": "redis"}
    for file in files(folder):
        if damage is flip_a_bit and file.suffix in (".tar", ".rdb", ".dat"):
            # Within an archive's file, or a name in the list of contents, a bit is found by its
            # hash alone.
            continue
        damage(file)
        rewritten(folder, lambda document: with_true_hashes(folder, document))
        place = file.relative_to(folder).parts[0]
        assert failed(looked_at(folder)) == [expected.get(place, file.stem)]
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "whole", folder)


def more_rows(document: dict[str, Any]) -> None:
    document["tables"]["auth_user"]["rows"] += 1


def other_rows(document: dict[str, Any]) -> None:
    document["tables"]["auth_user"]["sha256"] = "0" * 64


def a_table_more(document: dict[str, Any]) -> None:
    document["tables"]["grades"] = {"rows": 1, "sha256": "0" * 64}


def a_table_less(document: dict[str, Any]) -> None:
    del document["tables"]["auth_user"]


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        (more_rows, "auth_user has 300 rows instead of 301"),
        (other_rows, "auth_user has different content"),
        (a_table_more, "grades is missing on one side"),
        (a_table_less, "auth_user is missing on one side"),
    ],
)
def test_a_manifest_that_lies_about_tables_is_found(
    lie: Callable[[dict[str, Any]], None], says: str, folder: Path
) -> None:
    rewritten(folder, lie)
    report = looked_at(folder)
    assert failed(report) == ["tables"]
    assert says in report.reason


def test_a_manifest_of_other_migrations_or_another_installation_is_found(folder: Path) -> None:
    def lie(document: dict[str, Any]) -> None:
        document["installation"] = "00000000-0000-0000-0000-000000000000"
        document["product"]["migrations"]["scoring"].pop()

    rewritten(folder, lie)
    assert failed(looked_at(folder)) == ["migrations", "application"]


def test_a_manifest_that_is_not_the_one_of_the_row_is_found(folder: Path, backup: Backup) -> None:
    rewritten(folder, lambda document: document["warnings"].append("x"))
    done = verify.verify(backup, caller=NOBODY)
    assert not done.ok
    assert "differs from the one written" in str(done.checks)


def test_a_backup_of_a_later_version_is_named_as_such(
    settings: Settings, tmp_path: Path, backup_dir: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "none"
    insert = (
        "INSERT INTO django_migrations (app, name, applied) VALUES ('scoring', '9999_x', now())"
    )
    with connection.cursor() as cursor:
        cursor.execute(insert)
    try:
        backup = take.request(caller=NOBODY)
        take.take(backup, lambda fraction, stage: None)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_x'")
    assert "scoring.9999_x is not known here" in backup.reason


def test_a_file_that_nobody_listed_is_found(folder: Path) -> None:
    (folder / "database" / "9999.dat.gz").write_bytes(b"x")
    report = looked_at(folder)
    assert failed(report) == ["files"]
    assert "database/9999.dat.gz is not in the manifest" in report.reason


def test_a_server_that_is_away_says_nothing_about_the_backup(
    backup: Backup, settings: Settings
) -> None:
    verify.verify(backup, caller=NOBODY)
    server = Server("127.0.0.1", 1, "nobody", "", "nothing")
    with pytest.raises(PostgresError):
        verify_folder(places.folder(backup), server=server)
    backup.refresh_from_db()
    assert backup.verified_at
    assert Verification.objects.count() == 1


def test_what_is_not_there_is_found(backup: Backup, folder: Path) -> None:
    shutil.rmtree(folder)
    done = verify.verify(backup, caller=NOBODY)
    assert not done.ok
    assert "no manifest.json" in str(done.checks)
