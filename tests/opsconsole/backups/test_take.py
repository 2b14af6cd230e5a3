"""A backup: what is in it, and that nothing is called one which is not whole."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pyrage import x25519
from pytest_django import Settings

from opsconsole.backups import alone, manifest, take
from opsconsole.backups.verify import verify_folder
from opsconsole.gateways import shell
from opsconsole.gateways.postgres.server import Server
from opsconsole.models import Backup, BackupCopy, Caller, Event, Installation, Verification
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused
from tests.paths import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = Caller("tester", "command")


def quiet(fraction: float, stage: str) -> None:
    """Say nothing."""


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path, backup_dir: Path) -> Path:
    """The folder of uploaded files, with two in it."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    (settings.MEDIA_ROOT / "exam").mkdir(parents=True)
    (settings.MEDIA_ROOT / "exam" / "one.csv").write_text("an answer")
    (settings.MEDIA_ROOT / "two.csv").write_text("another")
    return tmp_path / "uploads"


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word on the progress is written, so that each stage can be seen."""
    monkeypatch.setattr("opsconsole.backups.progress.BEAT_SECONDS", 0.0)


@pytest.fixture
def rows() -> None:
    """Accounts, so that there is something to lose."""
    User.objects.bulk_create(User(username=f"user {number}") for number in range(500))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No scratch database is there after the test."""
    yield
    assert Server.from_settings().databases(alone.SCRATCH) == []


def made(**wanted: object) -> Backup:
    backup = take.request(caller=NOBODY, **wanted)  # type: ignore[arg-type]
    take.take(backup, quiet)
    return backup


