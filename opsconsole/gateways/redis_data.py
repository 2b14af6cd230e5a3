"""The data of a Redis or Valkey, as its own file format RDB, by the protocol of replication.

The server forks to write its data and goes on serving meanwhile. What is asked for is a replica's
first copy (SYNC), so neither the server's folder nor a command that blocks it is needed, and its
account needs the command SYNC alone.
"""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _

from pmscoring.base.progress import Alive

MAGICS = (b"REDIS", b"VALKEY")
END = 0xFF
"""The opcode before the checksum of 8 bytes."""
CHECKSUM = 8
TIMEOUT = 60.0
"""Seconds without a byte: while it forks the server sends an empty line now and then."""
CHUNK = 1024 * 1024


class RedisError(Exception):
    """The server did not hand its data out, or they are not whole; without passwords."""


def save(url: str, path: Path, alive: Alive = lambda: None) -> None:
    """Write the data of the server at `url` to a new file, which is then on the disk."""
    try:
        with _connected(url) as (connection, stream), path.open("xb") as file:
            connection.sendall(b"*1\r\n$4\r\nSYNC\r\n")
            left = _announced(stream, alive)
            while left:
                block = stream.read(min(left, CHUNK))
                if not block:
                    raise RedisError(_("the server closed the connection"))
                alive()
                file.write(block)
                left -= len(block)
            file.flush()
            os.fsync(file.fileno())
        check(path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            path.unlink()
        if isinstance(error, OSError):
            raise RedisError(_("the server: %s") % (error.strerror or error)) from error
        raise


@contextmanager
def _connected(url: str) -> Iterator[tuple[socket.socket, IO[bytes]]]:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or 6379
    with socket.create_connection((host, port), timeout=TIMEOUT) as plain:
        connection = plain
        if parts.scheme == "rediss":
            connection = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        with connection, connection.makefile("rb") as stream:
            if parts.password:
                account = [unquote(parts.username)] if parts.username else []
                _sign_in(connection, stream, [*account, unquote(parts.password)])
            yield connection, stream


def _sign_in(connection: socket.socket, stream: IO[bytes], words: list[str]) -> None:
    encoded = [word.encode() for word in ("AUTH", *words)]
    request = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
    connection.sendall(b"*%d\r\n%s" % (len(encoded), request))
    if stream.readline() != b"+OK\r\n":
        raise RedisError(_("the server rejects the password"))


def _announced(stream: IO[bytes], alive: Alive) -> int:
    """The number of bytes that the server announces once it has written them."""
    while True:
        line = stream.readline(1000)
        alive()
        if line in (b"\n", b"\r\n"):
            continue
        if line.startswith(b"$") and line[1:].strip().isdigit():
            return int(line[1:])
        said = line.decode("utf-8", "replace").strip()[:200]
        why = said or _("it closed the connection")
        raise RedisError(_("the server does not send its data: %s") % why)


def check(path: Path) -> None:
    """Raise RedisError unless the file begins and ends as RDB does."""
    with path.open("rb") as file:
        begins = file.read(9)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - CHECKSUM - 1, 0))
        end = file.read(1)
    if not begins.startswith(MAGICS) or size < len(begins) + CHECKSUM + 1 or end != bytes([END]):
        raise RedisError(_("%s is not a complete Redis dump") % path.name)
