"""What all readers of documents share: their error, rows and their places, lines."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import gettempdir
from typing import IO, Any

from django.conf import settings

from pmscoring.base import texts
from pmscoring.base.words import words as _

BLOCK = 1024 * 1024


class BadDocument(Exception):
    """The file, or an entry of an archive, cannot be read; the message says why.

    Libraries name the file that they were given, which is no place that a sender should learn of:
    paths of this server are left out of the message.
    """

    def __init__(self, message: str) -> None:
        shown = _own_paths().sub("…", message)
        self.reason = message if shown == message else shown
        """The message, with its words where it has any (pmscoring/base/words.py)."""
        super().__init__(self.reason)


def _own_paths() -> re.Pattern[str]:
    """Paths below the folders where this server keeps uploads, temporary files and programs."""
    folders = {settings.BASE_DIR, settings.VAR_DIR, settings.MEDIA_ROOT, gettempdir(), sys.prefix}
    return re.compile(rf"(?:{'|'.join(re.escape(str(f)) for f in folders)})(?:/[^\s'\"<>:]*)?")


@dataclass(frozen=True)
class Place:
    """Where a row stands: its line, and the sheet or, in an archive, the file that it stands in.

    In an archive, `line` is the number of the entry; 0 stands for a sheet as a whole. `columns` has
    the heading of each of the row's columns, or its letter in a sheet.
    """

    line: int
    sheet: str = ""
    file: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def row(self) -> str:
        """The row in words, in the active language."""
        if self.file:
            return self.file
        if self.sheet and not self.line:
            return _("sheet %s") % self.sheet
        if self.sheet:
            return _("sheet %(sheet)s, row %(row)d") % {"sheet": self.sheet, "row": self.line}
        return _("line %d") % self.line

    def cell(self, pointer: str) -> str:
        """The cell that a pointer such as /text into the row means, or else the row, in words."""
        column = self.columns.get(pointer.removeprefix("/"))
        if not column:
            return self.row()
        if self.sheet:
            cell = f"{column}{self.line}"
            return _("sheet %(sheet)s, cell %(cell)s") % {"sheet": self.sheet, "cell": cell}
        return _("line %(line)d, column %(column)s") % {"line": self.line, "column": column}


@dataclass(frozen=True)
class Unreadable:
    """A row that cannot be read, with its candidate and attempt as far as they are known.

    `pointer` says which of its columns is at fault, for example `/text`.
    """

    reason: str
    candidate: str = ""
    attempt: Any = 1
    pointer: str = ""


@dataclass(frozen=True)
class Essay:
    """The text of a file that holds one answer, with notes on what was seen there and not read."""

    text: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Skipped:
    """What was not read and is no row, such as a hidden sheet, and why."""

    reason: str


@dataclass(frozen=True)
class Table:
    """How a table was understood, before its rows; `columns` are pairs of heading and meaning.

    The meaning is one of the names of Row's columns, or a question's code in a wide table.
    """

    columns: Sequence[tuple[str, str]]
    encoding: str = ""
    separator: str = ""


Row = dict[str, Any]
"""Values by column: candidate, question and text, or candidate and absent; attempt if there is one.

A candidate who is present and has no answers is a row of candidate and `absent: False`.
"""
PlacedRow = tuple[Place, Row | Unreadable | Skipped | Table]
"""Where a row stands, with what was read there."""
Questions = Mapping[str, str]
"""The codes of an exam's questions by the names that people use: folded codes and labels."""


def question_code(name: str, questions: Questions) -> str:
    """The code of the question that is called `name`; the folded name itself if none is."""
    name = texts.folded(name)
    return questions.get(name, name)


def lines(stream: IO[bytes], most: int) -> Iterator[tuple[int, bytes | None]]:
    """Number the lines of a stream from 1 on; None stands for a line of more than `most` bytes.

    No more than a block of such a line is in memory at a time.
    """
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        too_long = len(line) > most and not line.endswith(b"\n")
        yield number, None if too_long else line
        while too_long and line and not line.endswith(b"\n"):
            line = stream.readline(BLOCK)
