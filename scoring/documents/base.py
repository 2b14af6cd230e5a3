"""What all readers of documents share: their error, the shape of a row, encodings, lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

ENCODINGS = ("utf-8-sig", "cp932")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BLOCK = 1024 * 1024


class BadDocument(Exception):
    """The file, or an entry of an archive, cannot be read; the message says why."""


@dataclass(frozen=True)
class Unreadable:
    """A row that cannot be read, with its candidate and attempt as far as they are known."""

    reason: str
    candidate: str = ""
    attempt: Any = 1


Row = dict[str, Any]
"""Values by column: candidate, question, text, and attempt where the file has it."""
NumberedRow = tuple[int, Row | Unreadable]
"""The number of the line, or of the entry in an archive, with what was read there."""


def decoded(data: bytes) -> str:
    """The text, from UTF-8 with or without BOM, else from CP932. Raises BadDocument."""
    _refuse_utf_16(data)
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadDocument(_("the text is neither UTF-8 nor CP932"))


def encoding_of(path: Path) -> str:
    """The first of ENCODINGS that decodes the whole file. Raises BadDocument where none does."""
    with path.open("rb") as file:
        _refuse_utf_16(file.read(2))
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(BLOCK):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise BadDocument(_("the file is neither UTF-8 nor CP932"))


def _refuse_utf_16(head: bytes) -> None:
    if head.startswith(UTF_16):
        raise BadDocument(_("UTF-16 is not supported; save the file as UTF-8"))


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
