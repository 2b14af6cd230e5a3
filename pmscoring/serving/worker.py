"""gunicorn's worker of threads, in which a caller has a thread only for as long as it is of use.

gunicorn gives each connection a thread from its first byte on, and the thread waits for the rest.
Here the loop receives heads and small bodies, and sends the ends of responses; a thread works on
what is complete. Large bodies are read by threads of their own, so that uploads wait for each other
and nothing else does. Whoever falls behind `pmscoring.serving.pace` is disconnected.

A connection is in one place at a time: held by the loop, with a deadline, or handed to a thread.
"""

import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from pmscoring.serving.connections import Connection
from pmscoring.serving.heads import MOST_HEAD_BYTES, read_head
from pmscoring.serving.pace import seconds_for

HEAD_SECONDS = 10.0
"""From the first byte of a request to the last of its head."""
CLOSING_SECONDS = 2.0
MOST_DRAINED_BYTES = 16 * 1024 * 1024
MOST_UNSENT_TOGETHER = 64 * 1024 * 1024
LOOK_SECONDS = 0.5
READ_BYTES = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_SLOW = BODILESS % b"408 Request Timeout"
HEAD_TOO_LARGE = BODILESS % b"431 Request Header Fields Too Large"
BUSY = BODILESS % b"503 Service Unavailable\r\nRetry-After: 10"


class Worker(ThreadWorker):
    """`worker_class` of pmscoring/gunicorn.py."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Connections that the loop has, the oldest first, and until when (time.monotonic).
        self.held: dict[Connection, float] = {}
        self.next_look = 0.0
        # Connections with a large body that a thread reads or will read.
        self.reading: set[Connection] = set()

    def init_process(self) -> None:
        self.large = ThreadPoolExecutor(self.cfg.threads, "large")
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Receive from another caller; where there are too many, in place of the oldest."""
        try:
            accepted, client = listener.accept()
        except OSError as error:
            # Else the caller is gone again, or another worker has it.
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._drop_oldest()
            return
        if self.nr_conns + 1 >= self.worker_connections:
            self._drop_oldest()
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, accepted, client, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        """Receive the connection's next request."""
        conn.received += conn.leftover()
        idle = self.cfg.keepalive if conn.initialized else HEAD_SECONDS
        self._hold(conn, selectors.EVENT_READ, self._receive, idle)
        self._step(self._look, conn)

    def _receive(self, conn: Connection) -> None:
        data = conn.sock.recv(READ_BYTES)
        if not data:
            self._drop(conn)
            return
        if not conn.received:
            self.held[conn] = time.monotonic() + HEAD_SECONDS
        conn.received += data
        self._look(conn)

    def _look(self, conn: Connection) -> None:
        """Go on with what has come of the request."""
        if conn.head is None:
            self._look_for_head(conn)
        if conn.head is None:
            return
        if conn.head.is_large:
            self._read(conn)
        elif len(conn.received) >= conn.head.size:
            self._work(conn, self.tpool)

    def _look_for_head(self, conn: Connection) -> None:
        conn.head = head = read_head(conn.received)
        if head is None:
            if len(conn.received) > MOST_HEAD_BYTES:
                self._refuse(conn, HEAD_TOO_LARGE)
            return
        self.held[conn] = time.monotonic() + seconds_for(head.size)
        if head.expects and not head.is_large and len(conn.received) < head.size:
            conn.sock.sendall(CONTINUE)

    def _read(self, conn: Connection) -> None:
        """Let a thread read the body; not where half of all connections already wait for that."""
        if len(self.reading) >= self.worker_connections // 2:
            self._refuse(conn, BUSY)
            return
        self.reading.add(conn)
        self._work(conn, self.large)

    def _work(self, conn: Connection, lane: ThreadPoolExecutor) -> None:
        self._release(conn)
        conn.hand_over()
        finish = partial(self.method_queue.defer, self.finish_request, conn)
        lane.submit(self.handle, conn).add_done_callback(finish)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Whether another request may follow: not where the rest of this one is still to come."""
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + 0.05))

    def finish_request(self, conn: Connection, future: "Future[Any]") -> None:
        """The thread is done; what the caller has not yet taken of the response, the loop sends."""
        self.reading.discard(conn)
        conn.keeps = not future.cancelled() and not future.exception() and bool(future.result())
        # gunicorn has closed the socket where the application failed in the midst of a response.
        self._step(self._flush, conn)

    def _flush(self, conn: Connection) -> None:
        conn.sock.setblocking(False)
        self._hold(conn, selectors.EVENT_WRITE, self._send, seconds_for(len(conn.sock.unsent)))
        self._step(self._send, conn)

    def _send(self, conn: Connection) -> None:
        conn.sock.push()
        if conn.sock.unsent:
            return
        self._release(conn)
        if conn.keeps:
            self.enqueue_req(conn)
            return
        # Data that come after a close would cost the caller the response: it closes first.
        self._hold(conn, selectors.EVENT_READ, self._drain, CLOSING_SECONDS)
        conn.sock.shutdown(socket.SHUT_WR)

    def _drain(self, conn: Connection) -> None:
        data = conn.sock.recv(READ_BYTES)
        conn.drained += len(data)
        if not data or conn.drained > MOST_DRAINED_BYTES:
            self._drop(conn)

    def _refuse(self, conn: Connection, response: bytes) -> None:
        self._release(conn)
        conn.keeps = False
        conn.sock.sendall(response)
        self._flush(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker is to end: connections without a request do not make it wait for long."""
        for conn, until in self.held.items():
            if not conn.received and not conn.sock.unsent:
                self.held[conn] = min(until, deadline)

    def murder_pending(self) -> None:
        """End what is overdue; gunicorn's loop asks for it after each round."""
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + LOOK_SECONDS
        for conn in [conn for conn, until in self.held.items() if until < now]:
            self._step(self._expire, conn)
        unsent = sum(len(conn.sock.unsent) for conn in self.held)
        for conn in list(self.held) if unsent > MOST_UNSENT_TOGETHER else []:
            if conn.sock.unsent and unsent > MOST_UNSENT_TOGETHER:
                unsent -= len(conn.sock.unsent)
                self._drop(conn)

    def _expire(self, conn: Connection) -> None:
        """Tell a caller that is still sending; the others know, or never began."""
        if conn.received:
            self._refuse(conn, TOO_SLOW)
        else:
            self._drop(conn)

    def _hold(
        self, conn: Connection, event: int, step: Callable[[Connection], None], seconds: float
    ) -> None:
        if not self.alive:
            seconds = min(seconds, CLOSING_SECONDS)
        self.held[conn] = time.monotonic() + seconds
        self.poller.register(conn.sock, event, lambda _sock: self._step(step, conn))

    def _release(self, conn: Connection) -> None:
        if self.held.pop(conn, None) is not None:
            self.poller.unregister(conn.sock)

    def _step(self, step: Callable[[Connection], None], conn: Connection) -> None:
        """Go on with one connection; what fails there is no other's concern."""
        try:
            step(conn)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(conn)

    def _drop_oldest(self) -> None:
        if self.held:
            self._drop(next(iter(self.held)))

    def _drop(self, conn: Connection) -> None:
        if not conn.closed:
            conn.closed = True
            self._release(conn)
            self.nr_conns -= 1
            conn.close()