def folders(backup_dir: Path) -> list[str]:
    return sorted(path.name for path in backup_dir.iterdir())


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


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The file of a new age identity, which is not on the host."""
    path = tmp_path / "identity"
    path.write_text(str(x25519.Identity.generate()))
    return path


def public(identity: Path) -> str:
    return str(x25519.Identity.from_str(identity.read_text()).to_public())


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
    with pytest.raises(Refused, match="line 1 is no public key"):
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


def stub(folder: Path, name: str, script: str) -> None:
    """A program that stands before PostgreSQL's own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(settings: Settings, tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a script in the place of one of PostgreSQL's programs; `$REAL` is where they are."""
    folder, real = tmp_path / "bin", Path(settings.POSTGRES_BIN)
    folder.mkdir()
    for program in ("pg_dump", "pg_restore"):
        (folder / program).symlink_to(real / program)
    settings.POSTGRES_BIN = str(folder)

    def put(name: str, script: str) -> None:
        (folder / name).unlink()
        stub(folder, name, f"REAL={real}\n{script}")

    return put


def assert_failed(backup: Backup, reason: str, backup_dir: Path) -> None:
    """It is nowhere called good, and leaves nothing."""
    assert backup.status == Backup.Status.FAILED
    assert reason in backup.reason
    assert backup not in Backup.objects.good()
    assert folders(backup_dir) == []
    event = Event.objects.filter(deed="backup.failed").get()
    assert event.result == "failed"
    assert reason in event.details["reason"]


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_killed_pg_dump_fails_the_backup(
    backup_dir: Path, programs: Callable[[str, str], None]
) -> None:
    programs("pg_dump", 'case $1 in --version) exec $REAL/pg_dump "$@";; esac\nkill -9 $$')
    assert_failed(made(), "was killed by signal 9", backup_dir)


def test_a_client_older_than_the_server_fails_it(
    backup_dir: Path, programs: Callable[[str, str], None]
) -> None:
    programs("pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'")
    assert_failed(made(), "pg_dump is of version 9, older than the server's", backup_dir)


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_dump_that_lacks_rows_fails_the_verification(
    backup_dir: Path, programs: Callable[[str, str], None]
) -> None:
    programs("pg_dump", 'exec $REAL/pg_dump "$@" --exclude-table-data=auth_user')
    backup = made()
    assert_failed(backup, "auth_user has 0 rows and not 500", backup_dir)
    assert not Verification.objects.get().ok
    assert Event.objects.filter(deed="backup.verification_failed").exists()


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_dump_with_an_empty_file_fails(
    backup_dir: Path, programs: Callable[[str, str], None]
) -> None:
    script = '$REAL/pg_dump "$@" || exit\nfor word; do case $word in --file=/dev*) ;; '
    script += (
        "--file=*) for file in ${word#--file=}/*.dat.gz; do : > $file; break; done;; esac; done"
    )
    programs("pg_dump", script)
    assert_failed(made(), "is empty", backup_dir)


def test_a_disk_without_room_is_seen_before_anything_is_written(
    backup_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.gateways.disks.SPARE", 1 << 60)
    assert_failed(made(), "MB free, and", backup_dir)


def test_a_broker_that_is_away_fails_it(backup_dir: Path, settings: Settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    assert_failed(made(parts=["redis"]), "Connection refused", backup_dir)


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_worker_whose_backup_was_given_to_another_ends_its_dump_and_touches_nothing(
    backup_dir: Path, programs: Callable[[str, str], None], tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    programs(
        "pg_dump",
        f'case $1 in --version|--compress*) ;; *) echo $$ > {pid};; esac; exec $REAL/pg_dump "$@"',
    )
    backup = take.request(caller=NOBODY)

    def during(fraction: float, stage: str) -> None:
        if stage.startswith("counting"):
            Backup.objects.get(pk=backup.pk).release()

    with pytest.raises(WrongState):
        take.take(backup, during)
    backup.refresh_from_db()
    assert backup.status == "waiting"
    assert folders(backup_dir) == [f"{backup.name}.partial"]
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert alone.sweep() == []
    take.take(backup, quiet)
    assert backup.status == "stored"


def test_what_interrupted_work_left_is_swept_and_what_is_under_way_is_not(backup_dir: Path) -> None:
    server, key = Server.from_settings(), Installation.objects.here().uid.hex[:8]
    left = f"{alone.SCRATCH}{key}_left"
    server.create(left)
    (backup_dir / "20260101T000000Z-00000000.partial").mkdir()
    with (
        alone.partial_folder("20260102T000000Z-00000000") as folder,
        alone.scratch_database(server, "running") as scratch,
    ):
        folder.mkdir()
        assert alone.sweep() == ["20260101T000000Z-00000000.partial", left]
        assert folder.is_dir()
        assert server.exists(scratch.database)
    assert folders(backup_dir) == []
    assert server.databases(alone.SCRATCH) == []


STAGES = (
    "looking", "dumping", "counting", "packing", "computing", "restoring", "comparing auth_user",
    "encrypting", "copying",
)  # fmt: skip


@pytest.mark.usefixtures("rows", "nothing_left")
@pytest.mark.parametrize("stage", STAGES)
def test_a_backup_goes_on_after_its_worker_was_killed(
    stage: str, backup_dir: Path, identity: Path, settings: Settings, tmp_path: Path
) -> None:
    backup = take.request(caller=NOBODY, recipients=public(identity))
    environment = {
        **os.environ,
        "DATABASE_URL": Server.from_settings().url,
        "BACKUP_DIR": str(backup_dir),
        "UPLOADS_DIR": str(settings.MEDIA_ROOT),
    }
    argv = [sys.executable, "-m", "tests.opsconsole.killed_backup", backup.name, stage]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    backup.refresh_from_db()
    assert backup.status in Backup.working_states()
    assert backup not in Backup.objects.good()
    dumped_at, dumped = backup.snapshot_at, bool(backup.manifest)
    backup.release()
    swept = "restoring" in stage or "comparing" in stage
    wait_until(lambda: len(alone.sweep()) == swept, 20, "the scratch database is removed")
    assert len(folders(backup_dir)) == (stage != "looking")  # what is to be gone on with stays
    take.take(backup, quiet)
    assert backup.status == "stored", backup.reason
    assert backup.verified_at
    if dumped:
        assert backup.snapshot_at == dumped_at
    assert folders(backup_dir) == [backup.name]
    folder = backup_dir / backup.name
    report = verify_folder(folder, server=Server.from_settings(), identity=identity)
    assert report.ok, report.reason


@pytest.fixture
def small_disk(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A file system with 3 MB for the backups."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        shell.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)])
    except shell.ShellError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    settings.BACKUP_DIR = folder
    yield folder
    shell.run(["umount", "--lazy", str(folder)])


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("part", ["database", "uploads"])
def test_a_disk_that_fills_up_meanwhile_fails_it_and_is_empty_again(
    part: str, small_disk: Path, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.gateways.disks.require", lambda folder, needed: None)
    if part == "uploads":
        (uploads / "large").write_bytes(os.urandom(4_000_000))
    else:
        noise = [os.urandom(50_000).hex() for _ in range(100)]
        User.objects.bulk_create(
            User(username=f"u{number}", first_name="x", password="x") for number in range(10)
        )
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE noise (id serial PRIMARY KEY, text text)")
            cursor.executemany("INSERT INTO noise (text) VALUES (%s)", [[text] for text in noise])
    try:
        assert_failed(made(parts=[part]), "No space left on device", small_disk)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS noise")
