"""Restores that replace nothing: selected tables in a database of their own, and a scrubbed copy.

Each gets its final name only when it is complete: what a process that was killed leaves behind is
called unfinished, and the next try drops it.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from psycopg import sql

from opsconsole.backups.manifest import Manifest
from opsconsole.backups.parts import opened
from opsconsole.backups.preparation import (
    RestoreError,
    compare,
    ready,
    refuse_later_version,
)
from opsconsole.gateways.postgres import dumps
from opsconsole.gateways.postgres.server import Server, explained
from opsconsole.models import Caller, Event
from pmscoring.base.progress import Say
from pmscoring.base.refusals import Refused

UNFINISHED = "_unfinished"
NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
TARGETS = ("development", "staging", "test")
"""Kinds of environments that a copy may be made for; production is none."""
TAKEN = {"postgres", "template0", "template1"}


def tables(
    folder: Path,
    *,
    names: Sequence[str],
    into: str,
    identity: Path | None = None,
    caller: Caller,
    say: Say,
) -> dict[str, Any]:
    """Restore these tables into the new database `into`, without indexes, keys and triggers.

    Raises Refused, and what a restore raises.
    """
    if not NAME.fullmatch(into) or into in TAKEN:
        raise Refused(_("%s is not a valid name for a new database") % into)
    with _made(into) as server, _dump(folder, identity) as (dump, manifest):
        if unknown := sorted(set(names) - manifest["tables"].keys()):
            raise Refused(_("the backup has no table %s") % ", ".join(unknown))
        say(0.2, _("restoring the tables"))
        dumps.restore(server, dump, jobs=settings.BACKUP_JOBS, tables=names)
        say(0.8, _("comparing"))
        rows = {name: _rows(server, name) for name in names}
        _compare_rows(rows, manifest["tables"])
    _record("restore.tables", caller, backup=folder.name, database=into, tables=list(names))
    say(1.0, _("done"))
    return {"database": into, "tables": rows}


def clone(
    folder: Path, *, to: str, identity: Path | None = None, caller: Caller, say: Say
) -> dict[str, Any]:
    """Restore the database into one of its own for the environment `to`, without personal data.

    Accounts cannot sign in, and there are no tokens, sessions, plans, channels and files. Raises
    Refused, and what a restore raises.
    """
    if to not in TARGETS:
        words = {"name": to, "kinds": ", ".join(TARGETS)}
        raise Refused(_("%(name)s cannot be the target of a copy; choose from: %(kinds)s") % words)
    name = f"{Server.from_settings().database}_{to}"
    with _made(name) as server:
        report = restore_scrubbed(folder, server, identity=identity, say=say)
    _record("restore.cloned", caller, backup=folder.name, database=name, target=to)
    say(1.0, _("done"))
    return {"database": name, **report}


def restore_scrubbed(
    folder: Path, server: Server, *, identity: Path | None, say: Say
) -> dict[str, Any]:
    """Restore into this empty database, compare, and replace what is personal.

    Returns {rows, scrubbed, deleted_by_date}. Raises what a restore raises.
    """
    with _dump(folder, identity) as (dump, manifest):
        say(0.1, _("restoring the database"))
        dumps.restore(server, dump, jobs=settings.BACKUP_JOBS)
        refuse_later_version(server)
        compare(server, manifest["tables"], lambda done, table: say(0.4 + 0.3 * done, table))
    say(0.7, _("replacing personal data"))
    with tempfile.TemporaryDirectory() as no_files:
        report = ready(server, Path(no_files), lambda: None, "--scrub")
    return {word: report[word] for word in ("rows", "scrubbed", "deleted_by_date")}


@contextmanager
def _made(name: str) -> Iterator[Server]:
    """A new database that has its name when the block has ended well, and is dropped else."""
    server = Server.from_settings()
    if server.exists(name):
        raise Refused(_("the database %s exists already; drop it first") % name)
    unfinished = f"{name}{UNFINISHED}"
    # The lock is one of the final name: of two that make it the second is told.
    with server.lock(name):
        server.drop(unfinished)
        server.create(unfinished)
        try:
            yield server.named(unfinished)
            server.rename(unfinished, name)
        except BaseException:
            server.drop(unfinished)
            raise


@contextmanager
def _dump(folder: Path, identity: Path | None) -> Iterator[tuple[Path, Manifest]]:
    with (
        tempfile.TemporaryDirectory(prefix="pmscoring-") as scratch,
        opened(folder, identity, Path(scratch) / "parts", ["database"], lambda: None) as (
            parts,
            manifest,
        ),
    ):
        yield parts / "database", manifest


def _rows(server: Server, table: str) -> int:
    with server.connect() as connection, explained():
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _compare_rows(rows: Mapping[str, int], expected: Mapping[str, Any]) -> None:
    """Without its primary key a table has no order, and so no digest."""
    if different := [name for name, count in rows.items() if count != expected[name]["rows"]]:
        raise RestoreError(_("these tables differ from the manifest: %s") % ", ".join(different))


def _record(deed: str, caller: Caller, **details: Any) -> None:
    with transaction.atomic():
        Event.objects.record(deed, None, caller, **details)
