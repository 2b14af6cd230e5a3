"""A web server that is told to stop lets its balancer know first."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests import waiting
from tests.local_servers import free_port, wait_until

Start = Callable[[float], tuple["subprocess.Popen[bytes]", str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a real gunicorn that drains for so many seconds; it, and where it answers."""
    started: list[subprocess.Popen[bytes]] = []

    def run(seconds: float) -> tuple["subprocess.Popen[bytes]", str]:
        port, log = free_port(), tmp_path / "web.log"
        argv = [sys.executable, "-m", "gunicorn", "-c", "python:pmscoring.gunicorn"]
        own = {"WEB_DRAIN_SECONDS": str(seconds), "WEB_BIND": f"127.0.0.1:{port}"}
        with log.open("wb") as output:
            server = subprocess.Popen(argv, env={**os.environ, **own}, stdout=output, stderr=output)
        started.append(server)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: status(f"{url}/health/live") == 200, server, log)
        return server, url

    yield run
    for server in started:
        server.kill()
        server.wait(10)


def status(url: str, **headers: str) -> int:
    try:
        return httpx.get(url, headers=headers, timeout=10, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def says_that_it_stops(url: str) -> None:
    """Return once it does."""
    waiting.wait_until(lambda: status(f"{url}/health/ready") == 404, 10, every=0.05)


def test_it_says_that_it_stops_and_answers_on_for_a_while(start: Start) -> None:
    """Slow, since it really answers for the ten seconds that it promises."""
    server, url = start(10.0)
    assert status(f"{url}/health/ready") != 404
    began = time.monotonic()
    server.terminate()
    says_that_it_stops(url)
    assert status(f"{url}/health/live") == 200
    # 503, since no database runs here.
    assert status(f"{url}/health/ready", **{"X-Forwarded-For": "192.0.2.1"}) == 503
    assert server.wait(30) == 0
    assert time.monotonic() - began >= 10.0


def test_told_twice_it_stops_at_once(start: Start) -> None:
    server, url = start(60.0)
    server.terminate()
    says_that_it_stops(url)
    server.terminate()
    assert server.wait(30) == 0


def test_without_a_balancer_it_waits_for_nobody(start: Start) -> None:
    server, url = start(0.0)
    server.terminate()
    assert server.wait(30) == 0
    assert status(f"{url}/health/live") == 0
