"""gunicorn's configuration of the product, with one thread, short bounds, and an echo to serve."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pmscoring.gunicorn import bind, sendfile, worker_class
from pmscoring.serving import pace, worker

__all__ = ["bind", "sendfile", "worker_class"]
workers = threads = 1
worker_connections = 40
wsgi_app = "tests.pmscoring.serving.impatient:echo"
control_socket_disable = True
keepalive = 60
worker.HEAD_SECONDS = pace.GRACE_SECONDS = 1.0


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The digest of the body, as many bytes as the path says, or the number of the process."""
    path = environ["PATH_INFO"].strip("/")
    status, response = "200 OK", b""
    if path == "broken":
        return _broken(start_response)
    if path == "process":
        response = str(os.getpid()).encode()
    if path.isdigit():
        return _said(start_response, int(path))
    try:
        if path == "read":
            response = hashlib.sha256(environ["wsgi.input"].read()).hexdigest().encode()
    except OSError:
        status = "400 Bad Request"
    start_response(status, [("Content-Length", str(len(response)))])
    return [response]


def _broken(start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", "9")])
    yield b"half"
    raise ValueError


def _said(start_response: Callable[..., Any], size: int) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", str(size))])
    for begin in range(0, size, 65536):
        yield bytes([begin // 65536 % 251]) * min(65536, size - begin)
