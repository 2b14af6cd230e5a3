"""The swap of databases, as a role that is no superuser, which is all that containers give."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import psycopg
import pytest

from opsconsole.gateways.postgres import swap as module
from opsconsole.gateways.postgres.server import PostgresError
from opsconsole.gateways.postgres.swap import Names, Swap
from tests.waiting import wait_until

ADMIN = os.environ["DATABASE_URL"]
Connection = psycopg.Connection[tuple[object, ...]]


class Place:
    """A role with CREATEDB that owns a live and a new database, each with a table of one row."""

    def __init__(self, key: str) -> None:
        self.role, self.names = f"owner_{key}", Names.of(f"live_{key}", key)

    def connect(self, database: str, role: str | None = None) -> Connection:
        user = role or self.role
        return psycopg.connect(ADMIN, dbname=database, user=user, password=user, autocommit=True)

    def make(self, database: str, content: str) -> None:
        with closing(self.connect("postgres")) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        with closing(self.connect(database)) as connection:
            connection.execute("CREATE TABLE content AS SELECT %s AS word", [content])

    def content(self, database: str) -> object:
        with closing(self.connect(database)) as connection:
            row = connection.execute("SELECT word FROM content").fetchone()
        return row and row[0]


def as_admin(*statements: str) -> None:
    with psycopg.connect(ADMIN, dbname="postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place(uuid4().hex[:8])
    as_admin(f"CREATE ROLE {place.role} LOGIN CREATEDB PASSWORD '{place.role}'")
    place.make(place.names.live, "live")
    place.make(place.names.new, "restored")
    yield place
    databases = (place.names.live, place.names.new, place.names.previous)
    as_admin(
        *(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in databases),
        f"DROP ROLE {place.role}",
    )


@pytest.fixture
def swap(place: Place) -> Iterator[Swap]:
    with closing(place.connect("postgres")) as connection:
        swap = Swap(connection, place.names)
        assert swap.lock()
        yield swap


def test_the_new_database_takes_the_live_ones_place(place: Place, swap: Swap) -> None:
    assert not swap.is_done()
    swap.close()
    swap.exchange()
    assert swap.is_done()
    assert place.content(place.names.live) == "restored"


def test_the_old_one_is_kept_and_stays_closed(place: Place, swap: Swap) -> None:
    swap.close()
    swap.exchange()
    assert swap.accepts(place.names.previous) is False
    as_admin(f'ALTER DATABASE "{place.names.previous}" ALLOW_CONNECTIONS true')
    assert place.content(place.names.previous) == "live"


def test_a_closed_database_ends_sessions_but_the_spared_one(place: Place, swap: Swap) -> None:
    live = place.names.live
    with closing(place.connect(live)) as open_one, closing(place.connect(live)) as spared:
        swap.close(spared.info.backend_pid)
        assert spared.execute("SELECT word FROM content").fetchone() == ("live",)
        with pytest.raises(psycopg.OperationalError):
            open_one.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
            place.connect(live)


def test_it_lets_what_runs_end_by_itself(place: Place, swap: Swap) -> None:
    work = "SELECT pg_sleep(1); INSERT INTO content VALUES ('written before the end')"
    with closing(place.connect(place.names.live)) as working, ThreadPoolExecutor(1) as pool:
        written = pool.submit(working.execute, work)
        wait_until(swap.is_busy, seconds=5)
        swap.close()
        written.result()
    swap.open()
    with closing(place.connect(place.names.live)) as connection:
        assert connection.execute("SELECT count(*) FROM content").fetchone() == (2,)


def test_an_open_again_live_database_is_as_it_was(place: Place, swap: Swap) -> None:
    swap.close()
    swap.open()
    assert place.content(place.names.live) == "live"


def test_a_session_of_another_role_is_named_and_stops_the_swap(
    place: Place, swap: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_SECONDS", 0.3)
    other = f"other_{place.role}"
    as_admin(f"CREATE ROLE {other} LOGIN PASSWORD '{other}'")
    try:
        with closing(place.connect(place.names.live, other)):
            with pytest.raises(PostgresError, match=other):
                swap.close()
            with pytest.raises(PostgresError, match="being accessed by other users"):
                swap.exchange()
    finally:
        as_admin(f"DROP ROLE {other}")
    assert swap.accepts(place.names.new)
    swap.open()
    assert place.content(place.names.live) == "live"


def test_no_half_of_it_happens(place: Place, swap: Swap) -> None:
    swap.drop(place.names.new)
    with pytest.raises(PostgresError, match="does not exist"):
        swap.exchange()
    assert place.content(place.names.live) == "live"


def test_where_there_is_no_live_database_the_new_one_takes_the_name(
    place: Place, swap: Swap
) -> None:
    as_admin(f'DROP DATABASE "{place.names.live}"')
    swap.open()
    swap.exchange()
    assert swap.is_done()
    assert place.content(place.names.live) == "restored"


def test_one_restore_at_a_time_and_none_after_a_death(place: Place, swap: Swap) -> None:
    with closing(place.connect("postgres")) as connection:
        second = Swap(connection, place.names)
        assert not second.lock()
        swap.connection.close()  # as the kernel does for a process that is killed
        wait_until(second.lock, seconds=10)


def test_it_never_drops_the_live_database(place: Place, swap: Swap) -> None:
    with pytest.raises(PostgresError, match="is the database in use"):
        swap.drop(place.names.live)
    assert place.content(place.names.live) == "live"


def test_names_fit_however_long_the_live_one_is() -> None:
    names = Names.of("x" * 63, "0123abcd")
    assert names.new.endswith("_restore_0123abcd")
    assert names.previous.endswith("_before_0123abcd")
    assert len(names.new) == 63
