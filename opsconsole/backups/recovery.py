"""A restore that broke off is finished or undone, by what the server and the files say.

The commit that renames the databases is the point of no return; for files alone it is the journal's
line. Before it everything is undone: live data come back exactly as they were. After it what is
left is to write the row and the events, which may be done twice. Three can ask for it: the restore
itself when it fails, the console's worker, and the start of the embedded installation.

1. Whoever recovers holds the lock under which a restore works. A restore that still lives has it,
   so nothing is taken from under it; one that died has lost it.
2. The state is read anew under that lock, so of two that recover the second finds nothing to do.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from opsconsole.backups.journal import Journal, State
from opsconsole.backups.media import journals
from opsconsole.gateways.postgres.server import Locked, Server
from opsconsole.gateways.postgres.swap import Swap, swapping
from opsconsole.models import Event, Restore
from pmscoring.base import hold
from pmscoring.base.jobs import LONGEST_REASON
from pmscoring.base.lifecycle import WrongState

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

log = logging.getLogger(__name__)


def recover(server: Server | None = None) -> list[str]:
    """Finish or undo every restore that no process works on any more; returns what was done.

    Raises PostgresError. A restore under way is left alone.
    """
    return list(_recover(server or Server.from_settings()))


def _recover(server: Server) -> Iterator[str]:
    for path in journals(Path(settings.MEDIA_ROOT)):
        try:
            journal = Journal.read(path)
            with swapping(server, journal.names) as swap:
                if path.exists():
                    yield settle(swap, journal, str(Restore.BROKE_OFF))
                    hold.lift()
        except Locked:
            continue
        except (OSError, ValueError, TypeError) as error:
            log.error("the journal %s cannot be read: %s", path, type(error).__name__)


def settle(swap: Swap, journal: Journal, reason: str) -> str:
    """Finish the restore where its swap was committed, else undo it; returns a sentence.

    `swap` has the lock. Raises PostgresError and OSError, and can then be called again.
    """
    if is_committed(swap, journal):
        conclude(journal)
        return _("the restore of %s was finished") % journal.backup_name
    undo(swap, journal, reason)
    return _("the restore of %s was undone") % journal.backup_name


def is_committed(swap: Swap, journal: Journal) -> bool:
    """Whether the restored data are the live ones."""
    if journal.state == State.SWAPPING and journal.has_database:
        return swap.is_done()
    return journal.state == State.COMMITTED


def undo(swap: Swap, journal: Journal, reason: str) -> None:
    """Bring back the live data as they were, and remove what was made beside them."""
    root, had_moved = Path(settings.MEDIA_ROOT), journal.state != State.PREPARING
    media = journal.media(root)
    # From now on a missing new database means that it was dropped, and not that it was renamed.
    journal.write(root, State.UNDOING)
    if had_moved:
        media.put_back(journal.staged)
    swap.open()
    swap.drop(journal.names.new)
    _write_failure(journal, reason, undone=had_moved)
    media.remove_staging()


def conclude(journal: Journal) -> None:
    """Write what came of the restore into the database that is now in use."""
    root = Path(settings.MEDIA_ROOT)
    if journal.state != State.COMMITTED:
        journal.write(root, State.COMMITTED)
    with transaction.atomic():
        _write_outcome(journal, journal.row())
    journal.media(root).remove_staging()


def _write_outcome(journal: Journal, restore: Restore) -> None:
    if restore.status == Restore.Status.DONE:
        return
    ended = restore.at_end()
    for name, value in ended.items():
        setattr(restore, name, value)
    restore.status, restore.report, restore.fraction = Restore.Status.DONE, journal.report, 1.0
    if journal.has_database:
        restore.database, restore.previous = journal.live, journal.names.previous
    restore.save()
    Event.objects.record(
        "restore.here", restore, journal.caller, history=journal.history, parts=journal.parts
    )
    Event.objects.record("restore.done", restore, journal.caller, seconds=restore.seconds)


def _write_failure(journal: Journal, reason: str, *, undone: bool) -> None:
    """As far as the live database can keep it: a restore may have begun without one."""
    status = Restore.Status.UNDONE if undone else Restore.Status.FAILED
    try:
        with transaction.atomic():
            restore = Restore.objects.filter(uid=journal.uid).first()
            if restore:
                _end(restore, status, reason)
            details = {"backup": journal.backup_name, "reason": reason}
            deed = f"restore.{status}"
            Event.objects.record(deed, restore, journal.caller, result="failed", **details)
    except DatabaseError as error:
        log.error("the failed restore cannot be written down: %s", type(error).__name__)


def _end(restore: Restore, status: str, reason: str) -> None:
    """The sweep may have given the row up meanwhile; what it wrote stays."""
    with suppress(WrongState):
        restore.become(status, reason=reason[:LONGEST_REASON], **restore.at_end())


def forget_connections() -> None:
    """Close this process's own connections, those of the pool too, before a swap would end them."""
    connection.close()
    if getattr(connection, "pool", None):
        cast("DatabaseWrapper", connection).close_pool()
