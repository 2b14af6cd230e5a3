"""The swap of a restore: restored data take the live ones' place while the application is held."""

from contextlib import closing
from typing import Any

import psycopg
from django.utils.translation import gettext as _

from opsconsole.backups import history, recovery
from opsconsole.backups.journal import State
from opsconsole.backups.preparation import Work
from opsconsole.gateways.postgres.server import PostgresError, Server
from opsconsole.models import Restore

LIVE, SNAPSHOT = "live", "snapshot"
"""Whose tables of the console the restored database has."""


def take_over(work: Work) -> None:
    """With the application held: nobody but this process works with the data."""
    journal, root = work.journal, work.media.root
    work.step(Restore.Status.SWAPPING)
    work.say(0.9, _("swapping"))
    recovery.forget_connections()
    journal.staged = work.media.staged()
    journal.write(root, State.SWAPPING)
    if journal.has_database:
        _close_and_carry_over(work)
        journal.write(root, State.SWAPPING)
    work.say(0.92, _("swapping the files"))
    work.media.exchange()
    work.say(0.94, _("renaming the databases"))
    if journal.has_database:
        work.swap.exchange()
    work.say(0.96, _("recording the result"))
    recovery.conclude(journal)


def _close_and_carry_over(work: Work) -> None:
    """The session that reads the live tables is opened before the database closes to everyone."""
    live = _opened(work.server) if work.swap.accepts(work.journal.live) else None
    if live is None:
        if work.swap.accepts(work.journal.live) is not None:
            work.swap.close()
        work.journal.history = SNAPSHOT
        return
    with closing(live), closing(work.new.connect()) as new:
        work.swap.close(live.info.backend_pid)
        work.say(0.91, _("carrying over events and backups"))
        try:
            history.carry_over(live, new)
            work.journal.history = LIVE
        except psycopg.Error as error:
            work.journal.history = f"{SNAPSHOT}: {type(error).__name__}"


def _opened(server: Server) -> "psycopg.Connection[Any] | None":
    try:
        return server.connect()
    except PostgresError:
        return None
