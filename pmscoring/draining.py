"""Draining: a web server that is to stop says so for a while and goes on answering meanwhile.

A balancer needs that time to notice; otherwise it would send requests to a closed port, or over a
connection that is just ending.
"""

import mmap
import signal
from types import FrameType
from typing import Any

# Shared memory: the master, which gets the signal, writes it, and its forked workers read it. One
# byte that is only ever set needs no lock.
_flag = mmap.mmap(-1, 1)


def is_draining() -> bool:
    """Whether this server was asked to stop."""
    return _flag[0] == 1


def drain_first(seconds: float) -> None:
    """Delay the effect of SIGTERM by `seconds`; a second SIGTERM takes effect at once."""
    stop: Any = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        if is_draining():
            stop(number, frame)
        _flag[0] = 1
        signal.setitimer(signal.ITIMER_REAL, seconds)

    signal.signal(signal.SIGTERM, drain)
    signal.signal(signal.SIGALRM, lambda _number, frame: stop(signal.SIGTERM, frame))
