"""Sockets that engines are said to be at: silent ones and slow ones."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def silent_unix() -> Iterator[Path]:
    """Takes calls and never answers."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder) / "engine.sock"
        server.bind(str(path))
        server.listen(64)
        yield path


@contextmanager
def silent_tcp() -> Iterator[int]:
    """The port of one that takes calls and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server.getsockname()[1]


@contextmanager
def slow_unix(target: Path, seconds: float) -> Iterator[Path]:
    """Passes everything on, each connection's first bytes after so many seconds."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder) / "engine.sock"
        server.bind(str(path))
        server.listen(64)
        with _forwarding(server, socket.AF_UNIX, str(target), seconds):
            yield path


@contextmanager
def slow_tcp(port: int, seconds: float) -> Iterator[int]:
    """The port of such a one before another port."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        with _forwarding(server, socket.AF_INET, ("127.0.0.1", port), seconds):
            yield server.getsockname()[1]


@contextmanager
def _forwarding(
    server: socket.socket, family: int, target: str | tuple[str, int], seconds: float
) -> Iterator[None]:
    def forward(client: socket.socket) -> None:
        with client, socket.socket(family) as engine, suppress(OSError):
            engine.connect(target)
            back = threading.Thread(target=_copy, args=(engine, client, 0), daemon=True)
            back.start()
            _copy(client, engine, seconds)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = server.accept()
                threading.Thread(target=forward, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket, seconds: float) -> None:
    """Until the source ends; each piece so much later."""
    with suppress(OSError):
        while data := source.recv(65536):
            time.sleep(seconds)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
