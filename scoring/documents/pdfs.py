"""PDF files, read by a process of their own, for one small file may ask for hours or gigabytes."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import IO, cast

from django.utils.translation import gettext as _

from scoring.documents.base import BadDocument

SECONDS = 20.0
PROGRAM = Path(__file__).with_name("pages.py")
LOST = ("heavy", "")
Child = subprocess.Popen[bytes]


class Pdfs:
    """Texts of PDF files; the process that reads them is begun again when a file has ended it."""

    def __init__(self) -> None:
        self.child: Child | None = None

    def close(self) -> None:
        """End the process, if there is one."""
        if self.child:
            self.child.kill()
            self.child.communicate()
            self.child = None

    def text(self, data: bytes) -> str:
        """The text layer; BadDocument when there is none, or when it takes too much to read."""
        if self.child is None:
            self.child = _started()
        kind, told = _answer(self.child, data)
        if kind == "heavy":
            self.close()
        if kind != "text":
            raise BadDocument(_reason(kind, told))
        text = str(told)
        if not text.strip():
            raise BadDocument(_("no text layer: the pages are pictures or empty"))
        return text


def _started() -> Child:
    # By its path, as a package of Django's would be read with it. In a session of its own, as the
    # worker finishes its file after an interrupt, which the terminal sends to the whole group.
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if _answer(child, b"") == LOST:
        child.kill()
        child.communicate()
        raise ChildProcessError("the process that reads PDF files does not start")
    return child


def _answer(child: Child, data: bytes) -> tuple[str, object]:
    """(kind, what is told) as pages.py answers; LOST when it does not, or not in time."""
    asked, answered = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)
    end = monotonic() + SECONDS
    clock = Timer(SECONDS, child.kill)
    clock.start()
    try:
        asked.write(len(data).to_bytes(8) + data)
        asked.flush()
        line = answered.readline()
    except BrokenPipeError:
        return LOST
    finally:
        clock.cancel()
    # An answer at the last moment does not count: the process may have been killed behind it.
    if monotonic() >= end or not line.endswith(b"\n"):
        return LOST
    kind, told = json.loads(line)
    return kind, told


def _reason(kind: str, told: object) -> str:
    if kind == "encrypted":
        return _("an encrypted PDF file")
    if kind == "pages":
        return _("more than %d pages") % told
    if kind == "long":
        return _("over %d bytes") % told
    if kind == "broken":
        return _("not a readable PDF file: %s") % told
    return _("takes too much time or memory to read")
