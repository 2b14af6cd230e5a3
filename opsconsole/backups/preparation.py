"""Everything of a restore that is done beside the live data, which it does not touch."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.backups import readied, versions
from opsconsole.backups.journal import Journal, State
from opsconsole.backups.media import Media, missing_and_orphans
from opsconsole.backups.parts import opened
from opsconsole.gateways import archives, shell
from opsconsole.gateways.postgres import dumps
from opsconsole.gateways.postgres.contents import contents, migrations
from opsconsole.gateways.postgres.server import Server
from opsconsole.gateways.postgres.swap import Swap
from opsconsole.models import Restore
from pmscoring.base.progress import Say

NO_REDIS = "redis://127.0.0.1:1/0"
"""Nothing listens there: a message that is sent from a database beside the live one is lost."""


class RestoreError(Exception):
    """The backup cannot be restored; the message says why. Live data are as they were."""


@dataclass
class Work:
    """One restore at work: what it works with, and how it speaks."""

    restore: Restore
    journal: Journal
    server: Server
    swap: Swap
    media: Media
    say: Say

    @property
    def new(self) -> Server:
        """The server, at the new database."""
        return self.server.named(self.journal.names.new)

    def tell(self, fraction: float, note: str) -> None:
        """Heartbeat and progress, before the live database closes."""
        if self.restore.pk:
            self.restore.beat(stage=note[:100], fraction=fraction)
        self.say(fraction, note)

    def comparing(self, fraction: float, table: str) -> None:
        """Progress of the comparison, which is the middle of the work."""
        self.tell(0.5 + 0.25 * fraction, _("comparing %s") % table)

    def alive(self) -> None:
        """Heartbeat."""
        if self.restore.pk:
            self.restore.beat()

    def step(self, status: str) -> None:
        """The next state, where there is a row to keep it."""
        if self.restore.pk:
            self.restore.step(status)


def prepare_previous(work: Work, old: Restore) -> None:
    """Ready a copy of the database and the files that the restore `old` replaced.

    A copy, so that they are still there where this one is undone.
    """
    _begin(work)
    work.tell(0.2, _("copying the previous database"))
    work.server.copy(old.previous, work.journal.names.new)
    work.media.stage(Media(work.media.root, str(old.uid)[:8]).previous)
    work.step(Restore.Status.CHECKING)
    work.tell(0.75, _("migrating, and deleting what was due"))
    work.journal.report = ready(work.new, work.media.files, work.alive)


def _begin(work: Work) -> None:
    work.media.make()
    work.journal.write(work.media.root, State.PREPARING)
    work.step(Restore.Status.RESTORING)


def prepare(work: Work, find: Callable[[], Path], identity: Path | None = None) -> None:
    """Restore, compare and ready what `find` finds; raises the failures of the gateways."""
    _begin(work)
    work.tell(0.15, _("reading the backup"))
    with opened(find(), identity, work.media.staging / "parts", work.journal.parts, work.alive) as (
        parts,
        manifest,
    ):
        if work.journal.has_database:
            _read_database(work, parts / "database")
        if "uploads" in work.journal.parts:
            archives.unpack(parts / "uploads.tar", work.media.files, work.alive)
    work.step(Restore.Status.CHECKING)
    if work.journal.has_database:
        compare(work.new, manifest["tables"], work.comparing)
        if "uploads" not in work.journal.parts:
            # Deletions that are due apply to the live files too, which stay until the swap.
            work.media.stage_live()
        work.tell(0.75, _("migrating, and deleting what was due"))
        work.journal.report = ready(work.new, work.media.files, work.alive)
    else:
        work.journal.report = _files_alone(work)
    work.journal.report["snapshot_at"] = manifest.get("snapshot_at")


def _read_database(work: Work, dump: Path) -> None:
    work.tell(0.2, _("restoring the database"))
    work.server.create(work.journal.names.new)
    dumps.restore(work.new, dump, jobs=settings.BACKUP_JOBS, alive=work.alive)
    refuse_later_version(work.new)


def compare(
    server: Server, expected: Mapping[str, Any], say: Callable[[float, str], object]
) -> None:
    """Rows and digests of each table with what a manifest says; raises RestoreError."""
    with server.connect() as connection:
        restored = contents(connection, say)
    names = sorted(expected.keys() | restored.keys())
    if different := [name for name in names if expected.get(name) != restored.get(name)]:
        raise RestoreError(_("these tables differ from the manifest: %s") % ", ".join(different))


def ready(server: Server, files: Path, alive: Callable[[], object], *options: str) -> Any:
    """Run `manage.py restored` on this database and these files; returns its report.

    A process of its own, since settings name one database. It is given no secret but the file of
    the database's password, and no broker. Raises ShellError.
    """
    return managed(server, ["restored", *options], {"UPLOADS_DIR": str(files)}, alive)


def managed(
    server: Server, words: Sequence[str], places: Mapping[str, str], alive: Callable[[], object]
) -> Any:
    """The document that a command of manage.py prints on this database; raises ShellError."""
    with server.passfile() as environment:
        said = shell.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
            env={
                **environment,
                "DATABASE_URL": replace(server, password="").url,
                "REDIS_URL": NO_REDIS,
                "VAR_DIR": str(settings.VAR_DIR),
                "VERSION": settings.VERSION,
                "TIME_ZONE": settings.TIME_ZONE,
                "LOG_LEVEL": "ERROR",
                **places,
            },
            alive=alive,
        )
    return json.loads(said.splitlines()[-1])


def refuse_later_version(server: Server) -> None:
    """Raise RestoreError where the database has migrations that this version does not."""
    with server.connect() as connection:
        applied = migrations(connection)
    if not applied:
        raise RestoreError(_("the backup has no table %s") % "django_migrations")
    unknown, _newer = versions.compared(applied)
    if unknown:
        names = ", ".join(unknown[:5])
        raise RestoreError(_("it was made by a later version, with these migrations: %s") % names)


def _files_alone(work: Work) -> dict[str, Any]:
    """Only files that a row of the live database names come back: others were deleted on purpose.

    Live files that the backup lacks stay.
    """
    missing, orphans = missing_and_orphans(work.media.files)
    work.media.unstage(orphans)
    work.media.stage_live()
    missing, _orphans = missing_and_orphans(work.media.files)
    named = readied.named("missing_files", missing) | readied.named("orphan_files", orphans)
    return {"deleted_by_date": [], "rows": 0, **named}
