"""A PostgreSQL server: where it is, its databases, and the programs that belong to it."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, Self
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _
from psycopg import sql
from psycopg.conninfo import make_conninfo

from opsconsole.gateways import shell
from pmscoring.base import rotating
from pmscoring.base.connecting import FreshConnection
from pmscoring.base.redaction import redacted

APPLICATION = "pmscoring-ops"
MAINTENANCE = "postgres"
"""The database to be connected to while others are made, renamed and dropped."""
NO_LIMITS = " ".join(
    f"-c {limit}=0"
    for limit in (
        "statement_timeout",
        "idle_session_timeout",
        "idle_in_transaction_session_timeout",
    )
)
"""A lock and a snapshot are held by connections that are idle for as long as a dump takes."""
NOT_LIBPQ = {"pool", "connect_timeout", "assume_role", "server_side_binding", "isolation_level"}
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class PostgresError(Exception):
    """The server or one of its programs has failed; the message says why, without passwords."""


class Locked(PostgresError):
    """Another session holds the lock."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the driver and the programs raise into PostgresError."""
    try:
        yield
    except psycopg.Error as error:
        raise PostgresError(redacted(str(error).strip())) from error
    except shell.ShellError as error:
        raise PostgresError(str(error)) from error


@dataclass(frozen=True)
class Server:
    """A database of a server, and the account that reaches it. Methods raise PostgresError."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Further words of libpq's connection string, such as sslmode."""
    rotates: bool = False
    """Whether the password is in a file, and may be another one by the next connection."""

    @classmethod
    def from_settings(cls) -> Self:
        """The application's own database."""
        database: dict[str, Any] = settings.DATABASES["default"]
        options = {
            name: str(value)
            for name, value in database.get("OPTIONS", {}).items()
            if name not in NOT_LIBPQ
        }
        return cls(
            host=database["HOST"] or "",
            port=int(database["PORT"] or 5432),
            user=database["USER"] or "",
            password=database["PASSWORD"] or "",
            database=database["NAME"],
            options=options,
            rotates="DATABASE_PASSWORD" in settings.PASSWORDS_IN_FILES,
        )

    def named(self, database: str) -> "Server":
        """Another database of the same server."""
        return replace(self, database=database)

    @property
    def conninfo(self) -> str:
        """libpq's connection string, without the password: it may stand in argv."""
        words = {"host": self.host, "port": self.port, "user": self.user, "dbname": self.database}
        return make_conninfo(
            **{name: str(word) for name, word in words.items() if word}, **self.options
        )

    @property
    def url(self) -> str:
        """As DATABASE_URL, with the password: not for argv, logs or rows."""
        account = quote(self.user, safe="") + (
            ":" + quote(self.password, safe="") if self.password else ""
        )
        query = f"?{urlencode(self.options)}" if self.options else ""
        host = quote(self.host, safe="") if self.host.startswith("/") else self.host
        return f"postgresql://{account}@{host}:{self.port}/{quote(self.database, safe='')}{query}"

    def connect(self, *, autocommit: bool = True) -> "psycopg.Connection[Any]":
        """A connection of its own, without any time limits that the server may set by default."""
        kind = FreshConnection if self.rotates else psycopg.Connection
        with explained():
            return kind.connect(
                self.conninfo,
                password=self.password or None,
                autocommit=autocommit,
                connect_timeout=10,
                application_name=APPLICATION,
                options=NO_LIMITS,
            )

    @contextmanager
    def passfile(self, password: str | None = None) -> Iterator[dict[str, str]]:
        """The environment of a program that connects; the password is in a file of mode 0600."""
        password = self._good_password() if password is None else password
        with tempfile.TemporaryDirectory(prefix="pmscoring-") as folder:
            path = Path(folder) / "pgpass"
            words = ("*", "*", "*", "*", password)
            escaped = [re.sub(r"([\\:])", r"\\\1", word) if word != "*" else word for word in words]
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(":".join(escaped) + "\n")
            yield {"PGPASSFILE": str(path), "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": APPLICATION}

    def _good_password(self) -> str:
        """Of two in the file the one that the server takes: its programs try no other."""
        passwords = rotating.lines("DATABASE_PASSWORD") if self.rotates else []
        if len(passwords) < 2:
            return next(iter(passwords), self.password)
        with self.connect() as connection:
            return connection.info.password

    def tool(
        self,
        name: str,
        *arguments: str,
        alive: Callable[[], object] | None = None,
        warn: Callable[[str], object] = lambda says: None,
    ) -> str:
        """Run one of PostgreSQL's programs, such as pg_dump, against this database."""
        argv = [program(name), "--no-password", f"--dbname={self.conninfo}", *arguments]
        password = self._good_password()
        try:
            with explained(), self.passfile(password) as env:
                return shell.run(argv, env=env, alive=alive, warn=warn)
        except PostgresError:
            # The password was changed after it had been found good, and before the program used it.
            if self._good_password() == password:
                raise
        with explained(), self.passfile() as env:
            return shell.run(argv, env=env, alive=alive, warn=warn)

    def version(self) -> int:
        """The server's major version."""
        return self.version_number() // 10_000

    def version_number(self) -> int:
        """The server's version as PostgreSQL counts, such as 160014."""
        return int(self.value("SELECT current_setting('server_version_num')"))

    def client_version(self) -> int:
        """The major version of pg_dump."""
        return client_version(program("pg_dump"))

    def exists(self, database: str) -> bool:
        """Whether the server has a database of that name."""
        rows = self._maintain("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        return bool(rows)

    def databases(self, prefix: str) -> list[str]:
        """The names of all databases that begin so."""
        rows = self._maintain(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", [prefix]
        )
        return [name for (name,) in rows]

    def create(self, database: str) -> None:
        """Make an empty database, with encoding and locale of this one where this one exists."""
        self._maintain(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(
                sql.Identifier(database), self._locale()
            )
        )

    def drop(self, database: str) -> None:
        """Drop the database, if it is there, with the sessions in it; never this server's own."""
        if database == self.database:
            raise PostgresError(_("%s is the database in use") % database)
        self._maintain(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
        )

    def copy(self, database: str, name: str) -> None:
        """Make a copy of a database to which nobody is connected."""
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._maintain(create.format(sql.Identifier(name), sql.Identifier(database)))

    def rename(self, database: str, name: str) -> None:
        """Give another of the server's databases, to which nobody is connected, a new name."""
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        self._maintain(rename.format(sql.Identifier(database), sql.Identifier(name)))

    def size(self) -> int:
        """The bytes of this database on the server's disk."""
        return int(self.value("SELECT pg_database_size(current_database())"))

    def size_of(self, database: str) -> int:
        """The bytes of another database, also of one that accepts no connections."""
        query: LiteralString = "SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s"
        return sum(int(size) for (size,) in self._maintain(query, [database]))

    def value(self, query: LiteralString) -> Any:
        """The first column of the first row."""
        with self.connect() as connection, explained():
            row = connection.execute(query).fetchone()
            return row[0] if row else None

    def connections_free(self) -> int:
        """Those that ordinary accounts may still open, in all databases of the server."""
        return int(
            self.value(
                "SELECT current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int"
                # Since PostgreSQL 16.
                " - coalesce(current_setting('reserved_connections', true), '0')::int"
                " - (SELECT sum(numbackends) FROM pg_stat_database WHERE datid <> 0)"
            )
        )

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock of that name in this database; raises Locked where another session has it.

        It belongs to a connection of its own: it goes when this process dies, however it dies.
        """
        with self.connect() as connection:
            with explained():
                row = connection.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]
                ).fetchone()
            if not row or not row[0]:
                raise Locked(_("%s is in use") % name)
            try:
                yield
            finally:
                # The server learns of the end of a connection a moment after us; until then
                # whoever comes next would find the lock held.
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock_all()")

    def _locale(self) -> sql.Composable:
        rows = self._maintain(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database"
            " WHERE datname = %s AND datlocprovider = 'c'",
            [self.database],
        )
        if not rows:
            return sql.SQL("ENCODING 'UTF8'")
        return sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(*map(sql.Literal, rows[0]))

    def _maintain(
        self, query: LiteralString | sql.Composed, parameters: list[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        with self.named(MAINTENANCE).connect() as connection, explained():
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []


def program(name: str) -> str:
    """Where one of PostgreSQL's programs is."""
    return str(Path(settings.POSTGRES_BIN) / name) if settings.POSTGRES_BIN else name


@cache
def client_version(path: str) -> int:
    """The major version that the program reports of itself."""
    with explained():
        said = shell.run([path, "--version"], timeout=30)
    match = VERSION.search(said)
    if not match:
        raise PostgresError(_("%s does not report its version") % path)
    return int(match[1])
