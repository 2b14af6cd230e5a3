"""Restore a backup: into a new database beside the live one, looked at, and swapped by a rename.

1. A safety backup of what is live, unless a reason is given to go without.
2. The dump is restored into a database of its own and the files are unpacked beside the live ones.
   Rows and digests are compared with the manifest. The new database is migrated, and what was due
   for deletion since the snapshot is deleted (readied.py). Nothing live has been touched so far.
3. The application is held, and the live database closed. What the restore must not turn back, the
   console's own tables, is carried over (history.py); the files are exchanged (media.py); one
   transaction renames the databases (gateways/postgres/swap.py). It is the point of no return.
4. The row and the entry "restored here" are written, and the hold ends. The old database and the
   old files are kept until a person drops them.

Where it fails it is undone or finished by recovery.py, in this process or a later one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.backups import copies, manifest, places, recovery, room, take
from opsconsole.backups.journal import Journal
from opsconsole.backups.manifest import ManifestError
from opsconsole.backups.media import Media
from opsconsole.backups.preparation import RestoreError, Work, prepare, prepare_previous
from opsconsole.backups.takeover import take_over
from opsconsole.environments.windows import refuse_in_window
from opsconsole.gateways import disks, shell
from opsconsole.gateways.age import AgeError
from opsconsole.gateways.archives import ArchiveError
from opsconsole.gateways.postgres.server import Locked, PostgresError, Server
from opsconsole.gateways.postgres.swap import swapping
from opsconsole.gateways.stores import StoreError
from opsconsole.models import (
    LOCAL,
    Backup,
    BackupCopy,
    Caller,
    Deployment,
    Event,
    Installation,
    Restore,
)
from opsconsole.models.events import SYSTEM
from pmscoring.base import hold
from pmscoring.base.jobs import LONGEST_REASON
from pmscoring.base.progress import Say
from pmscoring.base.refusals import Busy, Refused

PARTS = ("database", "uploads")
"""What of a backup can be restored by this; the other parts are for people to read."""
UNTRUSTED = (Backup.Origin.UPLOADED, Backup.Origin.FOUND)
FAILURES = (
    RestoreError,
    ManifestError,
    PostgresError,
    ArchiveError,
    AgeError,
    StoreError,
    disks.DiskFull,
    shell.ShellError,
    OSError,
)
"""What may go wrong without anything being wrong with this program."""
HAS_TABLES = """
SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def request(
    backup: Backup,
    *,
    caller: Caller,
    parts: list[str] | None = None,
    safety: bool = True,
    why: str = "",
) -> Restore:
    """Ask for a restore, which a worker does; raises Refused and Busy."""
    parts = _checked(parts)
    # One that failed for want of a store was verified, and is whole where it was made.
    if backup.removing_at or (backup.status == Backup.Status.FAILED and not backup.verified_at):
        raise Refused(_("the files of this backup are gone"))
    if backup.status in Backup.unfinished_states():
        raise Refused(_("this backup is still being made"))
    if backup.is_encrypted:
        raise Refused(_("it is encrypted: restore it by the command `restore` with --identity"))
    if backup.origin in UNTRUSTED and not backup.verified_at and not why:
        raise Refused(_("it came from elsewhere and was never verified; a reason overrides this"))
    with transaction.atomic():
        # Of two requests at once the second waits here, and then sees the first one's row.
        Installation.objects.locked()
        return _requested(backup.name, parts, caller, safety, why, backup)


def run(restore: Restore, say: Say) -> None:
    """Do a requested restore; a failure is written into its row, and raised."""
    restore.claim(started_at=now())
    with restore.in_its_language():
        _do(
            restore,
            _asked_by(restore),
            say,
            lambda work: prepare(work, lambda: _folder(work)),
            lambda: _require_room(restore, None),
        )


def _asked_by(restore: Restore) -> Caller:
    """Who asked for it, by which door and from where, as the event of the request says."""
    requests = Event.objects.filter(deed="restore.requested", object_id=str(restore.pk))
    event = requests.order_by("number").last()
    return Caller(event.actor, event.source, event.address) if event else SYSTEM


