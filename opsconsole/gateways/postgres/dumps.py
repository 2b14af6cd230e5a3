"""Dumps of a database in pg_dump's directory format: one file for each table, several at a time."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _

from opsconsole.gateways import shell
from opsconsole.gateways.postgres.server import PostgresError, Server, explained, program
from pmscoring.base.progress import Alive

CONTENTS = "toc.dat"
LOCK_WAIT = "10min"
COMPRESSIONS = ("zstd:1", "1")
"""From the fastest on. The last one is gzip, as every version can write it."""


def refuse_older_client(server: Server) -> None:
    """pg_dump reads no server that is newer than itself; raises PostgresError."""
    ours, theirs = server.client_version(), server.version()
    if ours < theirs:
        words = {"ours": ours, "theirs": theirs}
        raise PostgresError(
            _("pg_dump is of version %(ours)d, older than the server's %(theirs)d") % words
        )


def dump(
    server: Server,
    folder: Path,
    *,
    snapshot: str,
    jobs: int = 1,
    alive: Alive | None = None,
    warn: Callable[[str], object] = lambda says: None,
) -> None:
    """Dump the database as the snapshot shows it into the new `folder`, which is then on the disk.

    Raises PostgresError, also where pg_dump exits with 0 and yet speaks of an error, and where a
    file is empty.
    """
    refuse_older_client(server)
    said: list[str] = []
    server.tool(
        "pg_dump",
        "--format=directory",
        f"--file={folder}",
        f"--jobs={jobs}",
        f"--compress={compression(program('pg_dump'))}",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_WAIT}",
        alive=alive,
        warn=said.append,
    )
    if any("error:" in line for line in said):
        raise PostgresError("pg_dump: " + "\n".join(said))
    for line in said:
        warn(line)
    check(folder)


def check(folder: Path) -> None:
    """Raise PostgresError unless the list of contents is readable and every file has something."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if CONTENTS not in {file.name for file in files}:
        raise PostgresError(_("%s is missing: this is not a dump") % CONTENTS)
    for file in files:
        if not file.stat().st_size:
            raise PostgresError(_("%s is empty") % file.name)
    listing(folder)


def listing(folder: Path) -> str:
    """What pg_restore says is in the dump."""
    with explained():
        return shell.run([program("pg_restore"), "--list", str(folder)], timeout=300)


def read_through(folder: Path, *, alive: Alive | None = None) -> None:
    """Decompress every table and throw it away: finds what was cut off or changed."""
    with explained():
        shell.run([program("pg_restore"), "--file=/dev/null", str(folder)], alive=alive)


def restore(
    server: Server,
    folder: Path,
    *,
    jobs: int = 1,
    tables: Iterable[str] = (),
    alive: Alive | None = None,
) -> None:
    """Restore into the server's database, which is empty; the first error ends it."""
    server.tool(
        "pg_restore",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        f"--jobs={jobs}",
        *(f"--table={table}" for table in tables),
        str(folder),
        alive=alive,
    )


@cache
def compression(path: str) -> str:
    """The fastest compression that this pg_dump was built with.

    It looks at the option before it connects, so the tries fail either for that or for the server
    that is not there.
    """
    for choice in COMPRESSIONS[:-1]:
        try:
            argv = [path, f"--compress={choice}", "--host=/nonexistent", "--file=/dev/null"]
            shell.run(argv, timeout=30)
        except shell.ShellError as error:
            if "connection" in error.says:
                return choice
    return COMPRESSIONS[-1]
