"""A web server that is told to stop first says so for a while, and goes on answering meanwhile.

A balancer needs that while to hear it; else it would give requests to a closed port, or to a
connection that is just ending.
"""

import mmap
import signal
from types import FrameType
from typing import Any

# Shared memory: the master, which is told to stop, writes it, and its forked workers read it.
_flag = mmap.mmap(-1, 1)


def is_draining() -> bool:
    """Whether this server was told to stop."""
    return _flag[0] == 1


def drain_first(seconds: float) -> None:
    """From now on, SIGTERM does what it did after so many seconds; a second one, at once."""
    stop: Any = signal.getsignal(signal.SIGTERM)

    def told(number: int, frame: FrameType | None) -> None:
        if is_draining():
            stop(number, frame)
        _flag[0] = 1
        signal.setitimer(signal.ITIMER_REAL, seconds)

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGALRM, lambda _number, frame: stop(signal.SIGTERM, frame))
