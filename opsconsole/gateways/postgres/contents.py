"""What is in a database: the rows of each table and a digest of them, comparable across servers."""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from threading import Event
from time import monotonic
from typing import Any, TypedDict

import psycopg
from psycopg import Connection, sql

from opsconsole.gateways.postgres.server import Server, explained
from pmscoring.base.progress import Say

SETTINGS = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "lc_monetary": "C",
    "search_path": "pg_catalog",
}
"""What the text of a value depends on."""
# As a number: the driver reads no time that a server writes in another DateStyle.
EXPORT = "SELECT pg_export_snapshot(), extract(epoch FROM clock_timestamp())::float8"
TABLES = """
SELECT n.nspname, c.relname, c.reltuples, c.oid
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
COLUMNS = """
SELECT a.attname, t.typcollation <> 0, coalesce(array_position(i.indkey::int2[], a.attnum), -1)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
COLLATIONS = """
SELECT collname, coalesce(pg_collation_actual_version(oid), collversion) FROM pg_collation
WHERE collversion IS NOT NULL
  AND (collnamespace <> 'pg_catalog'::regnamespace OR collname IN ('en_US.utf8', 'und-x-icu'))
UNION SELECT 'database ' || datcollate, pg_database_collation_actual_version(oid)
FROM pg_database WHERE datname = current_database()
"""
"""The versions of the libraries that sort: where one changes, indexes on texts must be rebuilt."""
LOCALE = """
SELECT current_setting('server_version'), pg_encoding_to_char(encoding), datcollate
FROM pg_database WHERE datname = current_database()
"""
AT_ONCE = 200
"""Rows that are in memory at once."""
OFTEN = 4 * 1024 * 1024
"""Bytes between two signs of life."""
CANCEL_SECONDS = 15.0
"""How long the server may take to cancel a query, before its connection is cut."""


class Contents(TypedDict):
    """Of one table: its rows, and the SHA-256 of their text in the order of the primary key."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """A moment of the database that other connections can see too, while `connection` is open."""

    id: str
    at: datetime
    connection: "Connection[Any]" = field(repr=False)


@contextmanager
def exported(server: Server) -> Iterator[Snapshot]:
    """A snapshot for pg_dump and for `contents`; `at` is the server's clock."""
    with server.connect(autocommit=False) as connection:
        with explained():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute(EXPORT).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has a row
        try:
            yield Snapshot(row[0], datetime.fromtimestamp(row[1], UTC), connection)
        finally:
            # Where the connection broke, what broke it is raised by the block.
            with suppress(psycopg.Error):
                connection.rollback()


def contents(
    connection: "Connection[Any]", say: Say = lambda fraction, table: None
) -> dict[str, Contents]:
    """Rows and digest of every table, by name, with the schema before it unless that is public.

    They do not depend on the server's version, its locale or its settings: the order of text keys
    is that of their bytes. `say` is called with the fraction done and the table's name, at least
    every OFTEN bytes.
    """
    with explained(), connection.transaction():
        for name, value in SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        tables = connection.execute(TABLES).fetchall()
        whole = sum(max(rows, 1) for _, _, rows, _ in tables) or 1
        done, tables_seen = 0.0, {}
        for schema, table, rows, oid in tables:
            name = table if schema == "public" else f"{schema}.{table}"
            at = done / whole
            say(at, name)
            query = _ordered(connection, schema, table, oid)
            tables_seen[name] = _digest(connection, query, lambda at=at, name=name: say(at, name))  # type: ignore[misc]
            done += max(rows, 1)
    return tables_seen


class Abandoned(Exception):
    """Nobody wants the digests any more."""


@contextmanager
def digested_beside(snapshot: Snapshot) -> Iterator["Future[dict[str, Contents]]"]:
    """The `contents` of the snapshot, computed by a thread beside what the block does.

    pg_dump reads over connections of its own and leaves the snapshot's idle. The block waits for
    the future; where it fails instead, the thread is made to stop before the connection closes,
    within CANCEL_SECONDS also where the server no longer answers.
    """
    abandoned = Event()

    def stop_where_abandoned(_fraction: float, _table: str) -> None:
        if abandoned.is_set():
            raise Abandoned

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(contents, snapshot.connection, stop_where_abandoned)
        try:
            yield future
        finally:
            abandoned.set()
            _end(future, snapshot.connection)


def _end(future: "Future[dict[str, Contents]]", connection: "Connection[Any]") -> None:
    """Return when the thread that computes has ended.

    A query that runs is cancelled, and the thread sees the flag before the next one. A cancellation
    may come between the look at the flag and the query, and then ends nothing: so it is repeated.
    """
    end = monotonic() + CANCEL_SECONDS
    while not future.done() and monotonic() < end:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=5)
        wait([future], timeout=0.2)
    if not future.done():
        # The thread waits for bytes on this socket, and now reads its end. Not close(), under which
        # it would go on waiting.
        with socket.socket(fileno=os.dup(connection.fileno())) as cut:
            cut.shutdown(socket.SHUT_RDWR)


def description(connection: "Connection[Any]") -> dict[str, Any]:
    """The server's version, the database's encoding and locale, and the versions of collations."""
    with explained():
        version, encoding, locale = connection.execute(LOCALE).fetchone() or ("", "", "")
        collations = connection.execute(COLLATIONS).fetchall()
    return {
        "version": version,
        "encoding": encoding,
        "locale": locale,
        "collations": {name: number for name, number in collations if number},
    }


def migrations(connection: "Connection[Any]") -> dict[str, list[str]]:
    """The migrations that were applied, in their order, by app; none in another's database."""
    with explained():
        row = connection.execute("SELECT to_regclass('public.django_migrations')").fetchone()
        if not row or row[0] is None:
            return {}
        rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    applied: dict[str, list[str]] = {}
    for app, name in rows:
        applied.setdefault(app, []).append(name)
    return applied


def _ordered(connection: "Connection[Any]", schema: str, table: str, oid: int) -> sql.Composed:
    columns = connection.execute(COLUMNS, [oid]).fetchall()
    keys = sorted((place, name, is_text) for name, is_text, place in columns if place >= 0)
    # Without a primary key: by all that is in the row.
    order = [_key(name, is_text) for _, name, is_text in keys] or [
        sql.SQL('ROW({})::text COLLATE "C"').format(_names(columns))
    ]
    return sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        _names(columns), sql.Identifier(schema, table), sql.SQL(", ").join(order)
    )


def _names(columns: list[tuple[str, bool, int]]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name, _, _ in columns)


def _key(name: str, is_text: bool) -> sql.Composed:
    collate = sql.SQL(' COLLATE "C"') if is_text else sql.SQL("")
    return sql.Identifier(name) + collate


def _digest(
    connection: "Connection[Any]", query: sql.Composed, alive: Callable[[], object]
) -> Contents:
    sha256, rows, since = hashlib.sha256(), 0, 0
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        # A block is a row: joined, they are hashed and counted in a fraction of the time.
        blocks = iter(copy)
        while content := b"".join(islice(blocks, AT_ONCE)):
            sha256.update(content)
            # A newline within a value is written as \n: each one ends a row.
            rows += content.count(b"\n")
            since += len(content)
            if since >= OFTEN:
                alive()
                since = 0
    return {"rows": rows, "sha256": sha256.hexdigest()}