def restore_now(
    folder: Path | None,
    backup: Backup | None = None,
    *,
    caller: Caller,
    parts: list[str] | None = None,
    identity: Path | None = None,
    safety: bool = True,
    why: str = "",
    say: Say,
) -> Restore:
    """Restore what is in `folder`, or `backup`, in this process.

    Where the live database is missing, empty or broken the restore has no row until it is done.
    Raises Refused, Busy and FAILURES.
    """
    parts = _checked(parts)
    recovery.recover()
    name = folder.resolve().name if folder else str(backup)
    try:
        with transaction.atomic():
            Installation.objects.locked()
            known = backup or Backup.objects.filter(name=name).first()
            restore = _requested(name, parts, caller, safety, why, known)
            # Before anybody else can see it waiting.
            restore.claim(started_at=now())
    except DatabaseError:
        recovery.forget_connections()
        restore = Restore(
            backup_name=name, parts=parts, safety=safety, why=why, requested_by=caller.name
        )
    find = (lambda work: folder) if folder else _folder
    _do(
        restore,
        caller,
        say,
        lambda work: prepare(work, lambda: find(work), identity),
        lambda: _require_room(restore, folder),
    )
    return Restore.objects.get(uid=restore.uid)


def go_back(
    old: Restore, *, caller: Caller, safety: bool = True, why: str = "", say: Say
) -> Restore:
    """Restore the database and the files that `old` replaced, in this process.

    Raises Refused, Busy and FAILURES.
    """
    if not old.previous or old.previous_dropped_at:
        raise Refused(_("this restore kept no database to go back to"))
    recovery.recover()
    with transaction.atomic():
        Installation.objects.locked()
        restore = _requested(old.previous, list(PARTS), caller, safety, why, None)
        restore.claim(started_at=now())
    _do(
        restore,
        caller,
        say,
        lambda work: prepare_previous(work, old),
        lambda: _require_room_for_previous(old),
    )
    return Restore.objects.get(uid=restore.uid)


def drop_previous(restore: Restore, *, caller: Caller) -> None:
    """Drop the database and the files whose place the restore took; raises Refused."""
    if restore.status != Restore.Status.DONE or restore.previous_dropped_at:
        raise Refused(_("this restore kept nothing that could be dropped"))
    server = Server.from_settings()
    if restore.previous:
        server.drop(restore.previous)
    Media(Path(settings.MEDIA_ROOT), str(restore.uid)[:8]).remove_previous()
    with transaction.atomic():
        Restore.objects.filter(pk=restore.pk).update(previous_dropped_at=now())
        Event.objects.record("previous.dropped", restore, caller, database=restore.previous)


def _checked(parts: list[str] | None) -> list[str]:
    chosen = [part for part in PARTS if parts is None or part in parts]
    if not chosen or (parts and set(parts) - set(PARTS)):
        raise Refused(_("only these can be restored: %s") % ", ".join(PARTS))
    return chosen


def _requested(
    name: str, parts: list[str], caller: Caller, safety: bool, why: str, backup: Backup | None
) -> Restore:
    refuse_in_window(why)
    if not safety and not why:
        raise Refused(_("a restore without a safety backup needs a reason"))
    if other := Restore.objects.unfinished().first():
        raise Busy(_("another restore is under way: %s") % other)
    if deployment := Deployment.objects.driven().filter(environment__is_here=True).first():
        raise Busy(_("a deployment is under way: %s") % deployment)
    restore = Restore.objects.create(
        backup=backup,
        backup_name=name,
        parts=parts,
        safety=safety,
        why=why,
        requested_by=caller.name,
        language=translation.get_language() or settings.LANGUAGE_CODE,
    )
    Event.objects.record(
        "restore.requested", restore, caller, parts=parts, safety=safety, why=why, backup=name
    )
    return restore


def _do(
    restore: Restore,
    caller: Caller,
    say: Say,
    ready: Callable[[Work], None],
    require_room: Callable[[], None],
) -> None:
    """The whole story; `ready` makes the new database and stages the files."""
    restore.started_at = restore.started_at or now()
    try:
        require_room()
        _make_safe(restore, caller, say)
        require_room()  # The safety backup may lie on the same disk.
        server = Server.from_settings()
        journal = Journal.of(restore, server.database, caller)
        with swapping(server, journal.names) as swap:
            media = journal.media(Path(settings.MEDIA_ROOT))
            work = Work(restore, journal, server, swap, media, say)
            with _settled(work):
                ready(work)
            with hold.held(), _settled(work):
                take_over(work)
    except Locked as error:
        _fail(restore, caller, error)
        raise Busy(str(error)) from error
    except Exception as error:
        _fail(restore, caller, error)
        raise
    say(1.0, _("done"))


