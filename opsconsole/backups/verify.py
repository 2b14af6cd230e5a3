"""Verify a backup: its hashes, and a restore into a scratch database that is then compared.

A backup that cannot be read here, for it is encrypted and no identity is at hand, is verified by
its hashes alone, and the outcome says so.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.utils.timezone import now
from django.utils.translation import gettext as _
from psycopg import sql

from opsconsole.backups import alone, copies, manifest, places
from opsconsole.backups.manifest import Manifest, ManifestError
from opsconsole.gateways import age, archives, disks, redis_data
from opsconsole.gateways.postgres import contents, dumps
from opsconsole.gateways.postgres.server import Locked, PostgresError, Server, explained
from opsconsole.gateways.stores import StoreError
from opsconsole.models import LOCAL, Backup, BackupCopy, Caller, Event, Verification

MOST_NAMED = 10
"""Faults or tables that a check names; the others are counted."""
DAMAGE = {"manifest", "files"}
"""Checks whose failure means that the files are no longer those that were once verified."""
Say = Callable[[float, str], object]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was seen."""

    name: str
    ok: bool
    says: str


@dataclass
class Report:
    """All checks; `restore_seconds` is None where nothing was restored."""

    id: str = ""
    checks: list[Check] = field(default_factory=list)
    restore_seconds: float | None = None
    read: bool = False
    """Whether the parts themselves were read, and not only their hashes compared."""

    @property
    def ok(self) -> bool:
        """Whether all is well, as far as it could be seen."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def damaged(self) -> bool:
        """Whether files are missing or changed."""
        return any(check.name in DAMAGE and not check.ok for check in self.checks)

    @property
    def reason(self) -> str:
        """What the checks that failed say."""
        return "; ".join(f"{check.name}: {check.says}" for check in self.checks if not check.ok)

    def add(self, name: str, faults: list[str], good: str) -> bool:
        """Write down a check; returns whether there was no fault."""
        self.checks.append(Check(name, not faults, _some(faults) if faults else good))
        return not faults


def _some(faults: list[str]) -> str:
    more = len(faults) - MOST_NAMED
    named = "; ".join(faults[:MOST_NAMED])
    return named + _(" and %d more") % more if more > 0 else named


def verify(
    backup: Backup,
    *,
    store: str = LOCAL,
    identity: Path | None = None,
    caller: Caller,
    say: Say = lambda fraction, stage: None,
) -> Verification:
    """Verify the backup as it lies in the store, and write down what was seen.

    Raises StoreError, PostgresError, AgeError and OSError where it could not be looked at.
    """
    began = monotonic()
    with ExitStack() as stack:
        if store == LOCAL:
            folder = places.folder(backup)
        else:
            folder = stack.enter_context(alone.partial_folder(f"{backup.name}.{store}"))
            say(0.0, _("reading from %s") % store)
            copies.fetch(backup, store, folder, partial(_fetched, say, store))
        report = verify_folder(
            folder, identity=identity, server=Server.from_settings(), say=say, row=backup
        )
    return record(backup, report, store=store, caller=caller, seconds=monotonic() - began)


def _fetched(say: Say, store: str, moved: int) -> None:
    say(0.1, _("reading from %s") % store)


def record(
    backup: Backup, report: Report, *, store: str = LOCAL, caller: Caller, seconds: float
) -> Verification:
    """Write the outcome down, with its event; the backup is verified, or no longer so."""
    verification = Verification.objects.create(
        backup=backup,
        store=store,
        seconds=seconds,
        restore_seconds=report.restore_seconds,
        ok=report.ok,
        complete=report.read,
        checks=[asdict(check) for check in report.checks],
    )
    if report.ok and report.read:
        backup.verified_at, backup.verify_seconds = now(), report.restore_seconds
        backup.save(update_fields=["verified_at", "verify_seconds"])
    elif report.damaged:
        _distrust(backup, store, report.reason)
    Event.objects.record(
        "backup.verified" if report.ok else "backup.verification_failed",
        backup,
        caller,
        result="ok" if report.ok else "failed",
        store=store,
        complete=report.read,
        reason=report.reason[:500],
    )
    return verification


def _distrust(backup: Backup, store: str, reason: str) -> None:
    """What was verified once is no longer what lies there."""
    BackupCopy.objects.filter(backup=backup, store=store).update(
        status=BackupCopy.Status.FAILED, reason=reason[:500], checked_at=now()
    )
    if store == LOCAL:
        backup.verified_at = None
        backup.save(update_fields=["verified_at"])


def verify_folder(
    folder: Path,
    *,
    identity: Path | None = None,
    server: Server,
    say: Say = lambda fraction, stage: None,
    row: Backup | None = None,
) -> Report:
    """Verify the backup in this folder, which may come from anybody.

    `server` is where the scratch database is made. `row` is what is known of the backup, where
    something is. Raises PostgresError where no scratch database could be made, and AgeError where
    the identity is no identity; what is wrong with the backup is in the report.
    """
    report = Report()
    document = _manifest(folder, row, report)
    report.id = document["id"] if document else ""
    if document is None or not _files(folder, document, report, say):
        return report
    if document["encryption"] is None:
        _read(folder, document, server, report, say)
    elif identity is None:
        says = _("encrypted, and no identity was given: only the hashes were compared")
        report.checks.append(Check("restore", True, says))
    else:
        with _decrypted(folder, document, identity, report, say) as plain:
            if plain:
                _read(plain, document, server, report, say)
    return report


def _manifest(folder: Path, row: Backup | None, report: Report) -> Manifest | None:
    try:
        document = manifest.read(folder)
    except ManifestError as error:
        report.add("manifest", [str(error)], "")
        return None
    faults = []
    if row and row.manifest and row.manifest != document:
        faults.append(_("it is not the one that was written when the backup was made"))
    return document if report.add("manifest", faults, _("readable, of format 1")) else None


def _files(folder: Path, document: Manifest, report: Report, say: Say) -> bool:
    faults = [_("%s is not in the manifest") % path for path in manifest.unlisted(folder, document)]
    for part in document["parts"]:
        stage = _("comparing hashes of %s") % part["name"]
        faults += manifest.faults(folder, part, partial(say, 0.2, stage))
    size = sum(part["bytes"] for part in document["parts"])
    return report.add("files", faults, _("%d bytes have the hashes of the manifest") % size)


@contextmanager
def _decrypted(
    folder: Path, document: Manifest, identity: Path, report: Report, say: Say
) -> Iterator[Path | None]:
    keys = age.identities(identity)
    with alone.partial_folder(f"{document['name']}.plain") as plain:
        disks.require(plain.parent, sum(part["bytes"] for part in document["parts"]))
        try:
            plain.mkdir(mode=0o700)
            for part in document["parts"]:
                for file in part["files"]:
                    target = plain / file["path"].removesuffix(age.SUFFIX)
                    target.parent.mkdir(mode=0o700, exist_ok=True)
                    stage = _("decrypting %s") % part["name"]
                    age.decrypt(folder / file["path"], target, keys, partial(say, 0.3, stage))
        except age.AgeError as error:
            report.add("decryption", [str(error)], "")
            yield None
            return
        report.add("decryption", [], _("opened by the identity"))
        yield plain


def _read(folder: Path, document: Manifest, server: Server, report: Report, say: Say) -> None:
    """Read every part, the database by restoring it."""
    report.read = True
    for part in document["parts"]:
        path = folder / manifest.PLACES[part["name"]]
        if part["name"] == "database":
            _database(path, document, server, report, say)
        elif part["name"] == "redis":
            _redis(path, report)
        else:
            _archive(path, part, report, say)


def _archive(path: Path, part: manifest.Part, report: Report, say: Say) -> None:
    faults, count = [], 0
    stage = _("reading %s") % part["name"]
    try:
        count = sum(1 for _entry in archives.names(path, lambda: say(0.95, stage)))
    except (archives.ArchiveError, OSError) as error:
        faults.append(str(error))
    if not faults and count != part.get("entries", count):
        words = {"count": count, "wanted": part.get("entries")}
        faults.append(_("%(count)d files, and not %(wanted)d") % words)
    report.add(part["name"], faults, _("%d files can be read") % count)


def _redis(path: Path, report: Report) -> None:
    try:
        redis_data.check(path)
    except (redis_data.RedisError, OSError) as error:
        report.add("redis", [str(error)], "")
    else:
        report.add("redis", [], _("whole"))


def _database(dump: Path, document: Manifest, server: Server, report: Report, say: Say) -> None:
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
    report.add("tables", faults, _("%(tables)d tables with %(rows)d rows are the same") % words)
    applied = contents.migrations(connection)
    _migrations(applied, document, report)
    report.add("application", _questions(connection, applied, document), _("it reads its tables"))


def _difference(
    name: str, expected: dict[str, contents.Contents], restored: dict[str, contents.Contents]
) -> str:
    if name not in restored or name not in expected:
        return _("%s is in one of the two only") % name
    if restored[name]["rows"] != expected[name]["rows"]:
        words = {"name": name, "rows": restored[name]["rows"], "wanted": expected[name]["rows"]}
        return _("%(name)s has %(rows)d rows and not %(wanted)d") % words
    return "" if restored[name] == expected[name] else _("%s has other content") % name


def _migrations(applied: dict[str, list[str]], document: Manifest, report: Report) -> None:
    faults = []
    if applied != document["product"]["migrations"]:
        faults.append(_("they are not those of the manifest"))
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = sorted(_labels(applied) - known)
    faults += [
        _("%s is not known here: the backup is of a later version") % name for name in unknown
    ]
    behind = len(known - _labels(applied))
    good = _("all known; %d are newer than the backup") % behind if behind else _("all known")
    report.add("migrations", faults, good)


def _labels(applied: dict[str, list[str]]) -> set[str]:
    return {f"{app}.{name}" for app, names in applied.items() for name in names}


def _questions(
    connection: "psycopg.Connection[Any]", applied: dict[str, list[str]], document: Manifest
) -> list[str]:
    """What the application would ask: a row of each table with all columns, and its own id."""
    faults: list[str] = []
    if _labels(applied) == set(map(".".join, MigrationLoader(None).disk_migrations)):
        for model in apps.get_models():
            if model._meta.managed and not model._meta.proxy:
                faults += _asked(connection, model)
    row = connection.execute("SELECT uid::text FROM opsconsole_installation").fetchone()
    if not row or row[0] != document["installation"]:
        faults.append(_("it is not the installation of the manifest"))
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


FAILURES = (StoreError, PostgresError, age.AgeError, disks.DiskFull, OSError, Locked)
"""What `verify` raises where a backup could not be looked at."""
