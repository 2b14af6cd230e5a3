"""A site of its own for tests of restores: a live database, uploads and backups, all committed.

The product's role owns its database and may create others; it is no superuser. Whatever is done to
the site is done by processes of their own, which can be killed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from opsconsole.gateways.postgres.contents import Contents, contents
from tests.paths import PYTHONPATH, ROOT

ADMIN = os.environ["DATABASE_URL"]


def as_admin(*statements: str) -> None:
    """Run these as the superuser of the tests' server."""
    with psycopg.connect(ADMIN, dbname="postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@dataclass(frozen=True)
class Site:
    """The database `live` of the role `role`, whose password is its name."""

    role: str
    live: str
    folder: Path

    @property
    def uploads(self) -> Path:
        return self.folder / "uploads"

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def environment(self) -> dict[str, str]:
        place = urlsplit(ADMIN)
        url = f"postgresql://{self.role}:{self.role}@{place.hostname}:{place.port}/{self.live}"
        return {
            **os.environ,
            "PYTHONPATH": PYTHONPATH,
            "ENVIRONMENT": "development",
            "DATABASE_URL": url,
            "DATABASE_POOL_SECONDS": "2",
            "UPLOADS_DIR": str(self.uploads),
            "BACKUP_DIR": str(self.backups),
            "VAR_DIR": str(self.folder),
        }

    def run(self, *argv: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run Python with these arguments, to its end."""
        return subprocess.run(
            [sys.executable, *argv],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return self.run("manage.py", *argv)

    def done(self, *argv: str) -> Any:
        """The JSON of a command that exits with 0."""
        done = self.manage(*argv, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def killed(self, folder: Path, note: str, *, parts: str = "database,uploads") -> None:
        """Restore the folder, and kill the process when it says `note`."""
        done = self.run("-m", "tests.opsconsole.killed_restore", str(folder), note, parts)
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr

    @contextmanager
    def connect(self, database: str | None = None) -> Iterator["psycopg.Connection[Any]"]:
        where = {"dbname": database or self.live, "user": self.role, "password": self.role}
        with closing(psycopg.connect(ADMIN, **where, autocommit=True)) as connection:  # type: ignore[arg-type]
            yield connection

    def value(self, query: str, *parameters: object) -> Any:
        """The first column of the first row, from the live database."""
        with self.connect() as connection:
            row = connection.execute(query, parameters).fetchone()
        return row and row[0]

    def rows(self, query: str) -> list[Any]:
        """The first column, from the live database."""
        with self.connect() as connection:
            return [row[0] for row in connection.execute(query).fetchall()]

    def execute(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def tables(self) -> dict[str, Contents]:
        """Of the product's tables but the console's: rows and digests."""
        with self.connect() as connection:
            found = contents(connection)
        return {name: table for name, table in found.items() if not name.startswith("opsconsole_")}

    def files(self) -> dict[str, str]:
        """The files of uploads with their content; those of a restore are left out."""
        paths = [path for path in self.uploads.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self.uploads)): path for path in paths}
        return {name: path.read_text() for name, path in names.items() if name[0] != "."}

    def databases(self) -> set[str]:
        """All databases of this site."""
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
        with self.connect("postgres") as connection:
            rows = connection.execute(query, [f"{self.live}%"]).fetchall()
        return {row[0] for row in rows}

    def remove(self) -> None:
        as_admin(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in self.databases()))
