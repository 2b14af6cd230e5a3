"""Work that no other process does at the same time, and what such work left when it was killed.

Each piece of work holds a lock by its name, in the maintenance database of the server: the lock
goes with the process, however it ends. Two races, and why each is safe:

1. The sweep finds the folder or the scratch database of work under way. It removes only what it
   gets the lock of, which the work holds from before it makes it until after it removed it.
2. A killed worker's programs still write. They are killed with it (gateways/shell.py), and the
   kernel does so before another can get the lock, which went with the same process.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.environments.locks import holding
from opsconsole.gateways.postgres.server import Locked, Server
from opsconsole.models import Backup, Installation
from pmscoring.base.refusals import Busy

log = logging.getLogger(__name__)
PARTIAL = ".partial"
SCRATCH = "pmscoring_scratch_"


@contextmanager
def only_backup() -> Iterator[None]:
    """The one backup of this installation that is being made; raises Busy."""
    with ExitStack() as stack:
        try:
            stack.enter_context(holding("backup"))
        except Locked:
            raise Busy(_("another backup is under way")) from None
        yield


@contextmanager
def partial_folder(name: str) -> Iterator[Path]:
    """The path for a folder in BACKUP_DIR that is there for as long as the work lasts."""
    path = Path(settings.BACKUP_DIR) / f"{name}{PARTIAL}"
    with holding(path.name):
        shutil.rmtree(path, ignore_errors=True)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def scratch_database(server: Server, key: str) -> Iterator[Server]:
    """An empty database beside the server's own, dropped afterwards whatever happens."""
    name = f"{scratch_prefix()}{key}"
    with holding(name):
        server.drop(name)
        try:
            server.create(name)
            yield server.named(name)
        finally:
            server.drop(name)


def sweep() -> list[str]:
    """Remove what killed work left behind; returns the names of what it removed."""
    return [*_folders(), *_databases()]


def _folders() -> Iterator[str]:
    wanted = Backup.objects.unfinished()
    resumed = {f"{name}{PARTIAL}" for name in wanted.values_list("name", flat=True)}
    for path in sorted(Path(settings.BACKUP_DIR).glob(f"*{PARTIAL}")):
        if path.name not in resumed and _removed(path.name, lambda path=path: shutil.rmtree(path)):  # type: ignore[misc]
            yield path.name


def _databases() -> Iterator[str]:
    server = Server.from_settings()
    for name in server.databases(scratch_prefix()):
        if _removed(name, lambda name=name: server.drop(name)):  # type: ignore[misc]
            yield name


def _removed(name: str, remove: Callable[[], None]) -> bool:
    try:
        with holding(name):
            remove()
    except Locked:
        return False
    log.warning("removed what was left of interrupted work: %s", name)
    return True


def scratch_prefix() -> str:
    """What the names of this installation's scratch databases begin with."""
    return f"{SCRATCH}{Installation.objects.here().uid.hex[:8]}_"
