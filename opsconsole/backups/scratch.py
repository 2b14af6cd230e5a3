"""A dump restored into a scratch database, and compared with what the manifest says of it."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from psycopg import sql

from opsconsole.backups import alone, versions
from opsconsole.backups.manifest import Manifest
from opsconsole.backups.report import Report
from opsconsole.gateways.postgres import contents, dumps
from opsconsole.gateways.postgres.server import PostgresError, Server, explained
from pmscoring.base.progress import Say


def restored_and_compared(
    dump: Path, document: Manifest, server: Server, report: Report, say: Say
) -> None:
    """Restore into a scratch database and compare it; the time of the restore is measured."""
    with alone.scratch_database(server, uuid4().hex[:8]) as scratch:
        stage, began = _("restoring into a scratch database"), monotonic()
        say(0.4, stage)
        try:
            jobs = settings.BACKUP_JOBS
            dumps.restore(scratch, dump, jobs=jobs, alive=lambda: say(0.4, stage))
        except PostgresError as error:
            report.add("restore", [str(error)], "")
            return
        report.restore_seconds = monotonic() - began
        report.add("restore", [], _("restored in %.1f s") % report.restore_seconds)
        with scratch.connect() as connection:
            _compare(connection, document, report, say)


def _compare(
    connection: "psycopg.Connection[Any]", document: Manifest, report: Report, say: Say
) -> None:
    def tell(fraction: float, table: str) -> None:
        say(0.7 + 0.2 * fraction, _("comparing %s") % table)

    restored, expected = contents.contents(connection, tell), document["tables"]
    names = sorted(expected.keys() | restored.keys())
    faults = [fault for name in names if (fault := _difference(name, expected, restored))]
    words = {"tables": len(restored), "rows": sum(table["rows"] for table in restored.values())}
    report.add("tables", faults, _("%(tables)d tables with %(rows)d rows match") % words)
    applied = contents.migrations(connection)
    is_of_this_version = _migrations(applied, document, report)
    faults = _questions(connection, document, every_table=is_of_this_version)
    report.add("application", faults, _("the application can read its tables"))


def _difference(
    name: str, expected: dict[str, contents.Contents], restored: dict[str, contents.Contents]
) -> str:
    if name not in restored or name not in expected:
        return _("%s is missing on one side") % name
    if restored[name]["rows"] != expected[name]["rows"]:
        words = {"name": name, "rows": restored[name]["rows"], "wanted": expected[name]["rows"]}
        return _("%(name)s has %(rows)d rows instead of %(wanted)d") % words
    return "" if restored[name] == expected[name] else _("%s has different content") % name


def _migrations(applied: dict[str, list[str]], document: Manifest, report: Report) -> bool:
    """Whether the database has exactly the tables of this version."""
    faults = []
    if applied != document["product"]["migrations"]:
        faults.append(_("they differ from those in the manifest"))
    unknown, newer = versions.compared(applied)
    faults += [
        _("%s is not known here: the backup is of a later version") % name for name in unknown
    ]
    good = _("all known; %d are newer than the backup") % len(newer) if newer else _("all known")
    report.add("migrations", faults, good)
    return not unknown and not newer


def _questions(
    connection: "psycopg.Connection[Any]", document: Manifest, *, every_table: bool
) -> list[str]:
    """What the application would ask: a row of each table with all columns, and its own id."""
    faults: list[str] = []
    if every_table:
        for model in apps.get_models():
            if model._meta.managed and not model._meta.proxy:
                faults += _asked(connection, model)
    row = connection.execute("SELECT uid::text FROM opsconsole_installation").fetchone()
    if not row or row[0] != document["installation"]:
        faults.append(_("the installation differs from the one in the manifest"))
    return faults


def _asked(connection: "psycopg.Connection[Any]", model: type[models.Model]) -> Iterator[str]:
    columns = [str(field.column) for field in model._meta.local_concrete_fields]
    query = sql.SQL("SELECT {} FROM {} LIMIT 1").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(model._meta.db_table)
    )
    try:
        with explained():
            connection.execute(query)
    except PostgresError as error:
        yield f"{model._meta.db_table}: {error}"
