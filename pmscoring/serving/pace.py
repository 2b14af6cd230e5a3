"""How long a server waits for one caller: a grace, and then as long as a least rate takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

GRACE_SECONDS = 20.0
LEAST_RATE = 16 * 1024
"""Bytes a second, over the whole of a body or a response."""


def seconds_for(size: int) -> float:
    """How long so many bytes may take."""
    return GRACE_SECONDS + size / LEAST_RATE


class Pace:
    """One body, or one response: what has moved so far, and how long the server stood waiting.

    The time that the application takes between two reads is not the caller's fault, and is left
    out.
    """

    def __init__(self) -> None:
        self.moved = 0
        self.waited = 0.0

    @property
    def left(self) -> float:
        """The seconds that the caller still has; no pause may be longer than the grace."""
        return min(max(seconds_for(self.moved) - self.waited, 0.0), GRACE_SECONDS)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Counts the time inside as time that the caller took."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began
