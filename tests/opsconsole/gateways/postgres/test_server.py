"""A server: its databases, its locks, and how its programs get the password."""

import stat
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from pytest_django import Settings

from opsconsole.gateways.postgres.server import Locked, PostgresError, Server


def test_it_makes_finds_and_drops_databases(server: Server) -> None:
    other = f"{server.database}_other"
    assert not server.exists(other)
    server.create(other)
    assert server.databases(server.database) == [server.database, other]
    server.drop(other)
    assert not server.exists(other)


def test_a_database_has_the_locale_of_the_one_it_was_made_beside(server: Server) -> None:
    query = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
    server.create(f"{server.database}_c")
    try:
        assert server.named(f"{server.database}_c").value(query) == server.value(query)
    finally:
        server.drop(f"{server.database}_c")


def test_it_drops_a_database_in_which_somebody_is(server: Server) -> None:
    other = server.named(f"{server.database}_other")
    server.create(other.database)
    with other.connect() as connection:
        server.drop(other.database)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_it_never_drops_the_database_in_use(server: Server) -> None:
    with pytest.raises(PostgresError, match="in use"):
        server.drop(server.database)
    assert server.exists(server.database)


def test_the_password_is_in_a_file_that_nobody_else_can_read_and_is_then_removed() -> None:
    server = Server("db", 5432, "me", r"a:b\c", "x")
    with server.passfile() as env:
        path = Path(env["PGPASSFILE"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == "*:*:*:*:a\\:b\\\\c\n"
    assert not path.exists()


def test_the_password_is_in_no_text_of_the_server(server: Server) -> None:
    server = replace(server, password="hunter22-and-more")
    assert "hunter22" not in repr(server) + server.conninfo
    with pytest.raises(PostgresError) as failure:
        server.tool("pg_dump", "--schema-only")
    assert "password authentication failed" in str(failure.value)
    assert "hunter22" not in str(failure.value)


def test_its_programs_and_its_url_reach_the_database(server: Server) -> None:
    assert "PostgreSQL database dump" in server.tool("pg_dump", "--schema-only")
    with psycopg.connect(server.url) as connection:
        assert connection.info.dbname == server.database


def test_a_lock_excludes_until_it_is_let_go(server: Server) -> None:
    with server.lock("backup"), server.lock("another"), pytest.raises(Locked, match="in use"):
        server.lock("backup").__enter__()
    for _ in range(200):  # At once: nobody waits until the server has ended the session.
        with server.lock("backup"):
            pass


def test_it_is_refused_by_a_server_that_is_away(server: Server) -> None:
    with pytest.raises(PostgresError, match="connection"):
        replace(server, port=1).version()


def test_it_says_which_versions_it_has_to_do_with(server: Server) -> None:
    assert server.client_version() >= server.version() >= 16


def test_it_names_a_program_that_is_not_there(settings: Settings) -> None:
    settings.POSTGRES_BIN = "/nonexistent"
    with pytest.raises(PostgresError, match="pg_dump did not run: No such file"):
        Server.from_settings().client_version()
