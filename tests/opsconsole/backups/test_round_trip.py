"""Backup, everything dropped, restore: by the commands that people use."""

import shutil
from pathlib import Path

import pyrage
import pytest

from opsconsole.gateways import archives
from tests.opsconsole.s3 import S3
from tests.opsconsole.site import Site

BEAT = {"django_celery_beat_periodictask", "django_celery_beat_periodictasks"}


@pytest.fixture
def identity(tmp_path: Path) -> tuple[str, Path]:
    """A public key, and the file with its secret key."""
    key, path = pyrage.x25519.Identity.generate(), tmp_path / "identity"
    path.write_text(f"{key}\n")
    return str(key.to_public()), path


def test_an_encrypted_backup_brings_everything_back(site: Site, identity: tuple[str, Path]) -> None:
    recipient, path = identity
    made = site.done("backup", "--encrypt-to", recipient)
    assert made["verified"]
    tables, files = site.tables(), site.files()
    with site.connect("postgres") as connection:
        connection.execute(f'DROP DATABASE "{site.live}"')
    for file in site.uploads.iterdir():
        file.unlink()

    closed = site.manage("restore", made["id"], "--yes")
    done = site.done("restore", made["id"], "--identity", str(path), "--yes")

    assert closed.returncode == 1
    assert "needs --identity" in closed.stderr
    assert done["state"] == "done"
    assert site.files() == files
    restored = site.tables()
    assert {name for name in tables if tables[name] != restored[name]} == BEAT


def test_the_live_data_are_backed_up_first(site: Site) -> None:
    made = site.done("backup")
    site.execute("UPDATE scoring_exam SET title = 'changed since'")

    done = site.done("restore", made["id"], "--yes")

    assert "changed since" not in site.rows("SELECT title FROM scoring_exam")
    row = "SELECT uid::text || ' ' || origin || ' ' || status FROM opsconsole_backup"
    assert f"{done['safety_backup']} safety stored" in site.rows(row)
    site.done("restore", done["safety_backup"], "--no-safety-backup", "--reason", "back", "--yes")
    assert "changed since" in site.rows("SELECT title FROM scoring_exam")


def test_a_safety_backup_says_how_far_it_was_verified(site: Site) -> None:
    made = site.done("backup")
    done = site.done("restore", made["id"], "--yes")

    note = "SELECT note FROM opsconsole_backup WHERE uid = %s"
    assert "read through, not restored on trial" in site.value(note, done["safety_backup"])


def test_one_that_lies_in_a_store_alone_is_restored_by_its_id(
    site: Site, s3: S3, bucket: str
) -> None:
    s3.describe(site.folder / "stores", "away", bucket)
    made = site.done("backup", "--to", "local", "--to", "away")
    tables, files = site.tables(), site.files()
    shutil.rmtree(made["path"])
    site.execute("UPDATE scoring_exam SET title = 'changed since'")

    site.done("restore", made["id"], "--no-safety-backup", "--reason", "a test", "--yes")

    assert site.files() == files
    restored = site.tables()
    assert {name for name in tables if tables[name] != restored[name]} == BEAT
    assert not list(site.uploads.glob(".restore-*/fetched"))


def test_what_a_restore_replaced_is_in_no_backup(site: Site) -> None:
    made = site.done("backup")
    site.done("restore", made["id"], "--no-safety-backup", "--reason", "a test", "--yes")
    again = site.done("backup", "--only", "uploads")
    packed = archives.names(Path(again["path"]) / "uploads.tar")
    assert {name for name, _size in packed} == set(site.files())
