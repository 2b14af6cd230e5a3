"""PDF files, read in a process of their own, since a small file can demand hours or gigabytes."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import IO, cast

from pmscoring.base.words import words as _
from scoring.documents.base import BadDocument, Essay

SECONDS = 20.0
START_SECONDS = 20.0
MOST_SHOWN = 60
PROGRAM = Path(__file__).parents[1] / "pdf" / "__main__.py"
LOST: "Answer" = ("heavy", 0, "", ())
Child = subprocess.Popen[bytes]
Answer = tuple[str, int, str | int, Sequence[Sequence[str]]]
"""What the program answers: a kind, a page or 0, a value, and lines that were left out or not."""


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
        """The text that is seen in a PDF file, or that was typed into it.

        Raises BadDocument where that is not certain, or takes too much time or memory.
        """
        if self.child is None:
            self.child = _start()
        kind, page, value, margins = _ask(self.child, data, SECONDS)
        if kind == "heavy":
            self.close()
        if kind == "typed":
            return Essay(str(value), [_("only its fields and notes were read, not the print")])
        if kind != "text":
            raise BadDocument(_reason(kind, page, value))
        return Essay(str(value), list(_notes(*margins)))


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
    if _ask(child, b"", START_SECONDS) == LOST:
        child.kill()
        child.communicate()
        raise ChildProcessError("the process that reads PDF files does not start")
    return child


def _ask(child: Child, data: bytes, seconds: float) -> Answer:
    """What the program answers; LOST if it does not answer in time, or has ended."""
    requests, responses = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)
    end = monotonic() + seconds
    timer = Timer(seconds, child.kill)
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
    kind, page, value, margins = json.loads(line)
    return kind, page, value, margins


def _notes(left_out: Sequence[str], doubtful: Sequence[str]) -> Iterator[str]:
    """What the upload says of page numbers and running headers."""
    for line in left_out:
        yield _("a page number or running header was not read: %s") % line[:MOST_SHOWN]
    for line in doubtful:
        yield (
            _("a line that may be a page number or a running header was read: %s")
            % line[:MOST_SHOWN]
        )


def _reason(kind: str, page: int, value: str | int) -> str:
    reason = _reasons().get(kind, _("takes too much time or memory to read"))
    reason = reason % value if "%" in reason else reason
    return _("page %(page)d: %(reason)s") % {"page": page, "reason": reason} if page else reason


def _reasons() -> dict[str, str]:
    """Why a file is refused, and what to do, by the kinds that the program answers."""
    return {
        "box": _("a check box is marked (%s), which is no text; type the answer"),
        "alike": _("text in the colour of what is behind it; remove it or colour it"),
        "broken": _("not a readable PDF file; open it and print it to a new PDF file"),
        "covered": _("text that something is painted over; remove the one or the other"),
        "cut": _("text that its frame cuts off; make the frame larger, or send TXT or DOCX"),
        "empty": _("its fields are empty; without them only the printed question would be read"),
        "encrypted": _("an encrypted PDF file; save it without a password"),
        "fields": _("several fields are filled in (%s), and which is the answer is not certain"),
        "font": _(
            "the font %s does not say which characters it shows; send the text as TXT or DOCX"
        ),
        "invisible": _(
            "invisible text, as text recognition puts on scans; send the text as TXT or DOCX"
        ),
        "long": _("over %d bytes"),
        "no text": _("no text layer: the pages are images or empty"),
        "note": _("a note that is no text of the page (%s); type the answer as text"),
        "order": _("the order of its lines is not certain; send the text as TXT or DOCX"),
        "outside": _("text outside of the page, which nobody sees; remove it"),
        "pages": _("more than %d pages"),
        "picture": _("a picture instead of text; type the answer"),
        "portfolio": _("a collection of files; send each on its own"),
        "slanted": _("slanted text; write it straight, or remove a watermark"),
        "struck": _("text that is struck through; delete it or remove the stroke"),
        "tiny": _("text too small to be seen; remove it"),
        "turned": _("text in several directions; write all of it upright"),
        "white": _("white text, which may not be seen; remove it or colour it"),
        "xfa": _("a form of the kind XFA; print it to a new PDF file"),
    }
