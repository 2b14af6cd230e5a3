"""PDF files, read in a process of their own, since a small file can demand hours or gigabytes."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import IO, cast

from django.utils.translation import gettext as _

from scoring.documents.base import BadDocument, Essay

SECONDS = 20.0
PROGRAM = Path(__file__).with_name("pages.py")
LOST = ("heavy", "")
Child = subprocess.Popen[bytes]


class Pdfs:
    """The texts of PDF files. The process that reads them is started again if a file ended it."""

    def __init__(self) -> None:
        self.child: Child | None = None

    def close(self) -> None:
        """End the process, if there is one."""
        if self.child:
            self.child.kill()
            self.child.communicate()
            self.child = None

    def text(self, data: bytes) -> Essay:
        """The text layer of a PDF file.

        Raises BadDocument where there is none, or where reading takes too much time or memory.
        """
        if self.child is None:
            self.child = _start()
        kind, value = _ask(self.child, data)
        if kind == "heavy":
            self.close()
        if kind != "text":
            raise BadDocument(_reason(kind, value))
        text = str(value)
        if not text.strip():
            raise BadDocument(_("no text layer: the pages are images or empty"))
        return Essay(text)


def _start() -> Child:
    # By its path: as a module it would import its package, and Django with it. In a session of its
    # own: the terminal sends an interrupt to the whole group, after which the worker still finishes
    # its file.
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if _ask(child, b"") == LOST:
        child.kill()
        child.communicate()
        raise ChildProcessError("the process that reads PDF files does not start")
    return child


def _ask(child: Child, data: bytes) -> tuple[str, object]:
    """The (kind, value) that pages.py answers; LOST if it does not answer in time, or has ended."""
    requests, responses = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)
    end = monotonic() + SECONDS
    timer = Timer(SECONDS, child.kill)
    timer.start()
    try:
        requests.write(len(data).to_bytes(8) + data)
        requests.flush()
        line = responses.readline()
    except BrokenPipeError:
        return LOST
    finally:
        timer.cancel()
    # The timer may fire between the answer and its cancellation. So an answer at the last moment
    # does not count: the process may be dead, and is started again for the next file.
    if monotonic() >= end or not line.endswith(b"\n"):
        return LOST
    kind, value = json.loads(line)
    return kind, value


def _reason(kind: str, value: object) -> str:
    if kind == "encrypted":
        return _("an encrypted PDF file")
    if kind == "pages":
        return _("more than %d pages") % value
    if kind == "long":
        return _("over %d bytes") % value
    if kind == "broken":
        return _("not a readable PDF file: %s") % value
    return _("takes too much time or memory to read")
