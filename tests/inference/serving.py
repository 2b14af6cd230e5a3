"""Starts the service: as a process of its own, or behind a server in a thread of this one."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from tests.local_servers import free_port
from tests.paths import PYTHONPATH
from tests.running import running

TOKEN = os.environ["INFERENCE_TOKEN"]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def process(weights: Path, log: Path, **settings: str) -> Iterator[httpx.Client]:
    """A client of the real service under these settings, once it is ready; it logs to `log`."""
    port = free_port()
    environment = os.environ | {
        "PYTHONPATH": PYTHONPATH,
        "INFERENCE_PORT": str(port),
        "SCORING_MODEL": str(weights),
    }
    argv = [sys.executable, "-m", "inference_server"]
    health = f"http://127.0.0.1:{port}/health"
    with running(argv, environment | settings, log, health), client_of(port) as client:
        yield client


@contextmanager
def served(app: Starlette, *, status: int = 200) -> Iterator[httpx.Client]:
    """A client of the app behind a real HTTP server, once /health answers with `status`."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with client_of(port) as client:
            wait_until(lambda: not thread.is_alive() or is_up(client, status))
            assert thread.is_alive()
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; fail the test when that takes a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def client_of(port: int) -> httpx.Client:
    """A client with the token."""
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=60)


def is_up(client: httpx.Client, status: int) -> bool:
    """Whether /health answers with the status."""
    try:
        return client.get("/health").status_code == status
    except httpx.TransportError:
        return False


def lines_of(response: httpx.Response) -> list[dict[str, Any]]:
    """The JSON values of a stream."""
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]
