"""One caller of the web server."""

from typing import Any

from gunicorn.workers.gthread import TConn

from pmscoring.serving.heads import Head
from pmscoring.serving.sockets import PacedSocket


class Connection(TConn):
    """A caller's connection, and what was received of the next request."""

    sock: PacedSocket

    def __init__(self, cfg: Any, accepted: Any, client: Any, server: Any) -> None:
        super().__init__(cfg, PacedSocket(accepted), client, server)
        self.received = bytearray()
        self.head: Head | None = None
        self.keeps = False
        self.drained = 0
        self.closed = False

    def leftover(self) -> bytes:
        """What the parser has read of the next request."""
        return self.parser.unreader.take_buffered() if self.parser else b""

    def hand_over(self) -> None:
        """Hand what was received to the parser, which reads on where that ends."""
        self.data_ready = True
        self.init()
        self.parser.unreader.unread(bytes(self.received))
        self.received.clear()
        self.head = None
        self.sock.renew()
