"""The swap: a new database takes the live one's place by a rename, in one transaction.

Everything is done over one connection to the maintenance database `postgres`, whose session holds
an advisory lock from the first look to the last rename. The lock ends with the session, so a
process that dies leaves no lock behind, and one whose lock is gone can rename nothing any more.

The role needs no more than to own both databases and CREATEDB. Why a swap cannot be half done:

1. The live database refuses new connections, and those that are open are ended. This is the only
   state in between, and it shows in pg_database.
2. One transaction renames both databases. CREATE and DROP DATABASE cannot run in a transaction, but
   ALTER DATABASE can: either both names are changed, or none is.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

from django.utils.translation import gettext as _
from psycopg import Connection, sql

from opsconsole.gateways.postgres.server import (
    MAINTENANCE,
    Locked,
    PostgresError,
    Server,
    explained,
)
from pmscoring.base.waiting import wait_until

END_SECONDS = 10.0
DRAIN_SECONDS = 5.0
LONGEST_NAME = 63
"""Bytes; PostgreSQL cuts off what is longer."""
# Autovacuum has no role there, and makes way for a rename by itself. Of another role's session a
# role that is no superuser sees the role, and neither state nor program.
IN_LIVE = "FROM pg_stat_activity WHERE datname = %s AND pid <> %s AND usename IS NOT NULL"
SESSIONS = f"SELECT usename || ' ' || coalesce(application_name, '') {IN_LIVE}"
BUSY = f"SELECT count(*) {IN_LIVE} AND state <> 'idle'"
END_SESSIONS = (
    f"SELECT pg_terminate_backend(pid) {IN_LIVE} AND pg_has_role(current_user, usesysid, 'MEMBER')"
)


@dataclass(frozen=True)
class Names:
    """The live database, and the two that stand beside it during a restore."""

    live: str
    new: str
    previous: str

    @classmethod
    def of(cls, live: str, key: str) -> "Names":
        """`key` is a few hexadecimal digits of the restore's id."""
        stem = live.encode()[: LONGEST_NAME - len(f"_restore_{key}")].decode(errors="ignore")
        return cls(live, f"{stem}_restore_{key}", f"{stem}_before_{key}")


@contextmanager
def swapping(server: Server, names: Names) -> Iterator["Swap"]:
    """The databases of the server, for the one session that has the lock; raises Locked."""
    with closing(server.named(MAINTENANCE).connect()) as connection:
        swap = Swap(connection, names)
        if not swap.lock():
            raise Locked(_("another restore is under way"))
        yield swap


class Swap:
    """The databases of one server; its methods raise PostgresError."""

    def __init__(self, connection: "Connection[Any]", names: Names) -> None:
        """`connection` leads to the maintenance database, with autocommit."""
        self.connection, self.names = connection, names

    def lock(self) -> bool:
        """Take the lock for this session; False where another session has it."""
        query = "SELECT pg_try_advisory_lock(hashtext('pmscoring restore'), hashtext(%s))"
        return bool(self._value(query, self.names.live))

    def accepts(self, database: str) -> bool | None:
        """Whether the database takes connections; None where there is none of that name."""
        query = "SELECT datallowconn FROM pg_database WHERE datname = %s"
        allowed = self._value(query, database)
        return None if allowed is None else bool(allowed)

    def is_done(self) -> bool:
        """Whether the new database has the live one's name, by what the server has."""
        return self.accepts(self.names.new) is None and self.accepts(self.names.live) is not None

    def close(self, spared: int | None = None) -> None:
        """Let nobody connect to the live database any more, and end every session in it.

        What runs there is given DRAIN_SECONDS to end by itself. `spared` is the process id of a
        session of our own, which reads what is to survive. PostgresError is raised where a session
        does not end, as one of another role does not.
        """
        wait_until(lambda: not self.is_busy(spared), DRAIN_SECONDS)
        self._allow(self.names.live, allowed=False)
        # Again and again: a session that was being opened when the database closed appears late.
        if not wait_until(lambda: not self._end_sessions(spared), END_SECONDS):
            others = ", ".join(self._sessions(spared))
            raise PostgresError(_("other sessions stay connected to the database: %s") % others)

    def open(self) -> None:
        """Let the live database take connections, if it is there."""
        if self.accepts(self.names.live) is False:
            self._allow(self.names.live, allowed=True)

    def exchange(self) -> None:
        """Give the new database the live one's name; the old one is kept, and stays closed.

        Where there is no live database, the new one just takes its name. Raises PostgresError, and
        then nothing has changed, unless the connection broke: only the server knows then.
        """
        live, new = sql.Identifier(self.names.live), sql.Identifier(self.names.new)
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        with explained(), self.connection.transaction():
            if self.accepts(self.names.live) is not None:
                previous = sql.Identifier(self.names.previous)
                self.connection.execute(rename.format(live, previous))
            self.connection.execute(rename.format(new, live))

    def drop(self, database: str) -> None:
        """Drop the database if it is there, with the sessions in it; the live one is refused."""
        if database == self.names.live:
            raise PostgresError(_("%s is the database in use") % database)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with explained():
            self.connection.execute(drop.format(sql.Identifier(database)))

    def is_busy(self, spared: int | None = None) -> bool:
        """Whether a session in the live database is at work."""
        return bool(self._value(BUSY, self.names.live, spared or 0))

    def _allow(self, database: str, *, allowed: bool) -> None:
        alter = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        name, value = sql.Identifier(database), sql.Literal(allowed)
        with explained():
            self.connection.execute(alter.format(name, value))

    def _end_sessions(self, spared: int | None) -> list[str]:
        """End what we may; returns who was connected."""
        sessions = self._sessions(spared)
        with explained():
            self.connection.execute(END_SESSIONS, [self.names.live, spared or 0])
        return sessions

    def _sessions(self, spared: int | None) -> list[str]:
        """The clients connected to the live database, by role and program."""
        with explained():
            rows = self.connection.execute(SESSIONS, [self.names.live, spared or 0]).fetchall()
        return [str(row[0]) for row in rows]

    def _value(self, query: LiteralString, *parameters: object) -> Any:
        with explained():
            row = self.connection.execute(query, parameters).fetchone()
        return row and row[0]
