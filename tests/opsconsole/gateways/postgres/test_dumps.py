"""Dumps and digests on the real server: whole, comparable, and found out when they are not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from pytest_django import Settings

from opsconsole.gateways.postgres import dumps
from opsconsole.gateways.postgres.contents import contents, exported
from opsconsole.gateways.postgres.server import PostgresError, Server

SCHEMA = """
CREATE TABLE answer (id bigint PRIMARY KEY, text text, score float8, at timestamptz, more jsonb);
INSERT INTO answer SELECT n, repeat('あ\n\t' || n, 20), n / 3.0,
    'epoch'::timestamptz + n * interval '1 s', jsonb_build_object('n', n)
FROM generate_series(1, 5000) n;
CREATE TABLE word (word text PRIMARY KEY, bytes bytea);
INSERT INTO word VALUES ('b', 'x'), ('B', NULL), ('あ', ''), ('a', '\\x00');
CREATE TABLE loose (n int, t text);
INSERT INTO loose VALUES (2, 'b'), (1, 'a'), (1, NULL);
CREATE TABLE nothing (id int PRIMARY KEY);
CREATE SCHEMA other; CREATE TABLE other.thing (id int PRIMARY KEY);
INSERT INTO other.thing VALUES (1);
"""


@pytest.fixture
def filled(server: Server) -> Server:
    """A database with tables of several kinds."""
    with server.connect() as connection:
        connection.execute(SCHEMA)
    return server


@contextmanager
def beside(server: Server) -> Iterator[Server]:
    """An empty database on the same server."""
    other = server.named(f"{server.database}_r")
    server.create(other.database)
    try:
        yield other
    finally:
        server.drop(other.database)


def of(server: Server) -> dict[str, tuple[int, str]]:
    with exported(server) as snapshot:
        found = contents(snapshot.connection)
    return {name: (table["rows"], table["sha256"]) for name, table in found.items()}


def dumped(server: Server, folder: Path) -> Path:
    with exported(server) as snapshot:
        dumps.dump(server, folder, snapshot=snapshot.id, jobs=2)
    return folder


def test_a_restored_dump_has_the_same_rows_and_digests(filled: Server, tmp_path: Path) -> None:
    folder = dumped(filled, tmp_path / "database")
    with beside(filled) as other:
        dumps.restore(other, folder, jobs=2)
        assert of(other) == of(filled)
    assert {name: rows for name, (rows, _) in of(filled).items()} == {
        "answer": 5000, "loose": 3, "nothing": 0, "word": 4, "other.thing": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE answer SET text = 'x' WHERE id = 17",
        "DELETE FROM loose WHERE t IS NULL",
        "UPDATE word SET bytes = '' WHERE bytes IS NULL",
    ],
)
def test_a_changed_row_changes_the_digest(filled: Server, change: str) -> None:
    before = of(filled)
    with filled.connect() as connection:
        connection.execute(change.encode())
    assert of(filled) != before


def test_the_digest_depends_on_no_setting_of_the_server(filled: Server) -> None:
    before = of(filled)
    with filled.connect() as connection:
        for setting in (
            "TimeZone = 'Asia/Tokyo'",
            "DateStyle = 'German'",
            "extra_float_digits = 0",
            "bytea_output = 'escape'",
        ):
            connection.execute(f'ALTER DATABASE "{filled.database}" SET {setting}'.encode())
    assert of(filled) == before


def test_the_order_of_the_rows_on_disk_does_not_matter(filled: Server) -> None:
    before = of(filled)
    with filled.connect() as connection:
        connection.execute("UPDATE answer SET score = score WHERE id % 7 = 0")
        connection.execute(
            "DELETE FROM loose; INSERT INTO loose VALUES (1, NULL), (2, 'b'), (1, 'a')"
        )
        connection.execute("VACUUM FULL answer")
    assert of(filled) == before


def test_dump_and_digests_are_of_one_moment_however_fast_the_table_is_written(
    filled: Server, tmp_path: Path
) -> None:
    stop = Event()

    def write() -> None:
        with filled.connect() as connection:
            for number in range(10_000, 10_000_000):
                if stop.is_set():
                    return
                connection.execute("INSERT INTO answer (id) VALUES (%s)", [number])
                connection.execute("INSERT INTO nothing VALUES (%s)", [number])

    writer = Thread(target=write)
    writer.start()
    try:
        with exported(filled) as snapshot:
            dumps.dump(filled, tmp_path / "database", snapshot=snapshot.id, jobs=2)
            expected = contents(snapshot.connection)
    finally:
        stop.set()
        writer.join()
    with beside(filled) as other:
        dumps.restore(other, tmp_path / "database")
        with exported(other) as restored:
            assert contents(restored.connection) == expected
    assert of(filled)["answer"][0] > expected["answer"]["rows"]


def largest(folder: Path) -> Path:
    return max(folder.glob("*.dat*"), key=lambda file: file.stat().st_size)


def test_a_dump_that_was_cut_off_or_changed_is_found(filled: Server, tmp_path: Path) -> None:
    folder = dumped(filled, tmp_path / "database")
    file = largest(folder)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 4 // 10])
    with pytest.raises(PostgresError):
        dumps.read_through(folder)
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(PostgresError), beside(filled) as other:
        dumps.restore(other, folder)
    file.write_bytes(b"")
    with pytest.raises(PostgresError, match=f"{file.name} is empty"):
        dumps.check(folder)
    file.write_bytes(whole)
    dumps.check(folder)
    dumps.read_through(folder)


def test_a_folder_without_contents_is_no_dump(tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match="not a dump"):
        dumps.check(tmp_path)


def stub(folder: Path, script: str) -> str:
    """A folder with a pg_dump of our own."""
    folder.mkdir()
    (folder / "pg_dump").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "pg_dump").chmod(0o755)
    return str(folder)


def test_a_client_older_than_the_server_is_refused_before_anything_is_written(
    filled: Server, tmp_path: Path, settings: Settings
) -> None:
    settings.POSTGRES_BIN = stub(tmp_path / "bin", "echo 'pg_dump (PostgreSQL) 9.6.24'")
    with pytest.raises(PostgresError, match="version 9, older than the server's"):
        dumped(filled, tmp_path / "database")
    assert not (tmp_path / "database").exists()


def test_a_dump_that_speaks_of_an_error_and_exits_with_0_has_failed(
    filled: Server, tmp_path: Path, settings: Settings
) -> None:
    settings.POSTGRES_BIN = stub(
        tmp_path / "bin",
        "case $1 in --version) echo 'pg_dump (PostgreSQL) 99' ;;"
        " *) echo 'pg_dump: error: no' >&2 ;; esac",
    )
    with pytest.raises(PostgresError, match="pg_dump: error: no"):
        dumped(filled, tmp_path / "database")


def test_a_snapshot_that_is_gone_fails_the_dump(filled: Server, tmp_path: Path) -> None:
    with exported(filled) as snapshot:
        gone = snapshot.id
    with pytest.raises(PostgresError, match="snapshot"):
        dumps.dump(filled, tmp_path / "database", snapshot=gone)


def test_it_compresses_by_the_fastest_that_the_client_was_built_with(
    tmp_path: Path, settings: Settings
) -> None:
    wheels = dumps.compression(f"{settings.POSTGRES_BIN}/pg_dump")
    stub(tmp_path / "bin", "echo 'pg_dump: error: connection to server failed' >&2; exit 1")
    assert wheels == "1"  # gzip, which is all that the wheel has
    assert dumps.compression(str(tmp_path / "bin" / "pg_dump")) == "zstd:1"
