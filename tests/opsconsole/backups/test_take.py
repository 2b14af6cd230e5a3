"""A backup: what is in it, what is not, and what is refused."""

import json
from pathlib import Path
from threading import Event as Stop
from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import translation
from pyrage import x25519

from opsconsole.backups import alone, manifest, take
from opsconsole.backups.verify import verify_folder
from opsconsole.gateways import archives
from opsconsole.gateways.postgres import dumps
from opsconsole.gateways.postgres.server import Server
from opsconsole.models import Backup, BackupCopy, Event, Installation, Verification
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.taking import NOBODY, folders, made, public, quiet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("uploads", "no_wait"),
]


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_backup_is_a_verified_folder_with_a_manifest_and_all_parts(backup_dir: Path) -> None:
    backup = made(note="before the exam")
    assert backup.status == Backup.Status.STORED, backup.reason
    assert folders(backup_dir) == [backup.name]
    folder = backup_dir / backup.name
    assert sorted(path.name for path in folder.iterdir()) == [
        "configuration.tar", "database", "manifest.json", "uploads.tar",
    ]  # fmt: skip
    document = manifest.read(folder)
    assert document == backup.manifest
    assert document["installation"] == str(Installation.objects.here().uid)
    assert document["tables"]["auth_user"]["rows"] == 500
    assert document["product"]["migrations"]["scoring"]
    assert document["server"]["client"] >= 16
    assert document["encryption"] is None
    assert {"what": "redis", "why": "not asked for"} in document["left_out"]
    part = manifest.part_of(document, "uploads")
    assert part is not None
    assert part["entries"] == 2
    assert backup.verified_at
    assert backup.verify_seconds
    assert backup.snapshot_at
    assert backup.bytes == sum(part["bytes"] for part in document["parts"])
    assert list(BackupCopy.objects.values_list("store", "status")) == [("local", "stored")]


@pytest.mark.usefixtures("rows")
def test_its_story_is_in_the_events_and_its_verification_in_a_row() -> None:
    backup = made()
    assert list(Event.objects.order_by("number").values_list("deed", "actor", "object_name")) == [
        ("backup.requested", "tester", backup.name),
        ("backup.verified", "", backup.name),
        ("backup.stored", "", backup.name),
    ]
    verification = Verification.objects.get()
    assert verification.ok
    assert verification.complete
    assert {check["name"] for check in verification.checks} == {
        "manifest", "files", "restore", "tables", "migrations", "application", "uploads",
        "configuration",
    }  # fmt: skip


def test_only_the_parts_that_were_asked_for_are_in_it(backup_dir: Path) -> None:
    backup = made(parts=["uploads"])
    assert backup.status == Backup.Status.STORED, backup.reason
    folder = backup_dir / backup.name
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "uploads.tar"]


def test_the_brokers_data_are_in_it_where_asked_for(backup_dir: Path) -> None:
    backup = made(parts=["redis"])
    assert backup.status == Backup.Status.STORED, backup.reason
    content = (backup_dir / backup.name / "redis.rdb").read_bytes()
    assert content[:5] in (b"REDIS", b"VALKE")


def test_without_verification_it_is_stored_and_not_verified() -> None:
    backup = made(verify=False)
    assert backup.status == Backup.Status.STORED
    assert backup.verified_at is None
    assert not Verification.objects.exists()
    assert backup not in Backup.objects.verified()


@pytest.mark.usefixtures("rows", "nothing_left")
def test_an_encrypted_backup_was_verified_before_and_is_opened_by_the_identity(
    backup_dir: Path, identity: Path
) -> None:
    backup = made(recipients=public(identity))
    assert backup.status == Backup.Status.STORED, backup.reason
    assert backup.verified_at
    folder = backup_dir / backup.name
    assert all(
        path.suffix == ".age" for path in folder.rglob("*.*") if path.name != "manifest.json"
    )
    assert manifest.read(folder)["encryption"] == {
        "format": "age", "recipients": [public(identity)],
    }  # fmt: skip
    server = Server.from_settings()
    blind = verify_folder(folder, server=server)
    assert (blind.ok, blind.read) == (True, False)
    assert "only the hashes were compared" in blind.checks[-1].says
    opened = verify_folder(folder, server=server, identity=identity)
    assert (opened.ok, opened.read) == (True, True), opened.reason
    assert opened.restore_seconds
    assert folders(backup_dir) == [backup.name]


def test_another_identity_does_not_open_it(backup_dir: Path, identity: Path) -> None:
    backup = made(recipients=public(identity), parts=["uploads"])
    identity.write_text(str(x25519.Identity.generate()))
    report = verify_folder(
        backup_dir / backup.name, server=Server.from_settings(), identity=identity
    )
    assert not report.ok
    assert "not encrypted to this identity" in report.reason
    assert folders(backup_dir) == [backup.name]


