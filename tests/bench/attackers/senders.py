"""Callers that send slowly, too much, or do not read what they asked for."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

CHUNK = b"\0" * 65536
MULTIPART = "multipart/form-data; boundary=edge"
FORM = "application/x-www-form-urlencoded"
FILE_PART = (
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="answers.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\n"
)


def connect(address: str, *, receive_bytes: int | None = None) -> socket.socket:
    """A connection to the server, whose window is so small where that is asked for."""
    parts = urlsplit(address)
    caller = socket.socket()
    if receive_bytes is not None:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    caller.settimeout(60)
    caller.connect((parts.hostname or "127.0.0.1", parts.port or 80))
    return caller


def head(method: str, path: str, **fields: str) -> bytes:
    """The lines of a request before its body; `Content_Length=…` is Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def _held(sockets: Iterator[socket.socket]) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(each) for each in sockets]


def _started(address: str, count: int, start: bytes) -> Iterator[socket.socket]:
    for _ in range(count):
        caller = connect(address)
        caller.sendall(start)
        yield caller


@contextmanager
def half_heads(address: str, count: int) -> Iterator[list[socket.socket]]:
    """So many callers that never end their first line's headers."""
    with _held(_started(address, count, b"GET / HTTP/1.1\r\nHost: 127")) as callers:
        yield callers


@contextmanager
def half_bodies(
    address: str, count: int, path: str = "/admin/login/", length: int | str = 2000
) -> Iterator[list[socket.socket]]:
    """So many callers that say how long their form is and then send 7 bytes of it."""
    start = head("POST", path, Content_Type=FORM, Content_Length=str(length)) + b"next=/a"
    with _held(_started(address, count, start)) as callers:
        yield callers


@contextmanager
def half_chunks(
    address: str, count: int, path: str = "/admin/login/"
) -> Iterator[list[socket.socket]]:
    """The same in chunks, without saying how long the form is."""
    start = head("POST", path, Content_Type=FORM, Transfer_Encoding="chunked") + b"7\r\nnext=/a"
    with _held(_started(address, count, start)) as callers:
        yield callers


@contextmanager
def unread_answers(address: str, count: int, path: str) -> Iterator[list[socket.socket]]:
    """So many callers that ask for a large file and read none of it."""

    def asked() -> Iterator[socket.socket]:
        for _ in range(count):
            caller = connect(address, receive_bytes=2048)
            caller.sendall(head("GET", path))
            yield caller

    with _held(asked()) as callers:
        yield callers


@contextmanager
def idle(address: str, count: int) -> Iterator[list[socket.socket]]:
    """So many callers that were answered and keep their connections open for more."""

    def answered() -> Iterator[socket.socket]:
        for caller in _started(address, count, head("GET", "/")):
            caller.recv(4096)
            yield caller

    with _held(answered()) as callers:
        yield callers


@contextmanager
def unclosed(address: str, count: int) -> Iterator[list[socket.socket]]:
    """So many callers who keep connections open that the server has closed on its side."""
    start = head("GET", "/health/live", Connection="close")
    with _held(_started(address, count, start)) as callers:
        yield callers


def dripping(caller: socket.socket, pieces: Iterator[bytes], pause: float) -> float:
    """Seconds until the server ends the call of a sender that pauses after each piece."""
    began = time.monotonic()
    caller.settimeout(pause)
    for piece in pieces:
        try:
            caller.sendall(piece)
            if not caller.recv(4096):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def send(
    address: str,
    path: str,
    size: int,
    content_type: str = FORM,
    *,
    start: bytes = b"next=",
    chunked: bool = False,
    **fields: str,
) -> tuple[int, int]:
    """Send a body of `size` bytes until it is answered; the status and the bytes that were sent."""
    length = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": str(size)}
    sent = 0
    with connect(address) as caller:
        try:
            caller.sendall(head("POST", path, Content_Type=content_type, **length, **fields))
            piece = start.ljust(len(CHUNK), b"x")
            while sent < size:
                piece = piece[: size - sent]
                frame = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
                caller.sendall(frame)
                sent += len(piece)
                piece = CHUNK.replace(b"\0", b"x")
            if chunked:
                caller.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # The answer is here already.
        return _status(caller), sent


def _status(caller: socket.socket) -> int:
    """The status of the answer; 0 where the server ended the call without one."""
    try:
        line = caller.recv(4096).split(b"\r\n")[0]
    except OSError:
        return 0
    return int(line.split()[1]) if line else 0
