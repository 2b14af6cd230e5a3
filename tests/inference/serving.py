"""Starts the service: as a process of its own, or in this one around a given loader."""

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
from tests.running import running

ROOT = Path(__file__).parents[2]
TOKEN = os.environ["INFERENCE_TOKEN"]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def process(weights: Path, log: Path, **settings: str) -> Iterator[httpx.Client]:
    """The real service under these settings, once it is ready; its output goes to `log`."""
    port = free_port()
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'docker' / 'inference'}",
        "INFERENCE_PORT": str(port),
        "SCORING_MODEL": str(weights),
    }
    argv = [sys.executable, "-m", "inference_server"]
    health = f"http://127.0.0.1:{port}/health"
    with running(argv, environment | settings, log, health), client(port) as caller:
        yield caller


@contextmanager
def served(app: Starlette, *, status: int = 200) -> Iterator[httpx.Client]:
    """The app behind a real HTTP server in a thread, once /health answers with `status`."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with client(port) as caller:
            until(lambda: not thread.is_alive() or answers(caller, status))
            assert thread.is_alive()
            yield caller
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def until(done: Callable[[], bool]) -> None:
    """Return when it is so; fail the test when that takes a minute."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def client(port: int) -> httpx.Client:
    """A caller with the token."""
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=60)


def answers(caller: httpx.Client, status: int) -> bool:
    """Whether /health answers so."""
    try:
        return caller.get("/health").status_code == status
    except httpx.TransportError:
        return False


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    """Of an answer that streams."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]