def test_secrets_are_in_no_plain_backup(
    backup_dir: Path, stores_dir: Path, monkeypatch: pytest.MonkeyPatch, identity: Path
) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary-of-the-key")
    (stores_dir / "far.json").write_text('{"url": "s3://b", "options": {"key": "canary-of-s3"}}')
    plain = made(parts=["configuration"])
    content = (backup_dir / plain.name / "configuration.tar").read_bytes()
    assert b"canary" not in content
    assert b"TIME_ZONE" in content or b"ENVIRONMENT" in content
    named = {entry["what"] for entry in plain.manifest["left_out"]}
    assert {"configuration: SECRET_KEY", "configuration: stores/far.json"} <= named
    assert "canary" not in json.dumps(plain.manifest)
    encrypted = made(parts=["configuration"], recipients=public(identity))
    assert not any("configuration:" in entry["what"] for entry in encrypted.manifest["left_out"])


def test_nonsense_is_refused_before_there_is_a_row() -> None:
    with pytest.raises(Refused, match="no such part: everything"):
        take.request(caller=NOBODY, parts=["everything"])
    with pytest.raises(Refused, match="line 1 is not a public key"):
        take.request(caller=NOBODY, recipients="age1nonsense")
    assert not Backup.objects.exists()


def test_of_two_backups_at_once_the_second_waits(backup_dir: Path) -> None:
    first, second = (take.request(caller=NOBODY, parts=["uploads"]) for _ in range(2))
    refused: list[Busy] = []

    def during(fraction: float, stage: str) -> None:
        if not refused and stage.startswith("packing"):
            thread = Thread(target=try_second)
            thread.start()
            thread.join()

    def try_second() -> None:
        try:
            with translation.override("en"):  # a thread begins in the language of the settings
                take.take(second, quiet)
        except Busy as error:
            refused.append(error)
        finally:
            connection.close()

    take.take(first, during)
    second.refresh_from_db()
    assert str(refused[0]) == "another backup is under way"
    assert (first.status, second.status) == ("stored", "waiting")
    take.take(second, quiet)
    assert second.status == "stored"


def test_a_backup_that_was_made_is_not_made_again() -> None:
    backup = made(parts=["uploads"])
    with pytest.raises(WrongState):
        take.take(backup, quiet)


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_clock_that_was_set_back_spoils_nothing(backup_dir: Path) -> None:
    earlier = made(parts=["uploads"])
    ahead = earlier.requested_at.replace(year=earlier.requested_at.year + 1)
    Backup.objects.update(snapshot_at=ahead, requested_at=ahead, finished_at=ahead)
    backup = made()
    assert backup.status == "stored", backup.reason
    assert folders(backup_dir) == sorted([earlier.name, backup.name])
    assert verify_folder(backup_dir / backup.name, server=Server.from_settings()).ok


def test_what_the_console_keeps_beside_the_uploads_is_in_no_backup(
    uploads: Path, backup_dir: Path
) -> None:
    (uploads / ".arrived").mkdir()
    (uploads / ".arrived" / "20260101T000000Z-deadbeef.tar").write_text("an uploaded backup")
    backup = made(parts=["uploads"])
    part = manifest.part_of(manifest.read(backup_dir / backup.name), "uploads")
    assert part is not None
    assert part["entries"] == 2


def hand_in(folder: Path, stop: Stop) -> None:
    """Store file after file, each with a row that names it, as uploads do."""
    with Server.from_settings().connect() as writer:
        while not stop.is_set():
            name = f"{uuid4().hex}.csv"
            (folder / name).write_text(name)
            writer.execute("INSERT INTO handed_in VALUES (%s)", [name])


@pytest.mark.usefixtures("nothing_left")
def test_no_row_lacks_its_file_however_fast_files_are_handed_in(
    uploads: Path, backup_dir: Path
) -> None:
    server, stop = Server.from_settings(), Stop()
    with server.connect() as owner:
        owner.execute("CREATE TABLE handed_in (name text PRIMARY KEY)")
    writer = Thread(target=hand_in, args=(uploads, stop))
    writer.start()
    try:
        backup = made()
    finally:
        stop.set()
        writer.join()
        with server.connect() as owner:
            written = owner.execute("SELECT count(*) FROM handed_in").fetchone()
            owner.execute("DROP TABLE handed_in")
    assert backup.status == "stored", backup.reason
    folder = backup_dir / backup.name
    with alone.scratch_database(server, "rows") as scratch:
        dumps.restore(scratch, folder / "database")
        with scratch.connect() as connection:
            rows = {name for (name,) in connection.execute("SELECT name FROM handed_in")}
    assert written
    assert 0 < len(rows) < written[0]
    assert rows <= {name for name, _ in archives.names(folder / "uploads.tar")}
