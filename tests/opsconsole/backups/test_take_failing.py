"""Backups that fail: nothing is called good that is not, and the reason is shown."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from opsconsole.gateways import shell
from opsconsole.models import Event, Verification
from tests.opsconsole.taking import assert_failed, made

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("uploads", "no_wait"),
]


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
    assert_failed(backup, "auth_user has 0 rows instead of 500", backup_dir)
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


@pytest.mark.usefixtures("rows")
def test_a_dump_that_nobody_restores_is_read_through(
    backup_dir: Path, programs: Callable[[str, str], None]
) -> None:
    script = '$REAL/pg_dump "$@" || exit\nfor word; do case $word in --file=/dev*) ;; '
    script += "--file=*) for file in ${word#--file=}/*.dat.gz; do truncate -s 30 $file; done;; "
    programs("pg_dump", f"{script} esac; done")
    assert_failed(made(verify=False), "pg_restore exited with 1", backup_dir)


@pytest.fixture
def too_large_to_sort() -> Iterator[None]:
    """A table that is dumped as it lies, and whose digest may not write what it has to sort."""
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE large (text text PRIMARY KEY)")
        cursor.execute("INSERT INTO large SELECT md5(n::text) FROM generate_series(1, 50000) n")
        for limit in ("work_mem", "temp_file_limit"):
            cursor.execute(f"ALTER DATABASE {database} SET {limit} = '64kB'")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} RESET ALL")
        cursor.execute("DROP TABLE large")


@pytest.mark.usefixtures("too_large_to_sort", "nothing_left")
def test_digests_that_fail_end_the_dump_and_fail_it(
    backup_dir: Path, programs: Callable[[str, str], None]
) -> None:
    programs("pg_dump", 'case $3 in --format=*) exec sleep 600;; *) exec $REAL/pg_dump "$@";; esac')
    assert_failed(made(), "temporary file size exceeds", backup_dir)


def test_a_disk_without_room_is_seen_before_anything_is_written(
    backup_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.gateways.disks.SPARE", 1 << 60)
    assert_failed(made(), "MB free, but", backup_dir)


def test_a_broker_that_is_away_fails_it(backup_dir: Path, settings: Settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    assert_failed(made(parts=["redis"]), "Connection refused", backup_dir)


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
