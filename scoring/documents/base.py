"""What all readers of documents share: their error, the shape of a row, lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

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
