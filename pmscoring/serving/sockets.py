"""A caller's socket, on which a thread waits no longer than the caller's pace allows."""

import errno
import math
import select
import socket
from typing import Any

from pmscoring.serving.pace import Pace

MOST_UNSENT = 8 * 1024 * 1024
"""Bytes of a response that are kept for the loop to send, so that their thread is free."""


class TooSlow(ConnectionResetError):
    """The caller fell behind the least rate, which ends the call as if the caller had left."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the caller is too slow")


class PacedSocket(socket.socket):
    """Takes an accepted socket over.

    A thread blocks (`gettimeout` is None) while it reads a large body or writes more than
    `MOST_UNSENT`, by `coming` and `going`; the loop never does.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.unsent = bytearray()
        self.renew()

    def renew(self) -> None:
        """Begin another request."""
        self.coming, self.going = Pace(), Pace()

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What has come; raises TooSlow instead of waiting for ever."""
        if self.gettimeout() is None:
            self._wait(select.POLLIN, self.coming)
        data = super().recv(size, flags)
        self.coming.moved += len(data)
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send what the caller takes at once, and keep the rest; raises TooSlow like `recv`."""
        self.unsent += data
        self.push()
        while len(self.unsent) > MOST_UNSENT:
            self._wait(select.POLLOUT, self.going)
            self.push()

    def send(self, data: Any, flags: int = 0, /) -> int:
        """As `sendall`: gunicorn sends its "100 Continue" by this, which would wait for ever."""
        self.sendall(data, flags)
        return len(data)

    def push(self) -> None:
        """Send what the caller takes now of what is unsent."""
        try:
            while self.unsent:
                sent = super().send(self.unsent, socket.MSG_DONTWAIT)
                self.going.moved += sent
                del self.unsent[:sent]
        except BlockingIOError:
            pass

    def _wait(self, event: int, pace: Pace) -> None:
        poll = select.poll()
        poll.register(self, event)
        with pace.waiting():
            ready = poll.poll(math.ceil(pace.left * 1000))
        if not ready:
            raise TooSlow
