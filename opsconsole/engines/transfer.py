"""Folders carried out of a container and into it, as tar archives, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError
from opsconsole.engines.daemon import Daemon
from opsconsole.engines.meanwhile import paced
from pmscoring.base.progress import Alive

BLOCK = 1024 * 1024


def blocks(file: IO[bytes], alive: Alive) -> Iterator[bytes]:
    """The file's content, sent as it is read; its size need not be known."""
    while block := file.read(BLOCK):
        alive()
        yield block


def fetch(daemon: Daemon, container: str, path: str, archive: Path, alive: Alive) -> None:
    """Write what lies at `path` into a new archive; what is written when it fails is removed."""
    api, beat = daemon.slow_api, paced(alive)
    try:
        with archive.open("xb") as output:
            for chunk in daemon.stream(lambda: api.get_archive(container, path)[0]):
                output.write(chunk)
                beat()
    except BaseException:
        archive.unlink(missing_ok=True)
        raise


def put(daemon: Daemon, container: str, archive: Path, folder: str, alive: Alive) -> None:
    """Unpack the archive into a folder that is there; on a volume where all else is read-only."""
    api = daemon.slow_api
    with archive.open("rb") as file:
        content = blocks(file, paced(alive))
        if not daemon.ask(lambda: api.put_archive(container, folder, content)):
            raise EngineError(_("the engine did not take the archive"))
