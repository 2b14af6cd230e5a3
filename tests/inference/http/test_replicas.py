"""Several replicas under one name, of which one is starting or ending: callers notice nothing."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scoring.inference import Inference, InferenceBrokeOff, InferenceUnavailable

INFO = {"model": "a-model"}
REFUSED = {"starting": "not_ready", "other": "other_folding"}


class Replicas(ThreadingHTTPServer):
    """Each connection leads to the next replica, as an address by name does; the last one stays.

    A replica is "ready", "starting" (answers that it is not ready), "other" (folds by other rules
    than the caller) or "ending" (hangs up).
    """

    replicas: list[str]
    asked: int = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.hosts: set[str | None] = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Replicas

    def setup(self) -> None:
        super().setup()
        self.replica = self.server.replicas.pop(0)
        if not self.server.replicas:
            self.server.replicas.append(self.replica)

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.hosts.add(self.headers["Host"])
        if self.replica == "ending":
            self.close_connection = True
            return
        refused = REFUSED.get(self.replica)
        body = {"error": "not here, not now", "error_type": refused} if refused else INFO
        content = json.dumps(body).encode()
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  # the name that http.server calls

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def serving(address: str, port: int = 0) -> Iterator[Replicas]:
    made = Replicas((address, port), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def server() -> Iterator[Replicas]:
    with serving("127.0.0.1") as made:
        yield made


def client(server: Replicas) -> Inference:
    return Inference(f"http://127.0.0.1:{server.server_port}", "a-token", 5)


@pytest.mark.parametrize("others", [["starting"] * 2, ["other"] * 2, ["ending"] * 2])
def test_another_replica_answers_in_its_place(server: Replicas, others: list[str]) -> None:
    server.replicas = [*others, "ready"]
    assert client(server).info() == INFO


def test_a_name_that_leads_to_a_starting_replica_first_is_asked_for_its_other_addresses(
    server: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replicas = ["starting"]
    resolved = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, server.server_port))
        for address in ("127.0.0.1", "127.0.0.2")
    ]
    lookup = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        return resolved if host == "inference.test" else lookup(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with serving("127.0.0.2", server.server_port) as other:
        other.replicas = ["ready"]
        asked = Inference(f"http://inference.test:{server.server_port}", "a-token", 5)
        assert asked.info() == INFO
        assert server.asked <= 2
        assert other.asked == 1
        assert other.hosts == {f"inference.test:{server.server_port}"}


def test_texts_that_two_replicas_hung_up_on_are_given_to_no_third(server: Replicas) -> None:
    server.replicas = ["ending", "ending", "ready"]
    with pytest.raises(InferenceBrokeOff):
        client(server).score({}, [("1", "text")])
    assert server.asked == 2


def test_where_none_is_ready_that_is_known_within_a_second_or_so(server: Replicas) -> None:
    server.replicas = ["starting"]
    with pytest.raises(InferenceUnavailable):
        client(server).info()
    assert 1 < server.asked < 10
