"""Digests that a thread computes beside a dump: as good as those after it, and never in its way."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from opsconsole.gateways.postgres import contents, dumps
from opsconsole.gateways.postgres.contents import Snapshot, digested_beside, exported
from opsconsole.gateways.postgres.server import PostgresError, Server
from tests.waiting import wait_until

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'COPY%' AND wait_event_type = 'Lock'
"""


class DumpFailed(Exception):
    """What a dump raises in these tests."""


@pytest.fixture
def filled(server: Server) -> Server:
    """A database with rows."""
    with server.connect() as connection:
        connection.execute("CREATE TABLE answer (id bigint PRIMARY KEY, text text)")
        connection.execute(
            "INSERT INTO answer SELECT n, repeat('あ', 50) FROM generate_series(1, 20000) n"
        )
    return server


@contextmanager
def written(server: Server) -> Iterator[None]:
    """The table gets new rows all the time."""
    stop = Event()

    def write() -> None:
        with server.connect() as connection:
            number = 1_000_000
            while not stop.is_set():
                number += 1
                connection.execute("INSERT INTO answer (id) VALUES (%s)", [number])

    writer = Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


@contextmanager
def waiting_for_a_lock(server: Server) -> Iterator[None]:
    """The table is locked: a digest of it waits for as long as the block lasts."""
    with server.connect(autocommit=False) as connection:
        connection.execute("LOCK TABLE answer IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def wait_for_the_lock(server: Server) -> None:
    wait_until(lambda: server.value(WAITING) == 1, 10, "the digest waits for the lock", every=0.02)


def test_they_are_those_of_the_snapshot_however_fast_the_table_is_written(
    filled: Server, tmp_path: Path
) -> None:
    with written(filled), exported(filled) as snapshot:
        with digested_beside(snapshot) as digests:
            dumps.dump(filled, tmp_path / "database", snapshot=snapshot.id)
            beside = digests.result()
        after = contents.contents(snapshot.connection)

    assert beside == after
    assert 20_000 <= beside["answer"]["rows"] < filled.value("SELECT count(*) FROM answer")


def fail(server: Server, snapshot: Snapshot, cause: Callable[[int], object]) -> None:
    """Let a dump fail while the digests beside it wait; `cause` gets their backend's id first."""
    with digested_beside(snapshot) as digests:
        wait_for_the_lock(server)
        cause(snapshot.connection.info.backend_pid)
        with suppress(TimeoutError):
            digests.result(0.3)
        raise DumpFailed


def test_a_failing_dump_ends_them_at_once_and_leaves_the_connection_usable(filled: Server) -> None:
    with waiting_for_a_lock(filled), exported(filled) as snapshot:
        began = monotonic()
        with pytest.raises(DumpFailed):
            fail(filled, snapshot, lambda backend: None)

        assert monotonic() - began < 3
        assert filled.value(WAITING) == 0
        assert snapshot.connection.execute("SELECT 1").fetchone() == (1,)


def test_a_failing_dump_is_not_held_up_by_a_server_that_no_longer_answers(
    filled: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "CANCEL_SECONDS", 0.5)
    stopped: list[int] = []

    def stop(backend: int) -> None:
        os.kill(backend, signal.SIGSTOP)
        stopped.append(backend)

    with waiting_for_a_lock(filled):
        began = monotonic()
        with pytest.raises(DumpFailed), exported(filled) as snapshot:
            fail(filled, snapshot, stop)
        taken = monotonic() - began
        os.kill(stopped[0], signal.SIGCONT)

    assert taken < 10


def test_a_lost_connection_is_an_error_of_postgresql(filled: Server) -> None:
    with (
        waiting_for_a_lock(filled),
        pytest.raises(PostgresError, match="terminating connection"),
        exported(filled) as snapshot,
    ):
        fail(filled, snapshot, lambda backend: os.kill(backend, signal.SIGTERM))
