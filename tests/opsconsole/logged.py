"""What a process logs, as its handler on the root sees it.

pytest's own capture also listens to loggers that pass nothing on.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pmscoring.base.logs import JsonFormatter


class Logged(logging.Handler):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@contextmanager
def everything_logged() -> Iterator[Logged]:
    """Listen on the root at level DEBUG; loggers with a level of their own keep it."""
    root, handler = logging.getLogger(), Logged()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