@contextmanager
def _settled(work: Work) -> Iterator[None]:
    """Undo the restore where the block fails before its commit; finish it where it fails later.

    Ctrl-C counts as a failure. What cannot be settled now is left to recovery.
    """
    try:
        yield
    except BaseException as error:
        reason = str(error) or type(error).__name__
        try:
            is_committed = recovery.is_committed(work.swap, work.journal)
            recovery.settle(work.swap, work.journal, reason)
        except FAILURES:
            # The connection with the lock is broken, most likely: another one may have it by now.
            with suppress(Locked):
                recovery.recover(work.server)
            raise error from None
        if not is_committed:
            raise


def _require_room(restore: Restore, folder: Path | None) -> None:
    """Raise DiskFull; what is wrong with the backup itself is found when it is read."""
    backup = restore.backup
    place = folder or (places.folder(backup) if backup else None)
    is_here = place is not None and place.is_dir()
    if place and is_here:
        document = manifest.read(place)
    elif backup and backup.manifest:
        document = manifest.checked(backup.manifest)
    else:
        return  # There are no files, which is said when they are looked for.
    uploads = Path(settings.MEDIA_ROOT)
    room.require(Server.from_settings(), uploads, document, restore.parts, is_here=is_here)


def _require_room_for_previous(old: Restore) -> None:
    disks.require(Path(settings.MEDIA_ROOT), Server.from_settings().size_of(old.previous))


def _fail(restore: Restore, caller: Caller, error: Exception) -> None:
    """Write the failure of a restore that did not come as far as a journal."""
    with suppress(DatabaseError), transaction.atomic():
        row = Restore.objects.filter(uid=restore.uid).first()
        if row and row.status in Restore.working_states():
            reason = str(error)[:LONGEST_REASON]
            row.become(Restore.FAILED, reason=reason, **row.at_end())
            Event.objects.record("restore.failed", row, caller, result="failed", reason=reason)


def _folder(work: Work) -> Path:
    """The backup's folder here; or its copy in a store, read into the staging folder."""
    backup = work.restore.backup
    if backup is None:
        raise RestoreError(_("this backup is no longer in the catalogue"))
    if places.folder(backup).is_dir():
        return places.folder(backup)
    # One that was found in a store waits until somebody has read it, as is done here.
    readable = (BackupCopy.Status.STORED, BackupCopy.Status.WAITING)
    for copy in backup.copies.filter(status__in=readable).exclude(store=LOCAL):
        target = work.media.staging / "fetched"
        work.tell(0.13, _("reading it from the store %s") % copy.store)
        copies.fetch(backup, copy.store, target, lambda moved: work.alive())
        return target
    raise RestoreError(_("its files are neither here nor in a store"))


def _make_safe(restore: Restore, caller: Caller, say: Say) -> None:
    """Back up what is live; where there is nothing yet there is nothing to lose."""
    if not restore.safety or _is_empty():
        return
    if not restore.pk:
        raise Refused(
            _("the live database cannot be read, so no safety backup can be made; "
              "--no-safety-backup with a --reason goes on without")
        )  # fmt: skip
    say(0.02, _("safety backup"))
    backup = take.at_once(
        lambda fraction, note: _safety_said(restore, say, fraction, note),
        caller=caller,
        parts=list(PARTS),
        verify=False,
        note=_("read through, not restored on trial: what it holds is kept beside it too"),
        origin=Backup.Origin.SAFETY,
    )
    if backup.status != Backup.Status.STORED:
        raise RestoreError(_("the safety backup failed: %s") % backup.reason)
    restore.beat(safety_backup=backup)


def _safety_said(restore: Restore, say: Say, fraction: float, note: str) -> None:
    restore.beat()
    say(0.02 + 0.1 * fraction, note)


def _is_empty() -> bool:
    """Whether the live database is missing or has no table."""
    server = Server.from_settings()
    if not server.exists(server.database):
        return True
    try:
        return not server.value(HAS_TABLES)
    except PostgresError:
        return False
