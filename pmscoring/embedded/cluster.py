"""A PostgreSQL 16 cluster: its folder, its account, its password, its command line."""

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from pmscoring.base.files import write_whole
from pmscoring.embedded.accounts import options_as, unprivileged
from pmscoring.embedded.binaries import runnable
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.homes import home_of, make_home
from pmscoring.embedded.passwords import password_in

KEPT_IN = "postgres.password"
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@dataclass(frozen=True)
class Cluster:
    """Data and password lie in `home`; the server runs as `user`, or as us where that is None."""

    home: Path
    user: str | None
    password: str

    @classmethod
    def under(cls, folder: Path) -> Self:
        """The cluster of this folder, made when there is none; raises CannotStart."""
        user = unprivileged()
        home = make_home(folder, user)
        cluster = cls(home, user, password_in(home / KEPT_IN))
        if not cluster.is_made():
            cluster.make()
        return cluster

    @classmethod
    def existing(cls, folder: Path) -> Self | None:
        """The cluster of this folder if there is one; makes nothing."""
        user = unprivileged()
        home = home_of(folder, user)
        if not (home / KEPT_IN).exists():
            return None
        cluster = cls(home, user, (home / KEPT_IN).read_text(encoding="utf-8"))
        return cluster if cluster.is_made() else None

    def is_made(self) -> bool:
        """Whether there are data."""
        return (self.data / "PG_VERSION").exists()

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.home / "postgres"

    @property
    def clients(self) -> Path:
        """The folder of pg_dump and pg_restore, which run as we do; raises CannotStart."""
        return runnable(self.home, None)

    def make(self) -> None:
        """Make the cluster in a folder beside and move it into place, so that none is half made."""
        new = self.home / "postgres.partial"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password = self.home / "initdb.password"
        write_whole(password, self.password)
        if self.user:
            shutil.chown(new, self.user)
            shutil.chown(password, self.user)
        argv = [
            str(runnable(self.home, self.user) / "initdb"),
            "-D",
            str(new),
            "-U",
            "postgres",
            "-E",
            "UTF8",
        ]
        argv += ["--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={password}"]
        done = subprocess.run(  # noqa: S603
            argv, **options_as(self.user), capture_output=True, check=False
        )
        password.unlink()
        if done.returncode:
            raise CannotStart(f"initdb: {done.stderr.decode(errors='replace').strip()}")
        new.rename(self.data)

    def argv(self, port: int, *, durable: bool = True) -> list[str]:
        """The server in the foreground, on 127.0.0.1 alone."""
        options = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories="]
        options += ["max_connections=200", "timezone=UTC", "log_timezone=UTC"]
        # A refused row or statement has an answer's text in it.
        options += ["log_error_verbosity=terse", "log_min_error_statement=panic"]
        options += ["shared_buffers=128MB", *(() if durable else FAST)]
        argv = [str(runnable(self.home, self.user) / "postgres"), "-D", str(self.data)]
        return argv + [word for option in options for word in ("-c", option)]

    def url(self, port: int, database: str = "pmscoring") -> str:
        """Where the server on this port answers."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{port}/{database}"

    def answers(self, port: int) -> bool:
        """Whether it takes connections; the product's database is made with the first one."""
        url = self.url(port, "postgres")
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                _make_database(connection)
        except psycopg.OperationalError:
            return False
        return True


def _make_database(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    query = "SELECT 1 FROM pg_database WHERE datname = 'pmscoring'"
    if connection.execute(query).fetchone():
        return
    # A supervisor and a command may both ask for the first time at once: one of the two makes it.
    with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        connection.execute("CREATE DATABASE pmscoring")


def remove_data(folder: Path) -> None:
    """The next start under this folder begins with an empty cluster; nothing may run there."""
    shutil.rmtree(home_of(folder, unprivileged()) / "postgres", ignore_errors=True)
