"""What every reader of documents shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

ENCODINGS = ("utf-8-sig", "cp932")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BLOCK = 1024 * 1024


class BadDocument(Exception):
    """The file, or an entry of it, cannot be read; the message says why."""


@dataclass(frozen=True)
class Unreadable:
    """A row that cannot be read, and whose it is where that can be told."""

    reason: str
    candidate: str = ""
    attempt: Any = 1


Row = dict[str, Any]
Found = tuple[int, Row | Unreadable]


def decoded(data: bytes) -> str:
    """UTF-8 with or without BOM, else CP932; BadDocument when it is neither."""
    _refuse_utf_16(data)
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadDocument(_("the text is neither UTF-8 nor CP932"))


def encoding_of(path: Path) -> str:
    """The first of ENCODINGS in which the whole file reads; BadDocument when there is none."""
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
        raise BadDocument(_("UTF-16 is not read; save as UTF-8"))


def lines(stream: IO[bytes], most: int) -> Iterator[tuple[int, bytes | None]]:
    """(number, line) of a stream, read as it comes; None for a line of more than `most` bytes."""
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        too_long = len(line) > most and not line.endswith(b"\n")
        yield number, None if too_long else line
        while too_long and line and not line.endswith(b"\n"):
            line = stream.readline(BLOCK)
