"""What an operation writes: without secrets, bounded, and in its row while it goes on."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from opsconsole.models import Operation
from pmscoring.base.redaction import redacted

MOST_BYTES = 256 * 1024
LONGEST_LINE = 4000
EVERY = 2.0
"""Seconds from one heartbeat, which takes the output along, to the next."""


class Output:
    """The last MOST_BYTES of the lines that are written; `say` gets each line at once."""

    def __init__(self, operation: Operation, say: Callable[[str], object]) -> None:
        self.operation, self.say = operation, say
        self.lines: deque[str] = deque()
        self.bytes, self.since = 0, monotonic()

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    def line(self, text: str) -> None:
        """Add a line; raises WrongState where another worker has the operation."""
        line = redacted(text.replace("\0", ""))[:LONGEST_LINE]
        self.lines.append(line)
        self.bytes += _size(line)
        while self.bytes > MOST_BYTES:
            self.bytes -= _size(self.lines.popleft())
        self.say(line)
        self.alive()

    def alive(self) -> None:
        """Heartbeat, at most every two seconds; raises WrongState as above."""
        if monotonic() - self.since >= EVERY:
            self.since = monotonic()
            self.operation.beat(output=self.text)


def _size(line: str) -> int:
    return len(line.encode("utf-8", "replace")) + 1
