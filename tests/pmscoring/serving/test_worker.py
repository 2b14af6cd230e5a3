"""The web server with a single thread: whoever is slow has it for no moment."""

import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
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


@contextmanager
def serving(folder: Path, *before: str) -> Iterator[str]:
    """Where a server listens that is started by so many words `before` its own."""
    bind = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:tests.pmscoring.serving.impatient"]
    environment = {**os.environ, "WEB_BIND": bind}
    with running([*before, *argv], environment, folder / "web.log", f"http://{bind}/"):
        yield f"http://{bind}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server listens."""
    with serving(tmp_path_factory.mktemp("serving")) as address:
        yield address


def get(address: str, path: str = "/") -> httpx.Response:
    return httpx.get(f"{address}{path}", timeout=10, trust_env=False)


def answers(address: str) -> bool:
    return get(address).status_code == 200


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
        lambda address, count: senders.half_bodies(address, count, "/read", f"{2000:030}"),
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


def test_a_response_that_fails_midway_ends_no_other_call(address: str) -> None:
    process = get(address, "/process").text
    with pytest.raises(httpx.RemoteProtocolError):
        get(address, "/broken")
    assert get(address, "/process").text == process


def test_half_of_the_connections_are_kept_from_large_bodies(address: str) -> None:
    with senders.half_chunks(address, 30, "/read") as callers:
        refused = read_all(callers[-1])
        assert answers(address)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 10\r\n" in refused


AMBIGUOUS = [
    senders.head("POST", "/read", Content_Length="4", Transfer_Encoding="chunked"),
    senders.head("POST", "/read", Transfer_Encoding="chunked, identity"),
    b"POST /read HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
    b"POST /read HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n",
    b"POST /read HTTP/1.1\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n",
    b"POST /read HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
]


@pytest.mark.parametrize("start", AMBIGUOUS)
def test_it_reads_no_second_request_behind_a_body_of_unclear_length(
    address: str, start: bytes
) -> None:
    with senders.connect(address) as caller:
        caller.sendall(start + b"0\r\n\r\n" + senders.head("GET", "/process"))
        assert read_all(caller).count(b"HTTP/1.1 ") == 1


def test_an_old_caller_is_not_asked_for_its_body(address: str) -> None:
    with senders.connect(address) as caller:
        caller.sendall(b"POST /read HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        caller.settimeout(0.3)
        with pytest.raises(TimeoutError):
            caller.recv(100)


def test_it_takes_on_others_where_the_process_may_open_no_more_files(tmp_path: Path) -> None:
    few = ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh"]
    with serving(tmp_path, *few) as address, senders.idle(address, 38):
        assert answers(address)


def test_callers_without_a_request_do_not_keep_it_from_ending(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        caller = httpx.Client(base_url=address, trust_env=False)
        caller.get("/")
        began = time.monotonic()
    caller.close()
    assert time.monotonic() - began < 10
