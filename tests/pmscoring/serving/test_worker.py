"""The web server with a single thread: whoever is slow has it for no moment."""

import hashlib
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from pmscoring.serving.heads import MOST_HEAD_BYTES
from pmscoring.serving.sockets import MOST_UNSENT
from tests.bench.attackers import senders
from tests.local_servers import free_port
from tests.running import running

LARGE = 3 * 1024 * 1024
HELD = 5
"""How many callers hold on to the server, which has one thread."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server listens."""
    bind = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:tests.pmscoring.serving.impatient"]
    log = tmp_path_factory.mktemp("serving") / "web.log"
    with running(argv, {**os.environ, "WEB_BIND": bind}, log, f"http://{bind}/"):
        yield f"http://{bind}"


def answers(address: str) -> bool:
    return httpx.get(f"{address}/", timeout=10, trust_env=False).status_code == 200


def read_all(caller: socket.socket) -> bytes:
    """What the server sends until it closes."""
    pieces = iter(lambda: caller.recv(65536), b"")
    return b"".join(pieces)


@pytest.mark.parametrize(
    "attack",
    [
        senders.half_heads,
        senders.half_bodies,
        senders.half_chunks,
        lambda address, count: senders.half_bodies(address, count, length=LARGE),
        lambda address, count: senders.unread_answers(address, count, f"/{MOST_UNSENT - 1000}"),
        senders.unclosed,
    ],
)
def test_it_answers_others_while_callers_hold_on_to_it(address: str, attack: Any) -> None:
    holding: AbstractContextManager[Any] = attack(address, HELD)
    with holding:
        assert answers(address)


def test_it_answers_others_while_it_waits_for_a_large_body(address: str) -> None:
    with senders.half_bodies(address, HELD, "/read", LARGE):
        assert answers(address)


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\r\nHo", senders.head("POST", "/", Content_Length="9")]
)
def test_it_tells_a_caller_who_is_too_slow(address: str, start: bytes) -> None:
    with senders.connect(address) as caller:
        caller.sendall(start)
        assert read_all(caller).startswith(b"HTTP/1.1 408 ")


def test_a_drip_of_bytes_does_not_buy_time(address: str) -> None:
    with senders.connect(address) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert senders.dripping(caller, iter([b"x"] * 200), 0.05) < 9


def test_a_large_body_that_stops_coming_fails_the_request(address: str) -> None:
    with senders.half_bodies(address, 1, "/read", LARGE) as [caller]:
        assert read_all(caller).startswith(b"HTTP/1.1 400 ")


def test_a_response_that_nobody_reads_is_given_up(address: str) -> None:
    with senders.unread_answers(address, 2, f"/{4 * MOST_UNSENT}") as callers:
        assert answers(address)
        assert max(len(read_all(caller)) for caller in callers) < 4 * MOST_UNSENT


@pytest.mark.parametrize("size", [0, 1000, 64 * 1024, LARGE])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_arrives_whole(address: str, size: int, *, chunked: bool) -> None:
    body = os.urandom(size)
    content = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        digests = [http.post("/read", content=body).text, http.post("/read", content=content).text]
    assert digests == [hashlib.sha256(body).hexdigest()] * 2


def test_a_response_arrives_whole_at_a_slow_reader(address: str) -> None:
    size = 3 * MOST_UNSENT
    with senders.unread_answers(address, 1, f"/{size}") as [caller]:
        caller.shutdown(socket.SHUT_WR)
        body = read_all(caller).partition(b"\r\n\r\n")[2]
    assert body == b"".join(bytes([n % 251]) * 65536 for n in range(size // 65536))


def test_it_answers_requests_that_come_at_once_in_their_order(address: str) -> None:
    requests = [senders.head("GET", f"/{size}") for size in (3, 5)]
    last = senders.head("GET", "/7", Connection="close")
    with senders.connect(address) as caller:
        caller.sendall(b"".join([*requests, last]))
        received = read_all(caller)
    lengths = [line for line in received.split(b"\r\n") if line.startswith(b"Content-Length")]
    assert lengths == [b"Content-Length: 3", b"Content-Length: 5", b"Content-Length: 7"]


def test_it_asks_for_a_small_body_that_waits_to_be_asked_for(address: str) -> None:
    start = senders.head("POST", "/read", Content_Length="4", Expect="100-continue")
    with senders.connect(address) as caller:
        caller.sendall(start)
        assert caller.recv(100).startswith(b"HTTP/1.1 100 ")
        caller.sendall(b"body")
        caller.shutdown(socket.SHUT_WR)
        assert hashlib.sha256(b"body").hexdigest().encode() in read_all(caller)


def test_it_refuses_a_head_without_end(address: str) -> None:
    with senders.connect(address) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nX: ".ljust(MOST_HEAD_BYTES + 1, b"x"))
        assert read_all(caller).startswith(b"HTTP/1.1 431 ")


def test_a_body_that_is_not_wanted_does_not_cost_the_caller_the_response(address: str) -> None:
    assert senders.send(address, "/", LARGE) == (200, LARGE)
    assert answers(address)


def test_it_takes_on_others_in_place_of_the_oldest(address: str) -> None:
    with senders.half_heads(address, 60):
        assert answers(address)
